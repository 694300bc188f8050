"""Prints the numbers of docs/network.md, from the tables that `latentlink run` left.

    latentlink run 'scenarios/network/*.toml' --out results/network
    latentlink run scenarios/network/async_cache.toml --set 'cache.steps=[4]' --out results/network/async_cache_exact
    python scenarios/network/evidence.py results/network     # numpy, scipy

    runs.csv     ─► (point, replication): quantity ─► mean over replications ± half of its 95 % interval (Student's t)
                                           └──────► the same of differences to a point, replication by replication
    requests.csv ─► what a hit in the cache does to a picture, by the steps that it saves; why requests were not served

A study of one replication (the city) has the intervals of its own run, by batch means, from steady_state.csv.
"""

import argparse
import csv
import math
from collections import Counter, defaultdict
from pathlib import Path

import numpy
from scipy.stats import t as student_t


def rows(folder: Path, table: str):
    with open(folder / table, newline="") as file:
        yield from csv.DictReader(file)


def interval(values) -> str:
    """Mean ± half of its 95 % interval."""
    values = numpy.asarray(values, dtype=float)
    if len(values) < 2:
        return f"{values.mean():.4g} (n = 1)" if len(values) else "–"
    half = student_t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values))
    return f"{values.mean():.4g} ± {half:.2g} (n = {len(values)})"


def cube(folder: Path, fields: list[str], quantity: str) -> dict[tuple[str, ...], numpy.ndarray]:
    """Values of the swept fields, as written: the quantity over replications, in their order."""
    found = defaultdict(list)
    for row in rows(folder, "runs.csv"):
        if row[quantity]:
            found[tuple(row[field] for field in fields)].append((int(row["replication"]), float(row[quantity])))
    return {key: numpy.array([value for _, value in sorted(pairs)]) for key, pairs in found.items()}


def table(folder: Path, fields: list[str], quantities: list[str], against=None) -> None:
    """Each quantity at each point; with `against`, which names the point to compare with, also the paired difference."""
    for quantity in quantities:
        print(f"  {quantity}")
        at = cube(folder, fields, quantity)
        for key, values in at.items():
            reference = at.get(against(key)) if against else None
            is_other = reference is not None and against(key) != key
            print(f"    {' · '.join(key)}: {interval(values)}", f"| minus {' · '.join(against(key))}: {interval(values - reference)}" if is_other else "")


def async_cache(folder: Path) -> None:
    fields = ["demand.arrivals.rate_hz", "cache.enabled"]
    quantities = ["latency_s", "queue_wait_s", "server_utilisation", "hit_rate", "full_hit_rate", "steps_avoided"]
    quantities += ["energy_per_picture_j", "energy_per_picture_server_j", "mean_qoe", "qoe_below_threshold", "largest_cache_bytes"]
    table(folder, fields, quantities, lambda key: (key[0], "false"))
    # By what the cache had: the mean over a replication's pictures is one observation.
    ssim, quality, similarity = (defaultdict(lambda: defaultdict(list)) for _ in range(3))
    for row in rows(folder, "requests.csv"):
        if row["demand.arrivals.rate_hz"] != "4.5":
            continue
        key = (row["cache.enabled"], row["cache"] or "no cache", row["steps_avoided"])
        ssim[key][row["replication"]].append(float(row["ssim_unshared"]))
        quality[key][row["replication"]].append(float(row["qoe"]))
        similarity[key][row["replication"]].append(float(row["cache_similarity"] or "nan"))
    print("  pictures at 4.5 Hz by what the cache had: SSIM to the unshared picture | QoE | cosine similarity of the prompts")
    for key in sorted(ssim):
        means = [interval([numpy.mean(of) for of in by[key].values()]) for by in (ssim, quality, similarity)]
        print(f"    {' · '.join(key)}, {sum(map(len, ssim[key].values()))} pictures: {' | '.join(means)}")


def grouping(folder: Path) -> None:
    fields = ["grouping.similarity_threshold", "grouping.window_s"]
    quantities = ["latency_s", "group_size", "energy_per_picture_j", "mean_qoe", "qoe_below_threshold", "qoe_per_joule"]
    table(folder, fields, quantities, lambda key: ("1.1", "0.25"))


def architectures(folder: Path) -> None:
    fields = ["architecture.kind", "demand.arrivals.rate_hz"]
    quantities = ["latency_s", "group_size", "energy_per_picture_j", "energy_per_picture_server_j", "energy_per_picture_device_j"]
    quantities += ["device_side_saving_j", "server_side_saving_j", "network_wide_saving_j", "mean_qoe", "device_energy_jain_index", "served"]
    table(folder, fields, quantities, lambda key: ('edge', key[1]))


def protection(folder: Path) -> None:
    fields = ["radio.protection", "policy.tx_power_dbw"]
    table(folder, fields, ["qoe_per_joule", "mean_qoe", "air_s", "energy_per_picture_j", "residual_bit_error_probability"], lambda key: ("none", key[1]))
    best = defaultdict(list)
    for (kind, power), values in cube(folder, fields, "qoe_per_joule").items():
        best[float(power)].append((values.mean(), kind))
    for power, candidates in sorted(best.items()):
        print(f"  best QoE per joule at {power:g} dB: {', '.join(f'{kind} {mean:.4f}' for mean, kind in sorted(candidates, reverse=True)[:3])}")


def faults(folder: Path) -> None:
    fields = ["fault[0].rate_hz"]
    quantities = ["requests", "served", "dropped", "abandoned", "failed", "deadline_miss_rate", "abandonment_rate", "failure_rate"]
    table(folder, fields, quantities + ["restarts", "latency_s", "latency_p99_s", "energy_per_picture_j", "mean_qoe"])
    ends = Counter((float(row["fault[0].rate_hz"]), row["outcome"], row["reason"]) for row in rows(folder, "requests.csv"))
    restarted = Counter(float(row["fault[0].rate_hz"]) for row in rows(folder, "requests.csv") if int(row["restarts"]) > 0)
    for (rate, outcome, reason), count in sorted(ends.items()):
        print(f"  {rate:g} Hz, {outcome} {reason}: {count}")
    print("  begun again:", dict(sorted(restarted.items())))


def city(folder: Path) -> None:
    wanted = ["requests", "served", "abandoned", "failed", "latency_s", "latency_p99_s", "deadline_miss_rate", "server_utilisation"]
    wanted += ["hit_rate", "steps_avoided", "energy_per_picture_j", "energy_per_picture_server_j", "energy_per_picture_device_j"]
    wanted += ["mean_qoe", "handover_rate", "largest_cache_bytes", "queue_length"]
    for row in rows(folder, "steady_state.csv"):
        if row["quantity"] in wanted:
            print("  " + " · ".join(f"{name} {value}" for name, value in row.items() if value))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="folder with the results of scenarios/network")
    results = parser.parse_args().results
    studies = [("async_cache", async_cache), ("async_cache_exact", async_cache), ("grouping", grouping), ("architectures", architectures)]
    for name, numbers in studies + [("protection", protection), ("faults", faults), ("city", city)]:
        if (results / name).is_dir():
            print(f"{name}\n{'=' * len(name)}")
            numbers(results / name)


if __name__ == "__main__":
    main()
