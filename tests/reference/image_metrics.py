"""Makes tests/vectors/image_metrics_reference.csv with scikit-image (0.26.0) and NumPy.

    python tests/reference/image_metrics.py

Pictures come from an integer formula that tests/main/image_metrics.rs repeats, so that no picture needs to be stored.
"""

import csv
from pathlib import Path

import numpy as np
from skimage.metrics import structural_similarity

LEVELS = 1023  # finer than 8 bit: the metrics take float pictures

# name, width, height, pattern, disturbance amplitude in levels
CASES = [
    ("waves-slight", 64, 64, "waves", 8),
    ("waves-strong", 64, 64, "waves", 300),
    ("ramp-slight", 64, 64, "ramp", 20),
    ("ramp-strong", 48, 32, "ramp", 900),
    ("flat-slight", 64, 64, "flat", 3),
    ("flat-strong", 40, 70, "flat", 500),
    ("smallest", 11, 11, "waves", 100),
    ("one-row-of-windows", 31, 11, "waves", 100),
    ("large", 256, 200, "waves", 60),
]


def level(pattern, x, y, channel):
    if pattern == "waves":
        return (x * x * 3 + y * y * 5 + x * y * 2 + channel * 211) % (LEVELS + 1)
    if pattern == "ramp":
        return min(LEVELS, (x * 17 + y * 9) // (channel + 1))
    return 200 + 300 * channel


def disturbed(value, amplitude, x, y, channel):
    offset = (x * 7919 + y * 104729 + channel * 1299709) % (2 * amplitude + 1) - amplitude
    return min(LEVELS, max(0, value + offset))


def main():
    target = Path(__file__).parent.parent / "vectors" / "image_metrics_reference.csv"
    with target.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["case", "width", "height", "pattern", "amplitude", "mse", "psnr_db", "ssim"])
        for name, width, height, pattern, amplitude in CASES:
            reference = np.zeros((height, width, 3), np.float32)
            picture = np.zeros((height, width, 3), np.float32)
            for y in range(height):
                for x in range(width):
                    for channel in range(3):
                        value = level(pattern, x, y, channel)
                        reference[y, x, channel] = np.float32(value) / np.float32(LEVELS)
                        value = disturbed(value, amplitude, x, y, channel)
                        picture[y, x, channel] = np.float32(value) / np.float32(LEVELS)
            picture, reference = picture.astype(np.float64), reference.astype(np.float64)
            mse = np.mean((picture - reference) ** 2)
            ssim = structural_similarity(
                picture, reference, gaussian_weights=True, use_sample_covariance=False, data_range=1, channel_axis=-1
            )
            row = [name, width, height, pattern, amplitude]
            writer.writerow(row + [repr(float(v)) for v in (mse, -10 * np.log10(mse), ssim)])


main()
