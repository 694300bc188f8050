"""Makes tests/vectors/sweep_ranges.json with NumPy (2.4): the values of ranges of a sweep.

    python tests/reference/sweeps.py

`numpy.linspace` for points, `numpy.geomspace` for points in equal ratios, `numpy.arange` with the end included for steps.
"""

import json
from pathlib import Path

import numpy as np


def main():
    ranges = []

    def add(text, values):
        ranges.append({"range": text, "values": [float(value) for value in values]})

    for first, last, points in [
        (0.005, 0.15, 6), (0.1, 0.3, 3), (-0.3, 0.3, 7), (0.15, 0.005, 30), (1e6, 2e7, 20), (-1e-9, 3e-9, 5), (0.0, 1.0, 1001),
        (3.5e9, 3.6e9, 7), (1e-300, 2e-300, 4), (2.5, 2.5, 1), (-7.25, 123456.789, 400),
    ]:
        add(f"{{ from = {first!r}, to = {last!r}, points = {points} }}", np.linspace(first, last, points))
    for first, last, points in [(0.001, 0.1, 3), (1e-6, 0.5, 25), (1e8, 1e5, 13), (0.02, 0.02, 1), (1.0, 1000.0, 4), (3.0, 7.0, 50)]:
        add(f"{{ from = {first!r}, to = {last!r}, points = {points}, log = true }}", np.geomspace(first, last, points))
    for first, last, step in [
        (0.1, 0.3, 0.1), (0.0, 1.0, 0.3), (1.0, -1.0, -0.25), (0.005, 0.15, 0.029), (0.0, 0.7, 0.001), (5.0, 5.0, 2.0), (-2.0, 2.0, 0.7),
        (1e6, 1.05e6, 1e4), (0.9, 0.1, -0.15),
    ]:
        add(f"{{ from = {first!r}, to = {last!r}, step = {step!r} }}", np.arange(first, last + 1e-9 * step + step / 1e6, step))
    whole = []
    for first, last, step in [(2, 8, 2), (8, 2, -3), (1, 10, 4), (0, 1000, 1), (-5, 5, 5), (9007199254740993, 9007199254740997, 2)]:
        end = last + (1 if step > 0 else -1)
        whole.append({"range": f"{{ from = {first}, to = {last}, step = {step} }}", "values": np.arange(first, end, step).tolist()})
    for first, last, points in [(1, 9, 5), (10, -10, 3), (4, 4, 1)]:
        values = np.linspace(first, last, points)
        whole.append({"range": f"{{ from = {first}, to = {last}, points = {points} }}", "values": [int(value) for value in values]})
    for first, last, points in [(1, 8, 4), (1000, 1, 4), (3, 48, 3)]:
        values = np.geomspace(first, last, points)
        text = f"{{ from = {first}, to = {last}, points = {points}, log = true }}"
        whole.append({"range": text, "values": [round(float(value)) for value in values]})
    target = Path(__file__).parent.parent / "vectors" / "sweep_ranges.json"
    target.write_text(json.dumps({"fractional": ranges, "whole": whole}, separators=(",", ":")) + "\n")


main()
