"""Makes tests/vectors/statistics_reference.csv with SciPy (1.17.1) and NumPy.

    python tests/reference/statistics.py

Observations are base + scale · ((7919 · index² + 104729 · index) mod 1000) / 1000; tests/main/statistics.rs repeats the formula.
"""

import csv
from pathlib import Path

import numpy as np
from scipy import stats


def main():
    target = Path(__file__).parent.parent / "vectors" / "statistics_reference.csv"
    with target.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["n", "base", "scale", "mean", "standard_deviation", "half_width_95"])
        for n, base, scale in [
            (2, 0.0, 1.0), (3, 10.0, 0.5), (5, -4.0, 2.0), (10, 0.87, 0.01), (31, 1e3, 7.0),
            (200, 0.0, 1e-6), (1000, 1e6, 1.0), (5000, 0.0, 100.0),
        ]:
            index = np.arange(n, dtype=np.int64)
            values = base + scale * (((7919 * index * index + 104729 * index) % 1000) / 1000.0)
            low, high = stats.t.interval(0.95, n - 1, loc=0.0, scale=stats.sem(values))
            row = [np.mean(values), np.std(values, ddof=1), (high - low) / 2]
            writer.writerow([n, base, scale] + [repr(float(v)) for v in row])


main()
