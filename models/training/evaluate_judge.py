"""Measures an exported judge against the preference model, on pictures and object pairs that its training never saw.

    python evaluate_judge.py --judge ../emoji-llava --pack ../emoji-ldm --classifier data/classifier.pt --pictures data/judge_pictures.npz

Prints the card's figures and writes ``quality.csv`` (every part of the held-out pictures) and ``fig10.csv`` (200 drawn answers
of two personas to a good and a bad picture) into the pack.
"""

import argparse
import csv
import time
from pathlib import Path
from random import Random

import numpy
import torch

from captions import CONCEPTS, SETTING_NAMES, plain_caption, random_caption
from classifier import load_classifier
from judge_text import MARKS
from latent_codec import corrupt
from onnx_judge import OnnxJudge
from onnx_pack import OnnxPack, noise
from preference import GA1, GA2, GA2_FIG10, answer_deviation, look_at, utility
from train_judge import random_request, random_traits

ORDER_DIFFERENCE = 0.1
SEEDS = 200


def spearman(first: numpy.ndarray, second: numpy.ndarray) -> float:
    """Rank correlation; ties do not occur among continuous scores."""
    ranks = [numpy.argsort(numpy.argsort(values)) for values in (first, second)]
    return float(numpy.corrcoef(*ranks)[0, 1])


def questions(data: dict, count: int, random: Random):
    """Rows, requested objects [n, 54], settings [n] and captions of ``count`` questions about held-out pictures."""
    rows = numpy.array([random.randrange(len(data["picture"])) for _ in range(count)])
    requested, settings, captions = numpy.zeros((count, len(CONCEPTS))), [], []
    for index, row in enumerate(rows):
        objects, setting = random_request(int(row), data, random)
        requested[index, objects] = 1
        settings.append(setting)
        captions.append(random_caption([CONCEPTS[concept] for concept in objects], SETTING_NAMES[setting], random))
    return rows, requested, numpy.array(settings), captions


def many_personas(judge: OnnxJudge, data: dict, seen, personas: int = 150, each: int = 32) -> list[dict]:
    """Expectation scores against utilities, over random personas; one CSV row for each part of the pictures."""
    random, real, judged, rows = Random("judge evaluation"), [], [], []
    for _ in range(personas):
        traits = random_traits(random)
        row, requested, settings, captions = questions(data, each, random)
        real.append(utility(seen.rows(row), requested, settings, numpy.tile(traits, (each, 1))))
        judged.append(judge.expectation(data["picture"][row], traits, captions))
        rows.append(row)
    real, judged, rows = (numpy.concatenate(parts) for parts in (real, judged, rows))
    steps, t0, stop, bep, first, second = (data[name][rows] for name in ("steps", "t0", "stop", "bit_error_probability", "first", "second"))
    bep = numpy.where(t0 > 0, bep, 0)  # without the server's steps nothing is sent
    parts = {
        "all": steps >= 0, "pairs of objects never shown in training": (steps > 0) & (first != second), "composed scenes": steps == 0, "whole chains": (steps > 0) & (stop == steps), "unfinished chains": stop < steps,
        "bit error probability 0": (steps > 0) & (bep == 0), "bit error probability up to 6 %": (bep > 0) & (bep <= 0.06),
        "bit error probability above 6 %": bep > 0.06, "most steps on the server": (steps > 0) & (t0 > steps / 2), "utility below 0.3": real < 0.3,
        "utility 0.3 to 0.7": (real >= 0.3) & (real < 0.7), "utility above 0.7": real >= 0.7,
    }
    return [
        {"pictures": name, "n": int(part.sum()), "spearman": round(spearman(real[part], judged[part]), 4),
         "mean_absolute_error": round(float(numpy.abs(real - judged)[part].mean()), 4), "bias": round(float((judged - real)[part].mean()), 4)}
        for name, part in parts.items()
    ]


def order_of_agents(judge: OnnxJudge, data: dict, seen, count: int = 4000) -> tuple[float, int]:
    """How often the judge orders GA1 and GA2 as their utilities do, where these differ by more than 0.1; and how many such questions."""
    row, requested, settings, captions = questions(data, count, Random("judge order"))
    real = [utility(seen.rows(row), requested, settings, numpy.tile(traits, (count, 1))) for traits in (GA1, GA2)]
    judged = [judge.expectation(data["picture"][row], traits, captions) for traits in (GA1, GA2)]
    differs = numpy.abs(real[0] - real[1]) > ORDER_DIFFERENCE
    same = numpy.sign(real[0] - real[1]) == numpy.sign(judged[0] - judged[1])
    return float(same[differs].mean()), int(differs.sum())


def drawn_answers(judge: OnnxJudge, pack: OnnxPack, seen_by) -> list[dict]:
    """200 answers drawn at temperature 1, of two personas, to a good and a worse dog in front of a bush (Fig. 10)."""
    dog, tiger = plain_caption(["dog"], "bush"), plain_caption(["tiger"], "bush")
    pictures = []
    for t0, steps in ((2, 10), (4, 7)):
        latent = pack.denoise(noise([800_000]), [tiger], 2.0, steps, 0, t0)
        latent = corrupt(latent[0], "int8", 0.03, numpy.random.default_rng(0))[None]
        pictures.append(pack.decode(pack.denoise(latent, [dog], 2.0, steps, t0)))
    levels = numpy.clip(numpy.round((numpy.concatenate(pictures) + 1) * 127.5), 0, 255).astype(numpy.uint8)
    requested = numpy.zeros((2, len(CONCEPTS)))
    requested[:, CONCEPTS.index("dog")] = 1
    rows = []
    for name, traits in (("GA1", GA1), ("GA2-fig10", GA2_FIG10)):
        probabilities = judge.mark_probabilities(levels, traits, [dog] * 2)
        utilities = utility(seen_by(levels), requested, numpy.array([SETTING_NAMES.index("bush")] * 2), numpy.tile(traits, (2, 1)))
        for picture in range(2):
            drawn = numpy.random.default_rng(0).choice(len(MARKS), SEEDS, p=probabilities[picture] / probabilities[picture].sum()) / (len(MARKS) - 1)
            rows.append({
                "picture": "AB"[picture], "persona": name, "n": SEEDS, "utility": round(float(utilities[picture]), 4),
                "deviation_of_the_preference_model": round(float(answer_deviation(utilities[picture])), 4),
                "mean": round(float(drawn.mean()), 4), "standard_deviation": round(float(drawn.std(ddof=1)), 4),
            })
    return rows


def write_csv(path: Path, rows: list[dict]) -> None:
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    for row in rows:
        print(row)


def main(arguments) -> None:
    torch.set_num_threads(1)
    judge, classifier = OnnxJudge(arguments.judge), load_classifier(arguments.classifier)
    with numpy.load(arguments.pictures) as file:
        data = {name[len("held_out_"):]: file[name] for name in file.files if name.startswith("held_out_")}
    seen = look_at(data["picture"], classifier)
    write_csv(arguments.judge / "quality.csv", many_personas(judge, data, seen))
    right, count = order_of_agents(judge, data, seen)
    print(f"order of GA1 and GA2 right: {right:.4f} (n = {count})")
    write_csv(arguments.judge / "fig10.csv", drawn_answers(judge, OnnxPack(arguments.pack), lambda levels: look_at(levels, classifier)))
    caption = plain_caption(["dog"], "bush")
    judge.expectation(data["picture"][:1], GA1, [caption])
    times = []
    for index in range(40):
        started = time.perf_counter()
        judge.expectation(data["picture"][index : index + 1], GA1, [caption])
        times.append(1000 * (time.perf_counter() - started))
    print(f"one score, one thread, prefix reused: least {min(times):.1f} ms, median {numpy.median(times):.1f} ms (n = 40)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--judge", type=Path, required=True)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--classifier", type=Path, required=True)
    parser.add_argument("--pictures", type=Path, required=True)
    main(parser.parse_args())
