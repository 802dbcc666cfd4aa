#!/usr/bin/env python3
"""Golden values of series from NumPy, SciPy, pandas and scikit-learn:
`python tests/golden/series.py target/test-golden`."""

import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.interpolate
import scipy.stats
from sklearn.preprocessing import StandardScaler

from signal_cases import Cases

rng = np.random.default_rng(11)


def interpolation(cases):
    for n in (1, 2, 3, 4, 5, 40):
        times = np.cumsum(rng.uniform(0.2, 2.0, n)) + 100
        values = rng.normal(0, 3, n)
        # Between the readings, on them, in their middle, and beyond both ends.
        at = np.sort(
            np.concatenate([rng.uniform(times[0] - 2, times[-1] + 2, 60), times, (times[1:] + times[:-1]) / 2])
        )
        inside = np.clip(at, times[0], times[-1])
        inputs = {"times": times, "values": values, "at": at}
        cases.add("interpolate", inputs, np.interp(at, times, values), method="linear")
        if n > 1:
            for kind in ("previous", "nearest"):
                made = scipy.interpolate.interp1d(times, values, kind=kind)
                cases.add("interpolate", inputs, made(inside), method=kind)
            made = scipy.interpolate.CubicSpline(times, values)
            cases.add("interpolate", inputs, made(inside), method="cubic")
        if n > 3:
            made = scipy.interpolate.interp1d(times, values, kind="cubic")
            cases.add("interpolate", inputs, made(inside), method="cubic")
    # A grid with jitter, as a window of a sensor at 100 Hz has it.
    times = np.arange(500) / 100 + rng.uniform(-0.004, 0.004, 500)
    values = np.sin(times * 7) + rng.normal(0, 0.1, 500)
    at = 0.5 + np.arange(400) * 0.01
    cases.add("grid", {}, at, start=0.5, step=0.01, count=400)
    cases.add(
        "interpolate",
        {"times": times, "values": values, "at": at},
        scipy.interpolate.CubicSpline(times, values)(at),
        method="cubic",
    )


def differences(cases):
    x = rng.normal(5, 2, 30)
    for order in (0, 1, 2, 3):
        cases.add("difference", {"x": x}, np.diff(x, order), order=order, periods=1)
    for periods in (1, 2, 7):
        cases.add(
            "difference", {"x": x}, pd.Series(x).diff(periods).to_numpy()[periods:], order=1, periods=periods
        )
        cases.add("lag", {"x": x}, pd.Series(x).shift(periods).to_numpy()[periods:], periods=periods)
    twice = pd.Series(x).diff(3).diff(3).to_numpy()[6:]
    cases.add("difference", {"x": x}, twice, order=2, periods=3)


def rolling(cases):
    plain, holes = rng.normal(20, 4, 60), rng.normal(-3, 1, 60)
    holes[[0, 5, 6, 7, 30, 59]] = np.nan
    ties = np.round(rng.normal(0, 1, 60) * 2) / 2
    for x in (plain, holes, ties):
        for window, least in ((1, 1), (5, 5), (5, 2), (60, 1), (80, 1)):
            of = pd.Series(x).rolling(window, min_periods=least)
            made = {
                "mean": of.mean(),
                "min": of.min(),
                "max": of.max(),
                "median": of.median(),
                "sum": of.sum(),
                "count": of.count(),
                "rms": np.sqrt(pd.Series(x * x).rolling(window, min_periods=least).mean()),
                "q0.9": of.quantile(0.9),
                "q0.25": of.quantile(0.25),
            }
            for statistic, values in made.items():
                cases.add(
                    "rolling", {"x": x}, values, statistic=statistic, window=window, min_periods=least, ddof=1
                )
            for ddof in (0, 1, 2):
                for statistic, values in (("std", of.std(ddof=ddof)), ("var", of.var(ddof=ddof))):
                    cases.add(
                        "rolling",
                        {"x": x},
                        values,
                        statistic=statistic,
                        window=window,
                        min_periods=least,
                        ddof=ddof,
                    )


def exponential(cases):
    plain, holes = rng.normal(100, 3, 50), rng.normal(0, 1, 50)
    holes[[0, 1, 9, 10, 30]] = np.nan
    same = np.full(12, 3.7)
    for x in (plain, holes, same):
        # pandas takes 0.5 without `adjust` (com = 1) for its mark of irregular times, and weighs readings
        # behind a hole by another formula than at any other alpha: told in Exponential's docstring.
        for alpha in (0.05, 0.49, 1.0) if np.isnan(x).any() else (0.05, 0.5, 1.0):
            for adjust in (True, False):
                for ignore_na in (True, False):
                    of = pd.Series(x).ewm(alpha=alpha, adjust=adjust, ignore_na=ignore_na)
                    common = dict(alpha=alpha, adjust=adjust, ignore_na=ignore_na)
                    cases.add("ewm_mean", {"x": x}, of.mean(), bias=False, **common)
                    for bias in (True, False):
                        cases.add("ewm_var", {"x": x}, of.var(bias=bias), bias=bias, **common)


def standard(cases):
    x = rng.normal(1e4, 0.5, 40)
    prefixes = range(1, len(x) + 1)
    cases.add("welford_mean", {"x": x}, [np.mean(x[:n]) for n in prefixes])
    for ddof in (0, 1):
        made = [np.var(x[:n], ddof=ddof) if n > ddof else np.nan for n in prefixes]
        # The variance of numbers that agree in their first five digits: what both lose there.
        cases.add("welford_variance", {"x": x}, made, tolerance=1e-8, ddof=ddof)
        cases.add("zscore", {"x": x}, scipy.stats.zscore(x, ddof=ddof), ddof=ddof, tolerance=1e-8)
    scaler, made = StandardScaler(), []
    for value in x:
        scaler.partial_fit([[value]])
        made.append(scaler.transform([[value]])[0, 0])
    cases.add("running_zscore", {"x": x}, made, tolerance=1e-8, ddof=0)
    table = rng.normal([0, 5], [1, 0.1], (20, 2))
    table[:, 1] = 5.0
    scaler = StandardScaler().fit(table)
    for column in (0, 1):
        cases.add(
            "standardize",
            {"x": table[:, column]},
            scaler.transform(table)[:, column],
            mean=scaler.mean_[column],
            std=float(np.sqrt(scaler.var_[column])),
        )


def missing(cases):
    x = rng.normal(0, 2, 25)
    x[[0, 1, 6, 12, 13, 14, 23, 24]] = np.nan
    inner, empty = x.copy(), np.full(5, np.nan)
    inner[[0, 1, 23, 24]] = 1.0
    places = np.arange(len(x))
    for values in (x, inner):
        of, known = pd.Series(values), ~np.isnan(values)
        cases.add("fill", {"x": values}, of.fillna(2.5), policy="constant", value=2.5)
        cases.add("fill", {"x": values}, of.ffill(), policy="previous", limit=None)
        cases.add("fill", {"x": values}, of.ffill(limit=2), policy="previous", limit=2)
        cases.add("fill", {"x": values}, np.interp(places, places[known], values[known]), policy="linear")
        cases.add("fill", {"x": values}, of.fillna(of.mean()), policy="mean")
    # Between two values pandas' own interpolation is the same.
    cases.add("fill", {"x": inner}, pd.Series(inner).interpolate("linear"), policy="linear")
    for policy in ("previous", "linear", "mean"):
        cases.add("fill", {"x": empty}, empty, policy=policy, limit=None)
    table = pd.DataFrame({"a": x, "b": np.where(places % 9 == 4, np.nan, places)})
    cases.add("complete", {"a": table.a, "b": table.b}, table.dropna().index)


def statistics(cases):
    spiky = rng.normal(0, 1, 200)
    spiky[::50] += 9
    holes = spiky.copy()
    holes[3] = np.nan
    for x in (spiky, spiky[:7] + 1e3, spiky[:3], spiky[:2], spiky[:1], holes):
        rms, peak = np.sqrt(np.mean(x**2)), np.max(np.abs(x))
        made = {
            "mean": np.mean(x),
            "min": np.min(x),
            "max": np.max(x),
            "median": np.median(x),
            "sum": np.sum(x),
            "count": np.sum(~np.isnan(x)),
            "rms": rms,
            "peak": peak,
            "peak_to_peak": np.ptp(x),
            "crest_factor": peak / rms,
            "q0.95": np.quantile(x, 0.95),
            "q0": np.quantile(x, 0),
            "q1": np.quantile(x, 1),
        }
        for statistic, value in made.items():
            cases.add("statistic", {"x": x}, [value], statistic=statistic, ddof=0, bias=True)
        for ddof in (0, 1):
            value = np.var(x, ddof=ddof) if len(x) > ddof else np.nan
            cases.add("statistic", {"x": x}, [value], statistic="var", ddof=ddof, bias=True)
            cases.add("statistic", {"x": x}, [np.sqrt(value)], statistic="std", ddof=ddof, bias=True)
        for bias in (True, False):
            made = {
                "kurtosis": scipy.stats.kurtosis(x, bias=bias),
                "kurtosis_pearson": scipy.stats.kurtosis(x, fisher=False, bias=bias),
                "skewness": scipy.stats.skew(x, bias=bias),
            }
            for statistic, value in made.items():
                cases.add("statistic", {"x": x}, [value], statistic=statistic, ddof=0, bias=bias, tolerance=1e-8)
    same = np.full(9, 0.1)
    cases.add("statistic", {"x": same}, [scipy.stats.kurtosis(same)], statistic="kurtosis", ddof=0, bias=True)
    cases.add("statistic", {"x": same}, [scipy.stats.skew(same)], statistic="skewness", ddof=0, bias=True)


def main(folder: Path):
    warnings.simplefilter("ignore")
    cases = Cases()
    for part in (interpolation, differences, rolling, exponential, standard, missing, statistics):
        part(cases)
    cases.write(folder / "series.json")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
