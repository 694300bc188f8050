"""What the paper's split does to this pack: the prompt switch after t0 of N steps, and bit errors at the hand-over.

    python behaviour.py --pack ../emoji-ldm --classifier data/classifier.pt --guidance 2 --seeds test

Prompt switch (joint split): steps 1 … t0 under the first caption, t0 + 1 … N under the second, same start noise.
Bit errors: after t0 = 4 the latent goes through the int8 code (±5, two's complement), every bit flipped with
probability BEP, then the same caption finishes. Seeds of ``calibration`` and ``test`` are disjoint.
Writes ``switch.csv``, ``bit_errors.csv``, ``switch.png``, ``bit_errors.png`` into the pack.
"""

import argparse
import csv
from pathlib import Path

import numpy
import torch

from captions import CONCEPTS, SETTING_NAMES, plain_caption
from classifier import load_classifier
from evaluate import judge
from latent_codec import corrupt_int8
from onnx_pack import OnnxPack, noise
from sheets import save_sheet

STEPS = 10
HAND_OVER_AFTER = 4
FIRST_SEED = {"calibration": 700_000, "test": 800_000}
BIT_ERROR_PROBABILITIES = [0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.06, 0.08, 0.10, 0.12, 0.15]
PAIRS = [  # first concept (the server's), second concept (the device's), setting
    ("tiger", "dog", "bush"),
    ("apple", "lemon", "table"),
    ("cat", "car", "street"),
    ("panda", "penguin", "snow"),
    ("frog", "pig", "grass"),
]


def switch_curve(pack: OnnxPack, classifier, first: str, second: str, setting: str, guidance: float, seeds: list[int]):
    """One row a t0, and the pictures [t0, seed, 3, 64, 64]."""
    before, after = ([plain_caption([concept], setting)] * len(seeds) for concept in (first, second))
    shared, rows, pictures = noise(seeds), [], []
    for t0 in range(STEPS + 1):
        finished = pack.denoise(shared, after, guidance, STEPS, first=t0)
        pictures.append(pack.decode(finished))
        objects, settings = judge(classifier, pictures[-1])
        first_p, second_p = objects[:, CONCEPTS.index(first)], objects[:, CONCEPTS.index(second)]
        top = objects.argmax(1)
        rows.append({
            "first": first, "second": second, "setting": setting, "t0_steps": t0, "total_steps": STEPS, "guidance": guidance, "n": len(seeds),
            "first_confidence": round(float(first_p.mean()), 4), "second_confidence": round(float(second_p.mean()), 4),
            "first_top1": round(float((top == CONCEPTS.index(first)).mean()), 4), "second_top1": round(float((top == CONCEPTS.index(second)).mean()), 4),
            "setting_top1": round(float((settings.argmax(1) == SETTING_NAMES.index(setting)).mean()), 4),
        })
        if t0 < STEPS:
            shared = pack.denoise(shared, before, guidance, STEPS, first=t0, last=t0 + 1)
    return rows, numpy.stack(pictures)


def take_over(rows: list[dict]) -> str:
    """Where the second concept's confidence falls under 90 % of its own at t0 = 0, where the curves cross, where the first has 90 % of its own."""
    first, second = ([row[f"{name}_confidence"] for row in rows] for name in ("first", "second"))
    fades = next((t0 for t0, value in enumerate(second) if value < 0.9 * second[0]), STEPS)
    arrives = next((t0 for t0 in range(STEPS + 1) if min(first[t0:]) >= 0.9 * first[-1]), STEPS)
    difference = numpy.array(first) - numpy.array(second)
    index = next((t0 for t0 in range(1, STEPS + 1) if difference[t0] > 0), STEPS)
    crossing = index - difference[index] / (difference[index] - difference[index - 1])
    return f"{rows[0]['first']} → {rows[0]['second']}: second fades at {fades}, cross at {crossing:.1f}, first clean from {arrives}"


def bit_error_curve(pack: OnnxPack, classifier, guidance: float, first_seed: int, per_concept: int, probabilities: list[float]):
    """One row a bit error probability, and the pictures [BEP, sample, 3, 64, 64]; sample i shows concept i modulo 54."""
    concepts = CONCEPTS * per_concept
    captions = [plain_caption([concept], SETTING_NAMES[(5 * index) % 8]) for index, concept in enumerate(concepts)]
    index = numpy.array([CONCEPTS.index(concept) for concept in concepts])
    sent = pack.denoise(noise([first_seed + i for i in range(len(captions))]), captions, guidance, STEPS, last=HAND_OVER_AFTER)
    whole = pack.decode(pack.denoise(sent, captions, guidance, STEPS, first=HAND_OVER_AFTER))
    rows, pictures = [], []
    for probability in probabilities:
        torch.manual_seed(first_seed)
        received = corrupt_int8(torch.from_numpy(sent), torch.full((len(sent),), float(probability))).numpy()
        pictures.append(pack.decode(pack.denoise(received, captions, guidance, STEPS, first=HAND_OVER_AFTER)))
        objects, settings = judge(classifier, pictures[-1])
        error = numpy.square(pictures[-1] - whole).mean((1, 2, 3))
        rows.append({
            "bit_error_probability": probability, "t0_steps": HAND_OVER_AFTER, "total_steps": STEPS, "guidance": guidance, "n": len(captions),
            "confidence": round(float(objects[numpy.arange(len(index)), index].mean()), 4),
            "object_top1": round(float((objects.argmax(1) == index).mean()), 4),
            "psnr_to_error_free_db": round(float((10 * numpy.log10(4 / numpy.maximum(error, 1e-9))).mean()), 2),
        })
    return rows, numpy.stack(pictures)


def write_csv(path: Path, rows: list[dict]) -> None:
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def main(arguments) -> None:
    torch.set_num_threads(arguments.threads)
    pack, classifier = OnnxPack(arguments.pack, arguments.threads), load_classifier(arguments.classifier)
    first_seed = FIRST_SEED[arguments.seeds]
    seeds = [first_seed + index for index in range(arguments.per_pair)]
    all_rows, sheet, titles = [], [], []
    for first, second, setting in PAIRS:
        rows, pictures = switch_curve(pack, classifier, first, second, setting, arguments.guidance, seeds)
        all_rows += rows
        for seed in range(2):
            sheet += list(pictures[:, seed])
            titles += [f"{first}>{second} t0={t0}" if t0 == 0 else f"t0={t0}" for t0 in range(STEPS + 1)]
        print(take_over(rows), flush=True)
        print("   first ", " ".join(f"{row['first_confidence']:.2f}" for row in rows))
        print("   second", " ".join(f"{row['second_confidence']:.2f}" for row in rows), flush=True)
    errors, pictures = bit_error_curve(pack, classifier, arguments.guidance, first_seed + 50_000, arguments.per_concept, BIT_ERROR_PROBABILITIES)
    for row in errors:
        relative = row["confidence"] / errors[0]["confidence"]
        print(f"BEP {row['bit_error_probability']:.3f} confidence {row['confidence']:.3f} ({relative:.3f} of error-free) top-1 {row['object_top1']:.3f} PSNR {row['psnr_to_error_free_db']:.1f} dB")
    if arguments.write:
        write_csv(arguments.pack / "switch.csv", all_rows)
        write_csv(arguments.pack / "bit_errors.csv", errors)
        save_sheet(arguments.pack / "switch.png", numpy.stack(sheet), titles, columns=STEPS + 1, colours=96)
        shown = [CONCEPTS.index(name) for name in ("dog", "tiger", "apple", "car", "cat", "house", "tree")]
        save_sheet(arguments.pack / "bit_errors.png", pictures[:, shown].swapaxes(0, 1).reshape(-1, 3, 64, 64),
                   [f"BEP {100 * value:g} %" for value in BIT_ERROR_PROBABILITIES] * len(shown), columns=len(BIT_ERROR_PROBABILITIES), colours=96)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--classifier", type=Path, required=True)
    parser.add_argument("--guidance", type=float, default=2.0)
    parser.add_argument("--seeds", choices=FIRST_SEED, default="test")
    parser.add_argument("--per-pair", type=int, default=24)
    parser.add_argument("--per-concept", type=int, default=4)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="write the CSV files and sheets into the pack")
    main(parser.parse_args())
