"""Makes tests/vectors/statistics_*reference.csv with SciPy (1.17.1) and NumPy.

    python tests/reference/statistics_scipy.py

Observation number `index` is base + scale · raw / 1000 with raw = (7919 · index² + 104729 · index) mod 1000; the second side of a
pair is base + shift + scale · (mix · raw + (1 − mix) · other) / 1000 with other = (7907 · index² + 104723 · index + 13) mod 1000.
Side a of pair `index` is missing where a_missing > 0 and index mod a_missing = a_missing − 1, side b likewise.
tests/main/statistics.rs repeats these formulas.
"""

import csv
from pathlib import Path

import numpy as np
from scipy import stats

VECTORS = Path(__file__).parent.parent / "vectors"


def write(name, header, rows):
    with (VECTORS / name).open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for row in rows:
            writer.writerow([repr(float(v)) if isinstance(v, (float, np.floating)) else v for v in row])


def raw(n):
    index = np.arange(n, dtype=np.int64)
    return ((7919 * index * index + 104729 * index) % 1000).astype(float)


def other(n):
    index = np.arange(n, dtype=np.int64)
    return ((7907 * index * index + 104723 * index + 13) % 1000).astype(float)


def means():
    cases = [
        (2, 0.0, 1.0), (3, 10.0, 0.5), (5, -4.0, 2.0), (10, 0.87, 0.01), (31, 1e3, 7.0),
        (200, 0.0, 1e-6), (1000, 1e6, 1.0), (5000, 0.0, 100.0),
    ]
    cases += [(n, base, 0.25) for n in (2, 3, 4, 6, 8, 12, 20, 30, 50, 100, 365) for base in (-1.0, 0.6)]
    for n, base, scale in cases:
        values = base + scale * (raw(n) / 1000.0)
        mean = np.mean(values)
        low, high = stats.t.interval(0.95, n - 1, loc=0.0, scale=stats.sem(values))
        half = (high - low) / 2
        yield n, base, scale, mean, np.std(values, ddof=1), half, half / abs(mean)


def quantiles():
    sizes = (1, 2, 3, 4, 5, 7, 10, 20, 21, 41, 100, 101, 1000)
    for n, (base, scale) in [(n, case) for n in sizes for case in ((0.5, 1.0), (-3.0, 1e-3), (1e6, 50.0))]:
        values = base + scale * (raw(n) / 1000.0)
        yield n, base, scale, *np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95])


def proportions():
    cases = [(k, n) for n in (1, 2, 3, 5, 10, 30, 100) for k in sorted({0, 1, n // 3, n // 2, n - 1, n})]
    cases += [(0, 10**6), (1, 10**6), (37, 10**6), (10**6 - 1, 10**6), (10**6, 10**6), (123456789, 10**9)]
    for k, n in cases:
        interval = stats.binomtest(k, n).proportion_ci(confidence_level=0.95, method="wilson")
        yield k, n, k / n, interval.low, interval.high


def pairs():
    shapes = [
        (0.0, 1.0, 0.1, 0.98), (0.0, 1.0, 0.1, 0.9), (2.0, 3.0, -0.5, 0.5), (2.0, 3.0, -0.5, 0.0), (1e3, 1.0, 4.0, 0.75),
        (-1.0, 0.5, 0.25, -1.0),
    ]
    for n, (base, scale, shift, mix) in [(n, shape) for n in (2, 3, 5, 8, 20, 200, 1000) for shape in shapes]:
        for a_missing, b_missing in ((0, 0), (4, 3)):
            a = base + scale * (raw(n) / 1000.0)
            b = base + shift + scale * ((mix * raw(n) + (1.0 - mix) * other(n)) / 1000.0)
            index = np.arange(n)
            there = np.ones(n, dtype=bool)
            if a_missing:
                there &= index % a_missing != a_missing - 1
            if b_missing:
                there &= index % b_missing != b_missing - 1
            a, b = a[there], b[there]
            if len(a) < 2 or (a_missing and len(a) == n):
                continue
            interval = stats.ttest_rel(a, b).confidence_interval(0.95)
            yield (
                n, base, scale, shift, mix, a_missing, b_missing, len(a), n - len(a), np.mean(a - b), np.std(a - b, ddof=1),
                (interval.high - interval.low) / 2, stats.pearsonr(a, b).statistic,
                np.var(a - b, ddof=1) / (np.var(a, ddof=1) + np.var(b, ddof=1)),
            )


write(
    "statistics_reference.csv",
    ["n", "base", "scale", "mean", "standard_deviation", "half_width_95", "relative_half_width"],
    means(),
)
write("statistics_quantiles_reference.csv", ["n", "base", "scale", "q05", "q25", "median", "q75", "q95"], quantiles())
write("statistics_proportions_reference.csv", ["successes", "n", "rate", "low_95", "high_95"], proportions())
write(
    "statistics_pairs_reference.csv",
    ["pairs", "base", "scale", "shift", "mix", "a_missing", "b_missing", "n", "left_out", "mean", "standard_deviation",
     "half_width_95", "correlation", "variance_ratio"],
    pairs(),
)
