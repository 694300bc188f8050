"""Writes the judge pack: the trained judge in transformers.js' layout, its tokenizer, its digests. The template is in the pack already.

    python export_judge.py --judge data/judge.pt --classifier data/classifier.pt --out ../emoji-llava
    python export_judge.py --digests-only --out ../emoji-llava
"""

import argparse
from pathlib import Path

from classifier import load_classifier
from export_llava import export_llava
from export_onnx import write_digests
from judge_model import load_judge
from judge_text import build_tokenizer
from scenes import PICTURE_SIZE_PX

_SIDE = {"height": PICTURE_SIZE_PX, "width": PICTURE_SIZE_PX}
PREPROCESSOR = {
    "image_processor_type": "CLIPImageProcessor", "do_convert_rgb": True, "do_resize": True, "size": {"shortest_edge": PICTURE_SIZE_PX}, "resample": 3,
    "do_center_crop": True, "crop_size": _SIDE, "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True,
    "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5],
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--judge", type=Path)
    parser.add_argument("--classifier", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--digests-only", action="store_true")
    arguments = parser.parse_args()
    if not arguments.digests_only:
        tokenizer = build_tokenizer()
        model = load_judge(arguments.judge, tokenizer, load_classifier(arguments.classifier))
        export_llava(model, arguments.out, PREPROCESSOR, tokenizer)
    write_digests(arguments.out)
