"""Makes tests/vectors/density_reference.csv with SciPy (1.17.1) and tests/vectors/viridis_reference.csv with matplotlib (3.11).

    python tests/reference/figures.py

Observations are base + scale · ((7919 · index² + 104729 · index) mod 1000) / 1000; tests/main/report_density.rs repeats the formula.
"""

import csv
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from scipy import stats

VECTORS = Path(__file__).parent.parent / "vectors"


def write(name, header, rows):
    with (VECTORS / name).open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def densities():
    for n, base, scale in [(2, 0.0, 1.0), (3, 0.2, 0.5), (12, 0.6, 0.1), (200, 0.0, 1.0), (200, 0.85, 0.12), (1000, -4.0, 30.0)]:
        index = np.arange(n, dtype=np.int64)
        values = base + scale * (((7919 * index * index + 104729 * index) % 1000) / 1000.0)
        kernels = stats.gaussian_kde(values, bw_method="scott")
        bandwidth = float(np.sqrt(kernels.covariance[0, 0]))
        for part in (-0.25, 0.0, 0.1, 0.5, 0.77, 1.0, 1.3):
            at = base + scale * part
            yield [n, base, scale, repr(bandwidth), repr(float(at)), repr(float(kernels(at)[0]))]


def main():
    write("density_reference.csv", ["n", "base", "scale", "bandwidth", "at", "density"], densities())
    colours = colormaps["viridis"](np.arange(256), bytes=True)
    write("viridis_reference.csv", ["level", "red", "green", "blue"], ([at, *map(int, rgba[:3])] for at, rgba in enumerate(colours)))


main()
