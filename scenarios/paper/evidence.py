"""Prints the numbers of docs/paper.md, from the tables and pictures of the studies that `latentlink run` left.

    latentlink run 'scenarios/paper/*.toml' --out results/paper
    for b in "an apple" "an orange"; do latentlink path "a lemon on a table" "$b on a table" --replications 20 --out "results/paths/$b"; done
    python scenarios/paper/evidence.py results/paper --paths results/paths      # numpy, scipy, onnxruntime, pillow

    requests.csv ─► (point, replication): number ─► mean over replications ± half of its 95 % interval (Student's t)
                                          └──────► the same of differences between points, replication by replication
    scores.csv   ─► standard deviation of the answers about each picture (Fig. 10)
    images/      ─► what the scene classifier of models/training sees in them (Fig. 9)

What stands in summary.csv or differences.csv already is printed again, in the order in which the page needs it.
"""

import argparse
import csv
import json
import math
from collections import defaultdict
from pathlib import Path

import numpy
from scipy.stats import spearmanr
from scipy.stats import t as student_t

TRAINING = Path(__file__).resolve().parents[2] / "models" / "training"


def interval(values) -> str:
    """Mean ± half of its 95 % interval."""
    values = numpy.asarray(values, dtype=float)
    half = student_t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values))
    return f"{values.mean():.3f} ± {half:.3f} (n = {len(values)})"


def rows(folder: Path, table: str) -> list[dict[str, str]]:
    with open(folder / table, newline="") as file:
        return list(csv.DictReader(file))


def cube(folder: Path, fields: list[str], quantity: str) -> dict[tuple, numpy.ndarray]:
    """Values of the swept fields, as written: the quantity over replications."""
    found = defaultdict(list)
    for row in rows(folder, "requests.csv"):
        found[tuple(float(row[field]) for field in fields)].append((int(row["replication"]), float(row[quantity])))
    return {key: numpy.array([value for _, value in sorted(pairs)]) for key, pairs in found.items()}


BEP = "radio.bit_error_probability"
AGENTS = ("GA1", "GA2")


def figure_3(folder: Path) -> None:
    print("codec, BEP: MSE | PSNR of the mean MSE [dB] | SSIM")
    found = defaultdict(lambda: ([], []))
    for row in rows(folder, "requests.csv"):
        mse, ssim = found[row["diffusion.codec"], float(row[BEP])]
        mse.append(float(row["mse_error_free"]))
        ssim.append(float(row["ssim_error_free"]))
    for (codec, bep), (mse, ssim) in found.items():
        psnr = -10 * math.log10(numpy.mean(mse))
        half = student_t.ppf(0.975, len(mse) - 1) * numpy.std(mse, ddof=1) / math.sqrt(len(mse))
        print(f"  {codec:9} {bep:6.1%}: {numpy.mean(mse):.5f} ± {half:.5f} | {psnr:.1f} | {interval(ssim)}")


def figure_8(folder: Path) -> None:
    for quantity in ("qoe_GA1", "qoe_GA2", "ssim_error_free"):
        at = {bep: values for (bep,), values in cube(folder, [BEP], quantity).items()}
        print(quantity)
        for bep, values in at.items():
            print(f"  {bep:5.1%}: {interval(values)}, minus 0.5 %: {interval(values - at[0.005]) if bep > 0.005 else '–'}")
        for low, high in ((0.005, 0.06), (0.06, 0.10), (0.10, 0.15)):
            print(f"  change for each percent from {low:.1%} to {high:.0%}: {interval((at[high] - at[low]) / (100 * (high - low)))}")
        if quantity != "ssim_error_free":
            for bep in (0.005, 0.06, 0.10, 0.15):
                print(f"  pictures below Q_th at {bep:.1%}: {(at[bep] < 0.6).sum()} of {len(at[bep])}")


def classified(folder: Path, table: str, fields: list[str], concepts: list[str]) -> dict[tuple, numpy.ndarray]:
    """Values of the fields: the classifier's probability [replication, concept] of each of the concepts."""
    import onnxruntime
    from PIL import Image

    names = list(json.loads((TRAINING / "concepts.json").read_text()))
    columns = [names.index(concept) for concept in concepts]
    network = onnxruntime.InferenceSession(str(TRAINING / "classifier.onnx"), providers=["CPUExecutionProvider"])
    found = defaultdict(list)
    for row in rows(folder, table):
        picture = numpy.asarray(Image.open(folder / row["picture"]).convert("RGB"), dtype=numpy.float32) / 127.5 - 1
        logits = network.run(["objects"], {"picture": picture.transpose(2, 0, 1)[None]})[0][0]
        chances = numpy.exp(logits - logits.max())
        found[tuple(float(row[field]) for field in fields)].append((chances / chances.sum())[columns])
    return {key: numpy.array(values) for key, values in found.items()}


def figure_9(folder: Path) -> None:
    fields = ["policy.t0", "policy.tk[device-2]"]
    scores = {agent: cube(folder, fields, f"qoe_{agent}") for agent in AGENTS}
    for agent, at in scores.items():
        print(f"QoE of {agent} at t2 = 8")
        for t0 in (2, 3, 4):
            print(f"  t0 = {t0}: {interval(at[t0, 8])}, minus t0 = 2: {interval(at[t0, 8] - at[2, 8]) if t0 > 2 else '–'}")
        best = numpy.argmax([at[t0, 8] for t0 in (2, 3, 4)], axis=0)
        print(f"  favourites t0 = 2, 3, 4 in {[int((best == index).sum()) for index in range(3)]} replications")
        print(f"  t2 = 8 minus t2 = 1: {[interval(at[t0, 8] - at[t0, 1]) for t0 in (2, 3, 4)]}")
    minds = {t0: scores["GA2"][t0, 8] - scores["GA1"][t0, 8] for t0 in (2, 3, 4)}
    print(f"GA2 minus GA1 at t2 = 8, t0 = 2, 3, 4: {[interval(minds[t0]) for t0 in (2, 3, 4)]}")
    if not (folder / "images").is_dir():
        return print("no pictures here: run the study again for the classifier's view")
    seen = classified(folder, "requests.csv", ["t0", "tk"], ["tiger", "dog"])
    print("classifier's probability of a tiger and of a dog, and pictures that are more tiger than dog, by t0 / (t0 + t2)")
    for (t0, t2), chances in sorted(seen.items(), key=lambda item: (item[0][0] / sum(item[0]), item[0])):
        more = (chances[:, 0] > chances[:, 1]).mean()
        print(f"  {t0 / (t0 + t2):.3f} t0 = {t0:.0f}, t2 = {t2:.0f}: tiger {interval(chances[:, 0])}, dog {interval(chances[:, 1])}, more tiger {more:.0%}")
    for name, is_in in (("below 1/3", lambda t0, t2: 3 * t0 < t0 + t2), ("from 1/3", lambda t0, t2: 3 * t0 >= t0 + t2)):
        of_class = [chances for key, chances in seen.items() if is_in(*key)]
        by_replication = numpy.mean(of_class, axis=0)
        print(f"  {name}, {len(of_class)} points: tiger {interval(by_replication[:, 0])}, dog {interval(by_replication[:, 1])}")


def figure_10(folder: Path) -> None:
    answers = defaultdict(list)
    for row in rows(folder, "scores.csv"):
        if row["status"] == "ok":
            answers[row["persona"], int(row["tk"] if "tk" in row else row["policy.tk[device-2]"]), int(row["replication"])].append(float(row["score"]))
    personas = sorted({persona for persona, _, _ in answers})
    pairs = sorted({replication for _, _, replication in answers})
    spread, mean = {}, {}
    for persona in personas:
        for t2 in (8, 2):
            spread[persona, t2] = numpy.array([numpy.std(answers[persona, t2, r], ddof=1) for r in pairs])
            mean[persona, t2] = numpy.array([numpy.mean(answers[persona, t2, r]) for r in pairs])
            print(f"{persona}, t2 = {t2}: {len(answers[persona, t2, pairs[0]])} answers a picture, mean {interval(mean[persona, t2])}, standard deviation within a picture {interval(spread[persona, t2])}")
        more = spread[persona, 2] - spread[persona, 8]
        print(f"  B minus A: {interval(more)}, above 0 in {(more > 0).sum()} of {len(more)} pairs")
        both_means = numpy.concatenate([mean[persona, t2] for t2 in (8, 2)])
        both_spreads = numpy.concatenate([spread[persona, t2] for t2 in (8, 2)])
        print(f"  correlation of mean and standard deviation over all pictures: {numpy.corrcoef(both_means, both_spreads)[0, 1]:.2f}")
        print(f"  standard deviation of the means between pictures A: {mean[persona, 8].std(ddof=1):.3f}")
    first, second = personas
    for t2 in (8, 2):
        apart = mean[second, t2] - mean[first, t2]
        pooled = numpy.sqrt((spread[first, t2] ** 2 + spread[second, t2] ** 2) / 2)
        print(f"{second} minus {first} about one picture, t2 = {t2}: {interval(apart)}, in standard deviations of an answer {interval(apart / pooled)}")


def figure_12(folder: Path) -> None:
    for row in rows(folder, "summary.csv"):
        wanted = {"bit_error_probability", "qoe", "ssim_unshared", "sum_qoe", "qoe_outage", "latency_s", "total_j",
                  "server_compute_j", "server_radio_j", "device_compute_j", "device_side_saving_j", "server_side_saving_j", "network_wide_saving_j"}
        if row["quantity"] in wanted and row["mean"]:
            print(f"  point {row['point']} {row['device']:9} {row['quantity']:22} {float(row['mean']):.4f} ± {row['half_width_95'] or '–'} (n = {row['n']})")
    over = {row["point"]: row["server_over_budget_j"] for row in rows(folder, "runs.csv")}
    print(f"  server over budget by point: {over}")
    by_point = defaultdict(list)
    for row in rows(folder, "runs.csv"):
        by_point[row["point"]].append(float(row["sum_qoe"]))
    print(f"  sum of QoE, alone minus the paper's: {interval(numpy.subtract(by_point['1'], by_point['0']))}")


def surfaces(folder: Path, device: str, chosen: tuple[int, int, float]) -> None:
    """Figs. 13 and 14."""
    fields = ["policy.t0", f"policy.tk[{device}]", BEP]
    for agent in AGENTS:
        at = cube(folder, fields, f"qoe_{agent}")
        t0s, tks, beps = (sorted({key[index] for key in at}) for index in range(3))
        scores = numpy.array([[[at[t0, tk, bep] for bep in beps] for tk in tks] for t0 in t0s])  # [t0, tk, bep, replication]
        print(f"{agent}: rows t0 = {t0s}, columns tk = {tks}, mean over all bit error probabilities")
        print(numpy.array2string(scores.mean(axis=(2, 3)), precision=3))
        for name, axis, values in (("t0", 0, t0s), ("tk", 1, tks), ("BEP", 2, beps)):
            alone = numpy.moveaxis(scores, axis, 0).mean(axis=(1, 2))
            for low, high in [*zip(range(len(values) - 1), range(1, len(values))), (0, len(values) - 1)]:
                print(f"  {name} {values[low]:g} -> {values[high]:g}, mean over the other two: {interval(alone[high] - alone[low])}")
        for bep, index in ((beps[0], 0), (chosen[2], beps.index(chosen[2])), (beps[-1], len(beps) - 1)):
            for t0, row in zip(t0s[1:], scores[1:, -1, index]):
                print(f"  at {bep:.1%} and tk = 8: t0 = {t0:g} minus t0 = 1: {interval(row - scores[0, -1, index])}")
        for within, rows_of in (("t0 = 1 to 6", slice(None)), ("t0 = 2 to 4", slice(1, 4)), ("t0 = 3 and 4", slice(2, 4))):
            peaks = []
            for index, bep in enumerate(beps):
                part = scores[rows_of, :, index]
                place = numpy.unravel_index(part.mean(axis=2).argmax(), part.shape[:2])
                peaks.append(part[place])
                print(f"  peak within {within} at {bep:.1%}: t0 = {t0s[rows_of][place[0]]:g}, tk = {tks[place[1]]:g}: {interval(part[place])}, minus that at 0.5 %: {interval(part[place] - peaks[0])}")
        index = beps.index(chosen[2])
        best = numpy.unravel_index(scores[:, :, index].mean(axis=2).argmax(), scores.shape[:2])
        print(f"  the paper's choice {chosen}: {interval(at[chosen])}, below Q_th in {(at[chosen] < 0.6).sum()}, minus the best there (t0 = {t0s[best[0]]:g}, tk = {tks[best[1]]:g}): {interval(at[chosen] - scores[best][index])}")


def paths(folder: Path) -> None:
    """Section 3.1.3: one folder of `latentlink path` for each server prompt, all with the same prompt of the user."""
    measured = []
    for of_pair in sorted(path for path in folder.iterdir() if (path / "path.csv").exists()):
        manifest = json.loads((of_pair / "manifest.json").read_text())
        wanted = manifest["prompt_a"].split()[1]
        begun = manifest["prompt_b"].split()[1]
        at = defaultdict(lambda: ([], []))
        for row in rows(of_pair, "path.csv"):
            ssim, own = at[int(row["t0"])]
            ssim.append(float(row["ssim"]))
            own.append(float(row["switched_latent_distance"]))
        seen = classified(of_pair, "path.csv", ["t0"], [wanted, begun])
        measured.append((manifest["text_distance"], manifest["semantic_distance"], *(numpy.mean(at[t0][0]) for t0 in (2, 3, 4, 5))))
        print(f"{begun} -> {wanted}: (14) {manifest['semantic_distance']:.1f}, of texts {manifest['text_distance']:.1f}")
        for t0, (ssim, own) in sorted(at.items()):
            print(f"  t0 = {t0:2}: SSIM {interval(ssim)}, {wanted} {interval(seen[t0,][:, 0])}, {begun} {interval(seen[t0,][:, 1])}")
    if len(measured) > 2:
        texts, distances, *ssims = numpy.array(measured).T
        for t0, ssim in zip((2, 3, 4, 5), ssims):
            of_texts, of_distances = spearmanr(texts, ssim), spearmanr(distances, ssim)
            print(f"over {len(measured)} pairs, rank correlation with SSIM at t0 = {t0}: (14) {of_distances.statistic:.2f} (p = {of_distances.pvalue:.3f}), distance of texts {of_texts.statistic:.2f} (p = {of_texts.pvalue:.3f})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, nargs="?", default=Path("results/paper"))
    parser.add_argument("--paths", type=Path, help="folder of results folders of `latentlink path`")
    options = parser.parse_args()
    results = options.results
    for name, report in (
        ("fig03", figure_3),
        ("fig08", figure_8),
        ("fig09", figure_9),
        ("fig10", figure_10),
        ("fig12", figure_12),
        ("fig13", lambda folder: surfaces(folder, "device-1", (3, 5, 0.05))),
        ("fig14", lambda folder: surfaces(folder, "device-2", (3, 7, 0.03))),
    ):
        print(f"== {name}")
        report(results / name)
    if options.paths:
        print("== paths")
        paths(options.paths)


if __name__ == "__main__":
    main()
