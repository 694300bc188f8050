"""Makes tests/vectors/steady_state_*reference.csv with NumPy (2.x) and SciPy (1.17).

    python tests/reference/steady_state.py

Observation number `index` is base + scale · raw / 1000 + start · exp(−index / decay) with
raw = (7919 · index² + 104729 · index) mod 1000; the second series is 1 + other / 1000 with
other = (7907 · index² + 104723 · index + 13) mod 1000. tests/main/steady_state_statistics.rs repeats these formulas.

All is done the long way round: MSER-5 tries every truncation, averages over time are integrals on a grid of all ends.
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


def series(n, base, scale, start, decay):
    return base + scale * (raw(n) / 1000.0) + start * np.exp(-np.arange(n) / decay)


def warm_up():
    for n, base, scale, start, decay in [
        (9, 1.0, 1.0, 5.0, 10.0), (10, 1.0, 1.0, 5.0, 1.0), (200, 1.0, 1.0, 0.0, 10.0), (200, 1.0, 1.0, 5.0, 10.0),
        (1000, 0.0, 1.0, 10.0, 50.0), (1003, 4.0, 0.1, -3.0, 30.0), (5000, 1.0, 2.0, 20.0, 200.0), (500, 0.0, 0.01, 1.0, 1e4),
    ]:
        values = series(n, base, scale, start, decay)
        batches = values[: n // 5 * 5].reshape(-1, 5).mean(axis=1)
        m = len(batches)
        statistics = [np.sum((batches[d:] - batches[d:].mean()) ** 2) / (m - d) ** 2 for d in range(m // 2 + 1) if d < m]
        best = int(np.argmin(statistics)) if statistics else 0
        yield n, base, scale, start, decay, 5 * best


def batch_means():
    for n, batches, base, scale, start, decay in [
        (100, 20, 1.0, 1.0, 0.0, 1.0), (107, 20, 1.0, 1.0, 2.0, 30.0), (1000, 10, -3.0, 0.5, 0.0, 1.0),
        (4321, 30, 1e3, 7.0, 50.0, 500.0), (64, 2, 0.0, 1.0, 0.0, 1.0),
    ]:
        length, first = n // batches, n % batches
        cut = lambda values: values[first:].reshape(batches, length)
        x = series(n, base, scale, start, decay)
        y = 1.0 + other(n) / 1000.0
        means = cut(x).mean(axis=1)
        t = stats.t.ppf(0.975, batches - 1)
        low, high = stats.t.interval(0.95, batches - 1, loc=means.mean(), scale=stats.sem(means))
        centred = means - means.mean()
        lag_1 = np.sum(centred[1:] * centred[:-1]) / np.sum(centred**2)
        # The ratio estimator, with its variance written out (Cochran, equation 6.13).
        sums_x, sums_y = cut(x).sum(axis=1), cut(y).sum(axis=1)
        ratio = sums_x.sum() / sums_y.sum()
        cov = np.cov(sums_x, sums_y, ddof=1)
        variance = (cov[0, 0] - 2 * ratio * cov[0, 1] + ratio**2 * cov[1, 1]) / sums_y.mean() ** 2 / batches
        # Sectioning.
        quantile = np.quantile(x, 0.9)
        of_batches = np.quantile(cut(x), 0.9, axis=1)
        sectioning = t * np.sqrt(np.sum((of_batches - quantile) ** 2) / (batches - 1) / batches)
        # Jain's index of the means of seven owners, with the jackknife.
        owner = np.arange(n) % 7

        def jain(keep):
            of_owners = np.array([y[keep & (owner == k)].mean() for k in range(7)])
            return of_owners.sum() ** 2 / (len(of_owners) * np.sum(of_owners**2))

        everything = np.ones(n, dtype=bool)
        left_out = []
        for batch in range(batches):
            keep = everything.copy()
            keep[first + batch * length : first + (batch + 1) * length] = False
            left_out.append(jain(keep))
        left_out = np.array(left_out)
        jackknife = t * np.sqrt((batches - 1) / batches * np.sum((left_out - left_out.mean()) ** 2))
        yield (
            n, batches, base, scale, start, decay, means.mean(), (high - low) / 2, lag_1, ratio, t * np.sqrt(variance),
            quantile, sectioning if length * 0.1 >= 2 else "", jain(everything), jackknife,
        )


def time_averages():
    """Interval `index` is from 0.37 index to that plus 3 raw / 1000."""
    for n, start, end, batches in [(50, 0.0, 20.0, 4), (50, 2.5, 11.25, 5), (300, -5.0, 200.0, 20), (300, 40.0, 41.0, 3)]:
        starts = 0.37 * np.arange(n)
        ends = starts + 3.0 * raw(n) / 1000.0
        edges = np.linspace(start, end, batches + 1)
        grid = np.unique(np.concatenate([starts, ends, edges]))
        middles, widths = (grid[1:] + grid[:-1]) / 2, np.diff(grid)
        there = ((starts[:, None] <= middles) & (middles < ends[:, None])).sum(axis=0)
        averages = np.array([
            np.sum((there * widths)[(middles > low) & (middles < high)]) / (high - low) for low, high in zip(edges, edges[1:])
        ])
        low, high = stats.t.interval(0.95, batches - 1, loc=averages.mean(), scale=stats.sem(averages))
        yield n, start, end, batches, averages.mean(), (high - low) / 2


write("steady_state_warm_up_reference.csv", ["n", "base", "scale", "start", "decay", "truncated"], warm_up())
write(
    "steady_state_batches_reference.csv",
    [
        "n", "batches", "base", "scale", "start", "decay", "mean", "mean_half_width", "lag_1", "ratio", "ratio_half_width",
        "quantile_90", "quantile_90_half_width", "jain", "jain_half_width",
    ],
    batch_means(),
)
write(
    "steady_state_time_reference.csv", ["n", "start", "end", "batches", "average", "half_width"], time_averages()
)
