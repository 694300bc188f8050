"""Makes tests/vectors/grouping_reference.json with SciPy (1.17.1) and NumPy: clusters of unit vectors by complete linkage on
1 - cosine, cut at several similarities.

    python tests/reference/grouping.py

Each case: prompts as directions [n][hidden], and for each cut which prompts come together, by their numbers.
"""

import json
from pathlib import Path

import numpy as np
import scipy
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

VECTORS = Path(__file__).parent.parent / "vectors"


def case(seed, n, hidden, centres):
    random = np.random.default_rng(seed)
    directions = random.normal(size=(n, hidden)) * 0.6 + random.normal(size=(centres, hidden))[np.arange(n) % centres]
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    directions = directions.round(6)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    distance = 1 - directions @ directions.T
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), method="complete")
    cuts = []
    for similarity in (-1.0, -0.2, 0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0):
        labels = fcluster(tree, t=1 - similarity, criterion="distance")
        groups = sorted(sorted(np.flatnonzero(labels == label).tolist()) for label in set(labels))
        cuts.append({"least_similarity": similarity, "groups": groups})
    return {"directions": directions.tolist(), "cuts": cuts}


cases = [case(1, 5, 3, 2), case(2, 12, 4, 3), case(3, 40, 8, 6), case(4, 80, 6, 9), case(5, 80, 16, 80)]
with (VECTORS / "grouping_reference.json").open("w") as file:
    json.dump({"scipy": scipy.__version__, "cases": cases}, file)
    file.write("\n")
