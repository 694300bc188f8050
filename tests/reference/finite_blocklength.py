"""Block error rates at finite block length: the normal approximation to 40 digits, and exact bounds it is held against.

Writes, under tests/vectors/:
  radio_block_error_reference.csv    normal approximation for repeated attempts: chase combining (n symbols at i times the SNR),
                                     incremental redundancy (i*n symbols), and i looks at a binary symmetric channel
  radio_block_error_bounds.csv       for the best code on a binary symmetric channel: the random coding union bound (achievable)
                                     and the sphere-packing bound (converse), Y. Polyanskiy, H. V. Poor and S. Verdu, "Channel coding
                                     rate in the finite blocklength regime", IEEE Trans. Inf. Theory 2010, theorems 33 and 35
  (fbl_bler_reference.csv was given with the specification; this script checks its rows.)

Run from the repository root: python tests/reference/finite_blocklength.py
Versions used for the committed files: Python 3.11, mpmath 1.4.1. Some seconds.
"""

import csv
from itertools import product
from pathlib import Path

import mpmath as mp

mp.mp.dps = 40
VECTORS = Path(__file__).resolve().parents[1] / "vectors"


def digits(value):
    return mp.nstr(value, 16, min_fixed=0, max_fixed=0)


def write(name, header, rows):
    with open(VECTORS / name, "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(header)
        out.writerows(rows)
    print(name, len(rows), "rows")


def normal_approximation(uses, payload, capacity, dispersion):
    excess = uses * capacity - payload + mp.log(uses, 2) / 2
    return mp.erfc(excess / mp.sqrt(2 * uses * dispersion)) / 2


def gaussian(snr):
    return mp.log(1 + snr, 2), (1 - (1 + snr) ** -2) / mp.log(2) ** 2


def looks(p, count):
    """Mean and variance of the information density of `count` looks, by listing every outcome of the looks."""
    mean, square = mp.mpf(0), mp.mpf(0)
    for outcome in product((0, 1), repeat=count):
        wrong = sum(outcome)
        given_sent = p ** wrong * (1 - p) ** (count - wrong)
        given_other = p ** (count - wrong) * (1 - p) ** wrong
        density = mp.log(2 * given_sent / (given_sent + given_other), 2)
        mean += given_sent * density
        square += given_sent * density ** 2
    return mean, square - mean ** 2


def repeated_rows():
    rows = []
    for uses, payload in ((2048, 1048), (682, 1048), (300, 500)):
        for db in (-6, -3, 0, 2, 3):
            snr = mp.mpf(10) ** (mp.mpf(db) / 10)
            for attempts in (1, 2, 3, 4):
                rows.append(["chase", uses, payload, db, attempts,
                             digits(normal_approximation(uses, payload, *gaussian(attempts * snr)))])
                rows.append(["incremental-redundancy", uses, payload, db, attempts,
                             digits(normal_approximation(attempts * uses, payload, *gaussian(snr)))])
    for uses, payload in ((2096, 1048), (400, 200)):
        for p in ("0.01", "0.05", "0.11", "0.2", "0.4"):
            for count in (1, 2, 3, 5):
                rows.append(["binary-symmetric", uses, payload, p, count,
                             digits(normal_approximation(uses, payload, *looks(mp.mpf(p), count)))])
    return [row for row in rows if mp.mpf(row[-1]) > mp.mpf("1e-290")]


def bounds(n, k, p):
    def mass(t):
        return mp.binomial(n, t) * p ** t * (1 - p) ** (n - t)
    below, achievable = mp.mpf(0), mp.mpf(0)
    for t in range(n + 1):
        below += mp.binomial(n, t)
        achievable += mass(t) * min(mp.mpf(1), (mp.mpf(2) ** k - 1) * below / mp.mpf(2) ** n)
    room, right = mp.mpf(2) ** (n - k), mp.mpf(0)
    for t in range(n + 1):
        words = mp.binomial(n, t)
        if words >= room:
            return achievable, 1 - right - mass(t) * room / words
        room -= words
        right += mass(t)
    raise AssertionError("a code has at least one word")


def bound_rows():
    rows = []
    for n, k, p in ((1000, 500, "0.09"), (1000, 500, "0.08"), (1000, 800, "0.02"), (2096, 1048, "0.095"), (500, 250, "0.07"),
                    (500, 250, "0.01"), (12, 6, "0.005"), (12, 6, "0.3")):
        mp.mp.dps = 200  # the converse is 1 - (nearly 1)
        achievable, converse = bounds(n, k, mp.mpf(p))
        rows.append([n, k, p, digits(converse), digits(achievable)])
    return rows


if __name__ == "__main__":
    with open(VECTORS / "fbl_bler_reference.csv") as file:
        for row in csv.DictReader(file):
            snr = mp.mpf(10) ** (mp.mpf(row["snr_db"]) / 10)
            ours = normal_approximation(int(row["n_complex_symbols"]), int(row["k_bits"]), *gaussian(snr))
            given = mp.mpf(row["bler_normal_approx"])
            assert given == 0 or abs(ours / given - 1) < 1e-9, row
    write("radio_block_error_reference.csv",
          ["combining", "channel_uses", "payload_bits", "snr_db_or_p", "attempts", "block_error_rate"], repeated_rows())
    write("radio_block_error_bounds.csv", ["coded_bits", "payload_bits", "p", "converse", "achievable"], bound_rows())
