"""Draws the training and held-out scenes once, so that no training draws them again.

    python make_scenes.py --drawings data/emoji --out data/scenes.npz --count 24000 --held-out 1500
    python make_scenes.py --drawings data/emoji --out data/grid.npz --count 16000 --held-out 0 --on-grid

The first is for the autoencoder and the classifier, the second for the denoiser (``scenes.py`` says why).
The file holds, for training and for ``held_out_…``:
``pictures`` [n, 64, 64, 3] uint8, ``captions`` [n] str, ``concepts`` [n, 2] int16 (index, −1 for none), ``settings`` [n] int16.
"""

import argparse
from pathlib import Path

import numpy

from captions import CONCEPTS, SETTING_NAMES
from scenes import draw_scene, load_drawings


def draw_many(count: int, drawings, held_out: bool, on_grid: bool, prefix: str) -> dict[str, numpy.ndarray]:
    """``count`` scenes as arrays, their names starting with ``prefix``."""
    scenes = [draw_scene(seed, drawings, held_out, on_grid) for seed in range(count)]
    concepts = numpy.full((count, 2), -1, dtype=numpy.int16)
    for row, scene in enumerate(scenes):
        concepts[row, : len(scene.concepts)] = [CONCEPTS.index(name) for name in scene.concepts]
    return {
        f"{prefix}pictures": numpy.stack([scene.picture for scene in scenes]),
        f"{prefix}captions": numpy.array([scene.caption for scene in scenes]),
        f"{prefix}concepts": concepts,
        f"{prefix}settings": numpy.array([SETTING_NAMES.index(scene.setting) for scene in scenes], dtype=numpy.int16),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--drawings", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=24000)
    parser.add_argument("--held-out", type=int, default=1500)
    parser.add_argument("--on-grid", action="store_true", help="objects on the grid of latent cells, in one size")
    arguments = parser.parse_args()
    drawings = load_drawings(arguments.drawings)
    arrays = draw_many(arguments.count, drawings, False, arguments.on_grid, "")
    if arguments.held_out:
        arrays |= draw_many(arguments.held_out, drawings, True, arguments.on_grid, "held_out_")
    numpy.savez(arguments.out, **arrays)
