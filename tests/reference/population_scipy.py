"""Moments of five normal traits given that all lie in [0, 1], by SciPy.

    python population_scipy.py > ../vectors/population_reference.json

Independent traits: closed form (scipy.stats.truncnorm). Correlated ones: the three moments by integrating the joint density of
the two correlated traits over the unit square (scipy.integrate.dblquad); the other three are independent of them.
"""

import json

from scipy import integrate, stats

MEAN = [0.1, 0.5, 0.9, 0.3, 0.0]
DEVIATION = [0.2, 0.05, 0.3, 0.5, 0.1]
# openness and agreeableness
PAIR, CORRELATION = (0, 3), -0.6


def truncated(mean, deviation):
    law = stats.truncnorm(-mean / deviation, (1 - mean) / deviation, loc=mean, scale=deviation)
    return {"mean": law.mean(), "standard_deviation": law.std()}


def correlated_pair():
    first, second = PAIR
    covariance = CORRELATION * DEVIATION[first] * DEVIATION[second]
    law = stats.multivariate_normal(
        [MEAN[first], MEAN[second]], [[DEVIATION[first] ** 2, covariance], [covariance, DEVIATION[second] ** 2]]
    )

    def integral(weight):
        value, _ = integrate.dblquad(lambda y, x: weight(x, y) * law.pdf([x, y]), 0, 1, 0, 1, epsabs=1e-9)
        return value

    inside = integral(lambda x, y: 1.0)
    mean_x, mean_y = (integral(lambda x, y: x) / inside, integral(lambda x, y: y) / inside)
    return {
        "mean": [mean_x, mean_y],
        "covariance": integral(lambda x, y: (x - mean_x) * (y - mean_y)) / inside,
        "variance": [
            integral(lambda x, y: (x - mean_x) ** 2) / inside,
            integral(lambda x, y: (y - mean_y) ** 2) / inside,
        ],
    }


print(
    json.dumps(
        {
            "mean": MEAN,
            "standard_deviation": DEVIATION,
            "pair": PAIR,
            "correlation": CORRELATION,
            "independent": [truncated(mean, deviation) for mean, deviation in zip(MEAN, DEVIATION)],
            "correlated": correlated_pair(),
        },
        indent=1,
    )
)
