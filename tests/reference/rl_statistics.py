"""Makes tests/vectors/rl_statistics_reference.json with rliable (1.2.0; its arch wants pandas before 3), SciPy (1.17.1) and NumPy (2.4.6).

    python tests/reference/rl_statistics.py

Aggregates come from SciPy and from rliable, which must agree. Two kinds of bootstrap references:

- `exact`: of few runs all resamples are enumerated, which gives the distribution of the resampled aggregate itself, as pairs of a
  value and the probability of at most that value.
- `sampled`: rliable's percentile intervals, from `RESAMPLES` resamples, as the mean of `REPEATS` repetitions, with the standard
  deviation of one.
"""

import itertools
import json
from pathlib import Path

import numpy as np
from rliable import library, metrics
from scipy import stats

VECTORS = Path(__file__).parent.parent / "vectors"
RESAMPLES = 4000
REPEATS = 25
TAUS = [0.0, 0.4, 0.8, 0.85, 0.9, 0.95, 1.0]


def iqm(scores):
    return stats.trim_mean(scores, 0.25, axis=None)


def optimality_gap(scores):
    return metrics.aggregate_optimality_gap(scores, 1.0)


def improvement(x, y):
    parts = [
        stats.mannwhitneyu(x[:, task], y[:, task], alternative="greater").statistic / (len(x) * len(y))
        for task in range(x.shape[1])
    ]
    ours, theirs = np.mean(parts), metrics.probability_of_improvement(x, y)
    assert abs(ours - theirs) < 1e-12, (ours, theirs)
    return ours


def aggregates():
    """Scores as rliable has them: one row a run, one column a task."""
    random = np.random.default_rng(6)
    for runs, tasks in [(1, 1), (2, 1), (3, 1), (4, 1), (5, 1), (7, 1), (8, 2), (10, 1), (10, 2), (13, 3), (20, 2)]:
        # Rounded, so that runs of two algorithms tie; some fail, some are above 1 by noise.
        x = np.round(random.beta(9, 1, (runs, tasks)) + random.normal(0, 0.02, (runs, tasks)), 2)
        y = np.round(random.beta(7, 1, (runs + 1, tasks)), 2)
        assert abs(iqm(x) - metrics.aggregate_iqm(x)) < 1e-12
        yield {
            "x": x.T.tolist(),
            "y": y.T.tolist(),
            "interquartile_mean": iqm(x),
            "optimality_gap": optimality_gap(x),
            "probability_of_improvement": improvement(x, y),
            "profile": [float(np.mean(x >= tau)) for tau in TAUS],
        }


def exact():
    cases = [("interquartile_mean", iqm), ("optimality_gap", optimality_gap)]
    shapes = [[[0.9, 0.2, 0.85, 0.97]], [[0.9, 0.4, 0.95], [0.7, 0.72, 0.1]]]
    for (name, aggregate), tasks in itertools.product(cases, shapes):
        strata = [list(itertools.product(runs, repeat=len(runs))) for runs in tasks]
        values = np.array([aggregate(np.array(drawn)) for drawn in itertools.product(*strata)])
        atoms, counts = np.unique(np.round(values, 12), return_counts=True)
        yield {
            "aggregate": name,
            "scores": tasks,
            "distribution": list(zip(atoms.tolist(), (np.cumsum(counts) / len(values)).tolist())),
        }


def percentiles(scores, aggregate):
    """`scores`: an array, or a pair of arrays that are resampled independently."""
    ends = []
    for seed in range(REPEATS):
        _, intervals = library.get_interval_estimates(
            {"it": scores}, aggregate, reps=RESAMPLES, random_state=np.random.RandomState(seed)
        )
        ends.append(intervals["it"].ravel())
    ends = np.array(ends)
    return {"low_95": ends[:, 0].mean(), "high_95": ends[:, 1].mean(), "deviation": ends.std(axis=0, ddof=1).max()}


def sampled():
    random = np.random.default_rng(11)
    for runs, tasks in [(10, 1), (12, 2)]:
        x = np.round(random.beta(9, 1, (runs, tasks)), 4)
        y = np.round(random.beta(5, 1, (runs, tasks)), 4)
        common = {"x": x.T.tolist(), "y": y.T.tolist()}
        one = lambda name, aggregate: common | {"aggregate": name} | percentiles(x, lambda s: np.array([aggregate(s)]))
        yield one("interquartile_mean", iqm)
        yield one("optimality_gap", optimality_gap)
        yield common | {"aggregate": "probability_of_improvement"} | percentiles(
            (x, y), lambda x, y: np.array([metrics.probability_of_improvement(x, y)])
        )


reference = {
    "taus": TAUS, "resamples": RESAMPLES,
    "aggregates": list(aggregates()), "exact": list(exact()), "sampled": list(sampled()),
}
with (VECTORS / "rl_statistics_reference.json").open("w") as file:
    json.dump(reference, file)
    file.write("\n")
