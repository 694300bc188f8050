"""Gains of a Gaussian copula: h = F^-1(Phi(x)), F the distribution of the gain.

Writes tests/vectors/radio_copula_reference.csv. SciPy's quantile is where the search for the 40-digit root begins: its own digits
get lost in the upper tail (4e-8 relative for F fading at x = 6).

Run from the repository root: python tests/reference/fading_process_scipy.py
Versions used for the committed file: Python 3.11, SciPy 1.17.1, mpmath 1.4.1. Some seconds.
"""

import mpmath as mp
from radio_scipy import digits, f_tails, gamma_tails, rician_k, rician_tails, write
from scipy import stats

RAYLEIGH = ("rayleigh", "", "", stats.expon(), lambda h: (1 - mp.exp(-h), mp.exp(-h)))


def rician(k_db):
    k = float(rician_k(k_db))
    return "rician", k_db, "", stats.ncx2(2, 2 * k, scale=1 / (2 * (1 + k))), lambda h: rician_tails(k_db, h)


def nakagami(m):
    return "nakagami-m", m, "", stats.gamma(float(m), scale=1 / float(m)), lambda h: gamma_tails(mp.mpf(m), h)


def fisher_snedecor(convention, m, ms):
    scale = mp.mpf(ms) - (1 if convention == "unit-mean" else 0)
    law = stats.f(2 * float(m), 2 * float(ms), scale=float(scale / mp.mpf(ms)))
    return f"fisher-snedecor {convention}", m, ms, law, lambda h: f_tails(mp.mpf(m), mp.mpf(ms), scale, h)


def rows():
    laws = [RAYLEIGH, rician(-10), rician(6), nakagami("0.5"), nakagami("3.7"), fisher_snedecor("unit-mean", "2", "1.5"),
            fisher_snedecor("unit-mean", "30", "4"), fisher_snedecor("letter-2017", "2", "1.5")]
    for name, m_or_k_db, ms, law, tails in laws:
        for x in ("-5", "-2", "-0.5", "0", "0.7", "2", "4", "6"):
            side = 0 if float(x) <= 0 else 1
            wanted = mp.erfc(abs(mp.mpf(x)) / mp.sqrt(2)) / 2
            start = law.isf(stats.norm.sf(float(x))) if side else law.ppf(stats.norm.cdf(float(x)))
            gain = mp.findroot(lambda h: mp.log(tails(h)[side] / wanted), (start * (1 - 1e-7), start * (1 + 1e-7)))
            yield [name, m_or_k_db, ms, x, digits(gain)]


if __name__ == "__main__":
    write("radio_copula_reference.csv", ["fading", "m_or_k_db", "ms", "gaussian", "gain"], list(rows()))
