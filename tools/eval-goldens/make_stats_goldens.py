#!/usr/bin/env python3
"""Writes the values that the tests of org.medpruner.eval.stats compare with: see README.md."""

import argparse
import json
from pathlib import Path

import numpy as np
import scipy
from scipy import stats

RESAMPLES = 10_000


def data(rng, volumes, per_volume, graded=False):
    """Scores of questions that share volumes, correlated within one."""
    keys, values = [], []
    for v in range(volumes):
        level = rng.uniform(0.2, 0.95)
        for _ in range(rng.integers(1, per_volume + 1)):
            keys.append(f"v{v}")
            values.append(float(np.round(rng.beta(4 * level, 4 * (1 - level)), 3)) if graded
                          else float(rng.random() < level))
    return {"values": values, "volumes": keys}


def sums(d):
    keys = list(dict.fromkeys(d["volumes"]))
    values, volumes = np.array(d["values"]), np.array(d["volumes"])
    return (np.array([values[volumes == k].sum() for k in keys]),
            np.array([(volumes == k).sum() for k in keys]))


def drawn(rng, d, resamples):
    """The interval of draws that the test repeats."""
    s, n = sums(d)
    draws = rng.integers(0, len(s), (resamples, len(s)))
    means = s[draws].sum(1) / n[draws].sum(1)
    return d | {"draws": draws.ravel().tolist(), "mean": float(np.mean(d["values"])),
                "interval": np.percentile(means, [2.5, 97.5]).tolist()}


def bootstrap(d):
    """scipy's interval, the mean of 20 seeds, and how far its ends vary from seed to seed."""
    s, n = sums(d)
    ends = [list(stats.bootstrap((s, n), lambda a, b, axis: a.sum(axis) / b.sum(axis), paired=True,
                                 vectorized=True, n_resamples=RESAMPLES, method="percentile",
                                 random_state=seed).confidence_interval) for seed in range(20)]
    return d | {"interval": np.mean(ends, 0).tolist(), "spread": float(np.max(np.std(ends, 0, ddof=1)))}


def permutation(d, resamples=np.inf):
    s, _ = sums(d)
    result = stats.permutation_test((s, np.zeros_like(s)), lambda a, b, axis: (a - b).sum(axis),
                                    permutation_type="samples", vectorized=True, n_resamples=resamples,
                                    random_state=1)
    return d | {"p": float(result.pvalue)}


def differences(rng, volumes, shift):
    d = data(rng, volumes, 3, graded=True)
    return d | {"values": [float(np.round(v - shift - 0.5, 3)) for v in d["values"]]}


def holm(p):
    order, adjusted, most = np.argsort(p), [0.0] * len(p), 0.0
    for rank, i in enumerate(order):
        most = max(most, min(1.0, (len(p) - rank) * p[i]))
        adjusted[i] = most
    return {"p": p, "adjusted": adjusted}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    args = parser.parse_args()
    rng = np.random.default_rng(20260311)
    golden = {
        "scipy": scipy.__version__,
        "numpy": np.__version__,
        "drawn": [drawn(rng, data(rng, 7, 4), 60), drawn(rng, data(rng, 5, 1, True), 41)],
        "bootstrap": [bootstrap(data(rng, 60, 1)), bootstrap(data(rng, 40, 5)),
                      bootstrap(data(rng, 120, 4, True))],
        "quantiles": [{"values": v, "q": q, "quantile": float(np.quantile(v, q))}
                      for v in ([1.0, 2.0, 4.0, 8.0], [0.5], rng.random(41).round(4).tolist())
                      for q in (0.025, 0.5, 0.975, 0.0, 1.0)],
        "mcnemar": [{"first": b, "second": c,
                     "p": float(stats.binomtest(b, b + c, 0.5).pvalue) if b + c else 1.0}
                    for b, c in ((0, 0), (1, 0), (0, 5), (5, 5), (3, 9), (9, 3), (20, 41), (0, 40),
                                 (100, 130), (7, 2000), (900, 1100), (1, 1))],
        "permutation": [permutation(differences(rng, n, shift))
                        for n in (3, 5, 8, 10) for shift in (0.0, 0.1, 0.3)]
        + [permutation({"values": [1.0, -1.0, 1.0, 0.0, 1.0, 1.0], "volumes": list("abcdee")})],
        "permutation_many": [permutation(differences(rng, n, shift), 200_000)
                             for n, shift in ((30, -0.05), (60, 0.05), (90, 0.0))],
        "holm": [holm([0.01, 0.04, 0.03, 0.005]), holm([0.5]), holm([0.9, 0.8, 0.001, 0.001])],
    }
    args.out.write_text(json.dumps(golden, sort_keys=True) + "\n", encoding="utf-8")
    print(args.out)


if __name__ == "__main__":
    main()
