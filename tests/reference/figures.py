"""Makes tests/vectors/density_reference.csv with SciPy (1.17.1), and tests/vectors/viridis_reference.csv and
tests/vectors/box_reference.csv with matplotlib (3.11).

    python tests/reference/figures.py

Observations are base + scale · ((7919 · index² + 104729 · index) mod 1000) / 1000; tests/main/report_density.rs and
tests/main/report_box_plot.rs repeat the formula.
"""

import csv
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.cbook import boxplot_stats
from scipy import stats

VECTORS = Path(__file__).parent.parent / "vectors"


def write(name, header, rows):
    with (VECTORS / name).open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def observations(n, base, scale):
    index = np.arange(n, dtype=np.int64)
    return base + scale * (((7919 * index * index + 104729 * index) % 1000) / 1000.0)


def densities():
    for n, base, scale in [(2, 0.0, 1.0), (3, 0.2, 0.5), (12, 0.6, 0.1), (200, 0.0, 1.0), (200, 0.85, 0.12), (1000, -4.0, 30.0)]:
        values = observations(n, base, scale)
        kernels = stats.gaussian_kde(values, bw_method="scott")
        bandwidth = float(np.sqrt(kernels.covariance[0, 0]))
        for part in (-0.25, 0.0, 0.1, 0.5, 0.77, 1.0, 1.3):
            at = base + scale * part
            yield [n, base, scale, repr(bandwidth), repr(float(at)), repr(float(kernels(at)[0]))]


def boxes():
    """The seventh power gives a long tail, and so outliers; matplotlib takes numpy's percentiles, and Tukey's whiskers."""
    for n, base, scale, power in [(1, 0.3, 1.0, 1), (2, 0.0, 1.0, 1), (4, -1.0, 3.0, 7), (5, 0.0, 1.0, 1), (30, 0.5, 0.4, 3), (201, 0.0, 2.0, 7)]:
        box = boxplot_stats(observations(n, base, scale) ** power, whis=1.5)[0]
        numbers = [box[name] for name in ("whislo", "q1", "med", "q3", "whishi")]
        outliers = " ".join(repr(float(value)) for value in np.sort(box["fliers"]))
        yield [n, base, scale, power, *(repr(float(number)) for number in numbers), outliers]


def main():
    write("density_reference.csv", ["n", "base", "scale", "bandwidth", "at", "density"], densities())
    write(
        "box_reference.csv",
        ["n", "base", "scale", "power", "lower_whisker", "lower_quartile", "median", "upper_quartile", "upper_whisker", "outliers"],
        boxes(),
    )
    colours = colormaps["viridis"](np.arange(256), bytes=True)
    write("viridis_reference.csv", ["level", "red", "green", "blue"], ([at, *map(int, rgba[:3])] for at, rgba in enumerate(colours)))


main()
