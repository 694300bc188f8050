"""Chooses the SNR shift of the schedule and the guidance after the training, on calibration seeds.

    python calibrate.py --pack ../emoji-ldm --classifier data/classifier.pt --shifts 12 16 24 32 --guidance 2 2.5 3

A larger shift leaves less noise at every step, so what is drawn is decided earlier in the chain: fusion of two prompts
comes earlier, and a hand-over after t0 steps is less forgiving of bit errors. For every shift and guidance this prints
where the concepts of three prompt pairs take over, quality, and the confidence under bit errors.
The pack itself is not changed: export it again with the shift chosen.
"""

import argparse
import json
import shutil
import tempfile
from pathlib import Path

import numpy
import onnx
import torch
from onnx import numpy_helper

from behaviour import FIRST_SEED, PAIRS, bit_error_curve, switch_curve, take_over
from classifier import load_classifier
from export_onnx import scheduler_config
from noise_schedule import alpha_bars, log_snr
from onnx_pack import OnnxPack


def with_shift(folder: Path, snr_shift: float, scratch: Path) -> OnnxPack:
    """A copy of the pack with another schedule: the U-Net's table and ``scheduler_config.json``."""
    copy = scratch / f"shift-{snr_shift:g}"
    shutil.copytree(folder, copy, dirs_exist_ok=True)
    path = copy / "unet/model.onnx"
    model = onnx.load(str(path))
    table = next(tensor for tensor in model.graph.initializer if "log_snr_of_timestep" in tensor.name)
    values = log_snr(alpha_bars(snr_shift)).numpy().astype(numpy.float32)
    table.CopyFrom(numpy_helper.from_array(values, table.name))
    onnx.save(model, str(path))
    (copy / "scheduler/scheduler_config.json").write_text(json.dumps(scheduler_config(snr_shift)))
    return OnnxPack(copy)


def main(arguments) -> None:
    torch.set_num_threads(1)
    classifier = load_classifier(arguments.classifier)
    seeds = [FIRST_SEED["calibration"] + index for index in range(arguments.per_pair)]
    with tempfile.TemporaryDirectory() as scratch:
        for shift in arguments.shifts:
            pack = with_shift(arguments.pack, shift, Path(scratch))
            for guidance in arguments.guidance:
                print(f"SNR shift {shift:g}, guidance {guidance:g}", flush=True)
                for first, second, setting in PAIRS[: arguments.pairs]:
                    rows, _ = switch_curve(pack, classifier, first, second, setting, guidance, seeds)
                    print("  ", take_over(rows))
                    print("     first ", " ".join(f"{row['first_confidence']:.2f}" for row in rows))
                    print("     second", " ".join(f"{row['second_confidence']:.2f}" for row in rows), flush=True)
                errors, _ = bit_error_curve(pack, classifier, guidance, FIRST_SEED["calibration"] + 50_000, 1, [0, 0.03, 0.06, 0.10, 0.15])
                print("   bit errors", ", ".join(f"{100 * row['bit_error_probability']:g} %: {row['confidence']:.3f} / {row['object_top1']:.2f}" for row in errors), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--classifier", type=Path, required=True)
    parser.add_argument("--shifts", type=float, nargs="+", default=[12, 16, 24, 32])
    parser.add_argument("--guidance", type=float, nargs="+", default=[2, 2.5, 3])
    parser.add_argument("--per-pair", type=int, default=12)
    parser.add_argument("--pairs", type=int, default=3)
    main(parser.parse_args())
