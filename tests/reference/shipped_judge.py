"""Writes tests/vectors/shipped_judge.json and .bin: what transformers makes of the shipped judge, models/emoji-llava.

    python tests/reference/shipped_judge.py --judge models/training/data/judge.pt --classifier models/training/data/classifier.pt

Needs the packages of models/training/requirements.txt and the two checkpoints that the pack was exported from. It is run again when the
pack is trained anew: the JSON lists the digests of the pack it belongs to, and the test refuses any other.

    .bin     the pictures, 8-bit RGB rows of 64 × 64, one after another: made by models/emoji-ldm, the last one with noise added
    .json    digests; sizes; for every picture, persona and request: tokens of the prompt, greedy answer, expectation, and the logits
             where the answer begins, of all words of the vocabulary

The reference computes with what the pack stores: weights of at least 64 numbers rounded to fp16 and back, those of a convolution after its
batch norm was folded into it, as the exporter does. Prompts are written by ``judge_text.render`` and read as one sequence, without cache.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy
import torch
from PIL import Image
from tokenizers import Tokenizer
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from transformers import CLIPImageProcessor, LlavaForConditionalGeneration

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "models/training"))
from classifier import load_classifier  # noqa: E402
from judge_model import PICTURE_TOKENS, load_judge  # noqa: E402
from judge_text import MARKS, PICTURE, build_tokenizer, render  # noqa: E402
from onnx_pack import OnnxPack, noise  # noqa: E402
from preference import GA1, GA2  # noqa: E402

OUT = ROOT / "tests/vectors"
PACK = ROOT / "models/emoji-llava"
SMALLEST_HALF = 64  # ``with_half_weights`` of models/training/export_onnx.py
PERSONAS = [("GA1", GA1), ("GA2", GA2)]
REQUESTS = ["a dog sits in front of a bush", "a tiger on the beach"]
MAX_NEW_TOKENS = 4


def pictures() -> list[numpy.ndarray]:
    """A dog; a chain that began as a tiger and went on as a dog; the dog with noise [64, 64, 3] 8 bits."""
    pack, steps, guidance = OnnxPack(ROOT / "models/emoji-ldm"), 8, 2.0
    start = noise([31])
    dog = pack.decode(pack.denoise(start, [REQUESTS[0]], guidance, steps))
    tiger_first = pack.denoise(start, ["a tiger sits in front of a bush"], guidance, steps, 0, 3)
    mixture = pack.decode(pack.denoise(tiger_first, [REQUESTS[0]], guidance, steps, 3))
    noisy = dog + numpy.random.default_rng(5).normal(0, 0.3, dog.shape)
    return [numpy.clip(127.5 * (values[0] + 1), 0, 255).round().astype(numpy.uint8).transpose(1, 2, 0) for values in (dog, mixture, noisy)]


@torch.no_grad()
def with_stored_weights(model: LlavaForConditionalGeneration) -> LlavaForConditionalGeneration:
    """The model with the numbers that the pack's files hold."""
    layers = model.vision_tower.classifier.features
    for index, layer in enumerate(layers):
        if isinstance(layer, nn.BatchNorm2d):
            layers[index - 1], layers[index] = fuse_conv_bn_eval(layers[index - 1], layer), nn.Identity()
    for weights in model.parameters():
        if weights.numel() >= SMALLEST_HALF:
            weights.data = weights.data.half().float()
    return model


@torch.no_grad()
def case(model: LlavaForConditionalGeneration, words: Tokenizer, pixels: torch.Tensor, traits: numpy.ndarray, request: str) -> dict:
    before, after = render(traits, request)
    picture = words.token_to_id(PICTURE)
    ids = words.encode(before).ids + [picture] * PICTURE_TOKENS + words.encode(after, add_special_tokens=False).ids
    sequence = torch.tensor([ids])
    inputs = {"input_ids": sequence, "pixel_values": pixels, "attention_mask": torch.ones_like(sequence)}
    logits = model(**inputs, use_cache=False).logits[0, -1]
    tokens = model.generate(**inputs, max_new_tokens=MAX_NEW_TOKENS, do_sample=False)[0, len(ids) :].tolist()
    chances = torch.softmax(logits[[words.token_to_id(str(mark)) for mark in MARKS]].double(), 0)
    return {
        "request": request, "prompt_tokens": len(ids), "text": words.decode(tokens, skip_special_tokens=True),
        "expectation": float((chances * torch.linspace(0, 1, len(MARKS), dtype=torch.float64)).sum()),
        "logits": [float(f"{value:.7g}") for value in logits.tolist()],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--judge", type=Path, required=True)
    parser.add_argument("--classifier", type=Path, required=True)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    words = build_tokenizer()
    assert words.to_str() == Tokenizer.from_file(str(PACK / "tokenizer.json")).to_str(), "the pack has another vocabulary"
    model = with_stored_weights(load_judge(arguments.judge, words, load_classifier(arguments.classifier)))
    processor = CLIPImageProcessor(**json.loads((PACK / "preprocessor_config.json").read_text()))
    shown, cases = pictures(), []
    for index, values in enumerate(shown):
        pixels = processor(Image.fromarray(values), return_tensors="pt")["pixel_values"]
        for name, traits in PERSONAS:
            for request in REQUESTS:
                cases.append({"picture": index, "persona": name} | case(model, words, pixels, traits, request))
                print({key: value for key, value in cases[-1].items() if key != "logits"})
    expected = {
        "digests": json.loads((PACK / "digests.json").read_text())["files"],
        "pictures": len(shown), "side_px": shown[0].shape[0], "max_new_tokens": MAX_NEW_TOKENS, "cases": cases,
    }
    (OUT / "shipped_judge.bin").write_bytes(b"".join(values.tobytes() for values in shown))
    text = json.dumps(expected, separators=(",", ":")).replace('{"picture"', '\n{"picture"')
    (OUT / "shipped_judge.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
