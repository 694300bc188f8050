"""Reference vectors for `src/radio`, by ways that the Rust code does not take.

Writes into tests/vectors/:
  radio_fading_reference.csv       tails, densities, quantiles of Rician, Nakagami-m and F gains: 40-digit arithmetic
                                   in the defining functions and series, each cross-checked against SciPy where it can
  radio_qam_reference.csv          bit error probability of Gray-mapped constellations, by counting the wrong bits of
                                   every decision region
  radio_average_bep_reference.csv  averages over fading: closed forms (Rayleigh, Nakagami-m), Craig's form with the
                                   moment-generating function (Rician), quadrature over the density (F)

Run from the repository root: python tests/reference/radio_scipy.py
Versions used for the committed files: Python 3.11, SciPy 1.17.1, mpmath 1.3.0. A few minutes.
"""

import csv
import math
from pathlib import Path

import mpmath as mp
from scipy import stats

mp.mp.dps = 40
VECTORS = Path(__file__).resolve().parents[1] / "vectors"


def write(name, header, rows):
    with open(VECTORS / name, "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(header)
        out.writerows(rows)
    print(name, len(rows), "rows")


def digits(value):
    return mp.nstr(value, 16, min_fixed=0, max_fixed=0)


# --- fading -----------------------------------------------------------------------------------------------------

def rician_k(k_db):
    return mp.mpf(10) ** (mp.mpf(k_db) / 10)


def rician_pdf(k_db, h):
    k = rician_k(k_db)
    return (1 + k) * mp.exp(-k - (1 + k) * h) * mp.besseli(0, 2 * mp.sqrt(k * (1 + k) * h))


def rician_tails(k_db, h):
    """Marcum's Q1 and its complement by their Bessel series (Simon and Alouini, 4.16 and 4.17)."""
    k = rician_k(k_db)
    a, b = mp.sqrt(2 * k), mp.sqrt(2 * (1 + k) * h)
    scale = mp.exp(-(a * a + b * b) / 2)

    def series(ratio, first):
        total, n = mp.mpf(0), first
        while True:
            term = ratio ** n * mp.besseli(n, a * b)
            total += term
            if n > 3 and term < total * mp.mpf("1e-35"):
                return scale * total
            n += 1

    return series(b / a, 1), series(a / b, 0)


def gamma_tails(m, h):
    return mp.gammainc(m, 0, m * h, regularized=True), mp.gammainc(m, m * h, mp.inf, regularized=True)


def f_tails(m, ms, scale, h):
    u = m * h / (m * h + scale)
    return mp.betainc(m, ms, 0, u, regularized=True), mp.betainc(ms, m, 0, 1 - u, regularized=True)


def close(ours, scipys, tolerance=1e-8):
    if scipys > 1e-200:
        assert abs(float(ours) / scipys - 1) < tolerance, (ours, scipys)


def fading_rows():
    rows = []
    gains = [mp.mpf(g) for g in ("0.0001", "0.01", "0.2", "0.8", "1", "1.3", "3", "12")]
    for k_db in (-10, 0, 6, 15):
        k = rician_k(k_db)
        law = stats.ncx2(2, float(2 * k), scale=float(1 / (2 * (1 + k))))
        for h in gains:
            lower, upper = rician_tails(k_db, h)
            if lower > 1e-3 and upper > 1e-3:
                close(lower, law.cdf(float(h)))
            close(rician_pdf(k_db, h), law.pdf(float(h)))
            for quantity, value in (("pdf", rician_pdf(k_db, h)), ("cdf", lower), ("survival", upper)):
                if value > mp.mpf("1e-250"):
                    rows.append(["rician", k_db, "", quantity, mp.nstr(h, 6), digits(value)])
        for p in ("0.001", "0.5", "0.999"):
            start = float(law.ppf(float(p)))
            root = mp.findroot(lambda h: rician_tails(k_db, h)[0] - mp.mpf(p), (start * 0.9999, start * 1.0001), tol=1e-30)
            rows.append(["rician", k_db, "", "quantile", p, digits(root)])
    for m in ("0.5", "1", "3.7", "40", "3000"):
        mm = mp.mpf(m)
        law = stats.gamma(float(m), scale=1 / float(m))
        for h in gains:
            lower, upper = gamma_tails(mm, h)
            pdf = mp.exp(mm * mp.log(mm) + (mm - 1) * mp.log(h) - mm * h - mp.loggamma(mm))
            close(lower, law.cdf(float(h)))
            close(upper, law.sf(float(h)))
            for quantity, value in (("pdf", pdf), ("cdf", lower), ("survival", upper)):
                if value > mp.mpf("1e-250"):
                    rows.append(["nakagami-m", m, "", quantity, mp.nstr(h, 6), digits(value)])
        for p in ("0.001", "0.5", "0.999"):
            start = law.ppf(float(p))
            root = mp.findroot(lambda h: gamma_tails(mm, h)[0] - mp.mpf(p), start)
            rows.append(["nakagami-m", m, "", "quantile", p, digits(root)])
    for m, ms in (("0.5", "1.05"), ("2", "1.5"), ("30", "4"), ("500", "700")):
        mm, mms = mp.mpf(m), mp.mpf(ms)
        for convention, scale in (("unit-mean", mms - 1), ("letter-2017", mms)):
            law = stats.f(2 * float(m), 2 * float(ms), scale=float(scale / mms))
            for h in gains:
                lower, upper = f_tails(mm, mms, scale, h)
                pdf = (mm ** mm * scale ** mms * h ** (mm - 1)
                       / (mp.beta(mm, mms) * (mm * h + scale) ** (mm + mms)))
                close(lower, law.cdf(float(h)))
                close(upper, law.sf(float(h)))
                for quantity, value in (("pdf", pdf), ("cdf", lower), ("survival", upper)):
                    if value > mp.mpf("1e-250"):
                        rows.append([f"fisher-snedecor {convention}", m, ms, quantity, mp.nstr(h, 6), digits(value)])
            for p in ("0.001", "0.5", "0.999"):
                start = law.ppf(float(p))
                root = mp.findroot(lambda h: f_tails(mm, mms, scale, h)[0] - mp.mpf(p), (start * 0.9999, start * 1.0001))
                rows.append([f"fisher-snedecor {convention}", m, ms, "quantile", p, digits(root)])
    return rows


# --- constellations ---------------------------------------------------------------------------------------------

def q_function(x):
    return mp.erfc(x / mp.sqrt(2)) / 2


def pam_bit_errors(levels, distance):
    """Mean share of wrong bits of a Gray-labelled PAM with `levels` points at odd multiples of `distance` sigmas."""
    bits = levels.bit_length() - 1
    label = lambda i: i ^ (i >> 1)
    position = lambda i: (2 * i - levels + 1) * distance
    total = mp.mpf(0)
    for sent in range(levels):
        for decided in range(levels):
            low = mp.ninf if decided == 0 else position(decided) - distance - position(sent)
            high = mp.inf if decided == levels - 1 else position(decided) + distance - position(sent)
            probability = q_function(low) - q_function(high)
            total += probability * bin(label(sent) ^ label(decided)).count("1")
    return total / (levels * bits)


def qam_bep(modulation, snr):
    if modulation == "bpsk":
        return pam_bit_errors(2, mp.sqrt(2 * snr))
    order = {"qpsk": 4, "qam16": 16, "qam64": 64, "qam256": 256}[modulation]
    return pam_bit_errors(math.isqrt(order), mp.sqrt(3 * snr / (order - 1)))


def qam_rows():
    mp.mp.dps = 320  # the outermost regions are 1 - (something down to 1e-280)
    rows = []
    for modulation in ("bpsk", "qpsk", "qam16", "qam64", "qam256"):
        for db in (-10, 0, 5, 10, 15, 20, 25, 30, 35):
            value = qam_bep(modulation, mp.mpf(10) ** (mp.mpf(db) / 10))
            if value > mp.mpf("1e-280"):
                rows.append([modulation, db, digits(value)])
    mp.mp.dps = 40
    return rows


# --- averages ---------------------------------------------------------------------------------------------------

# Weights and SNR factors: counted from the constellation itself, not taken from the formula under test.
def qam_terms(modulation):
    """P = sum_n w_n Q((2n+1) a): read off the counting of decision regions, whose edges are odd multiples of a."""
    if modulation == "bpsk":
        return [(mp.mpf(1), mp.mpf(2))]
    order = {"qpsk": 4, "qam16": 16, "qam64": 64, "qam256": 256}[modulation]
    levels = math.isqrt(order)
    bits = levels.bit_length() - 1
    label = lambda i: i ^ (i >> 1)
    weights = {}
    for sent in range(levels):
        for decided in range(levels):
            wrong = bin(label(sent) ^ label(decided)).count("1")
            for edge, sign in ((decided, 1), (decided + 1, -1)):
                if edge in (0, levels):
                    continue  # Q(-inf) of the outermost regions cancels over the region's complement below
                n = 2 * (edge - sent) - 1
                weights[n] = weights.get(n, 0) + sign * wrong
    # Q(-x) = 1 - Q(x); constants must cancel with those of the outermost left region, Q(-inf) = 1.
    constant = sum(bin(label(s) ^ label(0)).count("1") for s in range(levels))
    folded = {}
    for n, w in weights.items():
        if n > 0:
            folded[n] = folded.get(n, 0) + w
        else:
            folded[-n] = folded.get(-n, 0) - w
            constant += w
    assert constant == 0
    a_squared = mp.mpf(3) / (order - 1)
    return [(mp.mpf(w) / (levels * bits), n * n * a_squared) for n, w in sorted(folded.items()) if w]


def average(terms, average_q):
    return sum(w * average_q(c) for w, c in terms)


def rayleigh_average_q(snr):
    """Closed form, Simon and Alouini 5.6."""
    return lambda c: (1 - mp.sqrt(c * snr / (2 + c * snr))) / 2


def nakagami_average_q(m, snr):
    """Closed form with Gauss's hypergeometric function, Simon and Alouini 5.18."""
    def for_term(c):
        a = c * snr / (2 * m)
        return (mp.sqrt(a / mp.pi) * mp.gamma(m + mp.mpf(1) / 2) / (2 * (1 + a) ** (m + mp.mpf(1) / 2) * mp.gamma(m + 1))
                * mp.hyp2f1(1, m + mp.mpf(1) / 2, m + 1, 1 / (1 + a)))
    return for_term


def rician_average_q(k, snr):
    """Craig's form, (1/pi) int_0^{pi/2} M(c / (2 sin^2 t)) dt, M the moment-generating function of the SNR.

    The integrand is smooth and periodic, so the midpoint rule converges geometrically.
    """
    def mgf(s):
        return (1 + k) / (1 + k + s * snr) * mp.exp(-k * s * snr / (1 + k + s * snr))

    def for_term(c):
        def rule(nodes):
            return mp.fsum(mgf(c / (2 * mp.sin(mp.pi * (2 * j + 1) / (4 * nodes)) ** 2)) for j in range(nodes)) / (2 * nodes)
        nodes, coarse = 100, rule(50)
        while True:
            fine = rule(nodes)
            if abs(fine - coarse) <= mp.mpf("1e-18") * fine:
                return fine
            nodes, coarse = 2 * nodes, fine
    return for_term


def f_average_q(m, ms, scale, snr):
    """Trapezoidal rule over ln h of Q times the density; no distribution function, no integration by parts."""
    m, ms = mp.mpf(m), mp.mpf(ms)

    def for_term(c):
        def integrand(y):
            h = mp.exp(y)
            log_density = (m * mp.log(m) + ms * mp.log(scale) + m * y - (m + ms) * mp.log(m * h + scale)
                           - mp.log(mp.beta(m, ms)))
            return q_function(mp.sqrt(c * snr * h)) * mp.exp(log_density)

        def rule(step):
            return step * mp.fsum(integrand(-70 + j * step) for j in range(int(mp.nint(94 / step))))
        step, coarse = mp.mpf("0.125"), rule(mp.mpf("0.25"))
        while True:
            fine = rule(step)
            if abs(fine - coarse) <= mp.mpf("1e-15") * fine:
                return fine
            step, coarse = step / 2, fine
    return for_term


def average_rows():
    mp.mp.dps = 30
    rows = []
    for modulation in ("bpsk", "qam16", "qam256"):
        terms = qam_terms(modulation)
        for db in (-20, 0, 10, 25, 45):
            snr = mp.mpf(10) ** (mp.mpf(db) / 10)
            rows.append(["rayleigh", "", "", db, modulation, digits(average(terms, rayleigh_average_q(snr)))])
            for k_db in (-10, 3, 10, 20):
                value = average(terms, rician_average_q(rician_k(k_db), snr))
                rows.append(["rician", k_db, "", db, modulation, digits(value)])
            for m in ("0.5", "3.7", "60", "2000"):
                rows.append(["nakagami-m", m, "", db, modulation, digits(average(terms, nakagami_average_q(mp.mpf(m), snr)))])
    for modulation in ("bpsk", "qam16"):
        terms = qam_terms(modulation)
        for db in (-5, 10, 30):
            snr = mp.mpf(10) ** (mp.mpf(db) / 10)
            for m, ms in (("0.6", "1.2"), ("2", "1.5"), ("25", "8"), ("80", "90")):
                for convention, scale in (("unit-mean", mp.mpf(ms) - 1), ("letter-2017", mp.mpf(ms))):
                    value = average(terms, f_average_q(m, ms, scale, snr))
                    rows.append([f"fisher-snedecor {convention}", m, ms, db, modulation, digits(value)])
    mp.mp.dps = 40
    return [row for row in rows if mp.mpf(row[-1]) > mp.mpf("1e-200")]


if __name__ == "__main__":
    write("radio_qam_reference.csv", ["modulation", "es_n0_db", "bit_error_probability"], qam_rows())
    for modulation in ("qpsk", "qam16", "qam64", "qam256"):
        snr = mp.mpf(12)
        by_terms = sum(w * q_function(mp.sqrt(c * snr)) for w, c in qam_terms(modulation))
        assert abs(by_terms / qam_bep(modulation, snr) - 1) < 1e-25
    write("radio_average_bep_reference.csv",
          ["fading", "m_or_k_db", "ms", "mean_es_n0_db", "modulation", "average_bit_error_probability"], average_rows())
    write("radio_fading_reference.csv", ["fading", "m_or_k_db", "ms", "quantity", "argument", "value"], fading_rows())
