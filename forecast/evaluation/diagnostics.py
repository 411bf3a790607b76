"""What commonly goes wrong with forecasts: found in a backtest, with what to try."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from forecast.evaluation.metrics import FORECAST

if TYPE_CHECKING:
    from forecast.backtest import Backtest

COPIED = 0.1  # share of the data's first move; a first step that moves less is a copy
FLAT = 0.1  # share of the data's moves; rollouts that move less are flat
FEWEST = 3  # forecasts of a series, with fewer of which nothing is said of it
WORSE = 1.05  # times a naive forecast's error
MANY = 0.1  # share of the series that must do worse to be worth a word
GAP = 2.0  # times the error of single steps that the same steps of a rollout may have
MISSED = 0.05  # that the share of values in an interval may be off, besides chance
NAMED = 3  # series that a sentence names


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with forecasts.

    Attributes:
        kind: "lag-copy", "flat", "drift", "worse than naive", "exposure gap" or "intervals".
        series: ids of those that it concerns, the worst first.
        sentence: what was found, and what to try.
    """

    kind: str
    series: tuple[Any, ...]
    sentence: str


def findings(backtest: Backtest, record: dict[str, Any] | None = None) -> tuple[Finding, ...]:
    """All that is wrong, as far as it can be told.

    Args:
        backtest: of a model.
        record: of its training, which knows of the exposure gap.
    """
    return (
        *copies(backtest),
        *flat(backtest),
        *drifts(backtest),
        *losers(backtest),
        *exposed(backtest, record or {}),
        *misses(backtest),
    )


def copies(backtest: Backtest) -> Iterator[Finding]:
    """Series whose forecasts begin with the last value, though the data move on."""
    last = backtest.past.last
    moved = _by_series(backtest, np.abs(backtest.forecasts[FORECAST][:, 0] - last))
    came = _by_series(backtest, np.abs(backtest.actual[:, 0] - last))
    found = _below(moved / came, COPIED)
    if found:
        yield Finding(
            "lag-copy",
            found,
            f"Forecasts begin by repeating the last value, in {_some(found, backtest)}: the model "
            "has learned little more than to copy. Train longer (--budget), or give it columns "
            "that tell what is to come (--known).",
        )


def flat(backtest: Backtest) -> Iterator[Finding]:
    """Series whose rollouts hardly move, though the data do."""
    if backtest.horizon == 1:
        return
    moved = _by_series(backtest, _moves(backtest.forecasts[FORECAST]))
    came = _by_series(backtest, _moves(backtest.actual))
    found = _below(moved / came, FLAT)
    if found:
        yield Finding(
            "flat",
            found,
            f"Rollouts are flat where the data move, in {_some(found, backtest)}. If those moves "
            "can be foreseen at all, train longer (--budget), with a longer --context, or with "
            "--feedback free.",
        )


def drifts(backtest: Backtest) -> Iterator[Finding]:
    """Series whose rollouts leave the range of the data by more than that range, and what came."""
    path, past = backtest.forecasts[FORECAST], backtest.past
    reach = (past.high - past.low)[:, None]
    outside = np.maximum(path - past.high[:, None], past.low[:, None] - path)
    is_wrong = ~(np.abs(path - backtest.actual) <= reach)
    share = _by_series(backtest, ((outside > reach) & is_wrong).mean(axis=1), fewest=1)
    found = tuple(share[share > 0].sort_values(ascending=False).index)
    if found:
        yield Finding(
            "drift",
            found,
            f"Rollouts drift far out of the range of the data, in {_some(found, backtest)}. Set "
            "limits (--bounds), train with --feedback free, or with a smaller --learning-rate.",
        )


def losers(backtest: Backtest) -> Iterator[Finding]:
    """Series on which the best baseline of all does better."""
    verdict = backtest.verdict
    if verdict is None:
        return
    ours, theirs = (
        _by_series(backtest, _mean(np.abs(backtest.forecasts[name] - backtest.actual)))
        for name in (FORECAST, verdict.baseline)
    )
    ratio = (ours / theirs).dropna().sort_values(ascending=False)
    found = tuple(ratio[ratio > WORSE].index)
    if len(found) > MANY * len(ratio):
        yield Finding(
            "worse than naive",
            found,
            f"The forecast {verdict.baseline!r} does better, in {_some(found, backtest)}. Use it "
            "for them, give more data, or tell series apart by a column (--static).",
        )


def exposed(backtest: Backtest, record: dict[str, Any]) -> Iterator[Finding]:
    """Rollouts that lose much by being fed their own values, as the training has measured."""
    gap = record.get("exposure")
    if not gap:
        return
    one_step, rollout = (float(np.nanmean(gap[name])) for name in ("one_step", "rollout"))
    if rollout > GAP * one_step:
        yield Finding(
            "exposure gap",
            tuple(dict.fromkeys(backtest.ids.tolist())),
            f"Fed with its own values the model's error is {rollout / one_step:.1f} times that of "
            "the same steps fed with true ones. Train with --feedback free or scheduled, over as "
            "many steps as --train-horizon says.",
        )


def misses(backtest: Backtest) -> Iterator[Finding]:
    """Intervals that hold far fewer or more values than they should."""
    known = ~np.isnan(backtest.actual)
    wrong, worst = [], (0.0, np.zeros(len(backtest.ids)))
    for level, (low, high) in sorted(backtest.ends.items()):
        held = np.where(known, (low <= backtest.actual) & (backtest.actual <= high), np.nan)
        aim, share = level / 100, float(np.nanmean(held)) if known.any() else level / 100
        chance = 2 * np.sqrt(aim * (1 - aim) / len(backtest.ids))  # of forecasts, not of steps
        if abs(share - aim) > MISSED + chance:
            wrong.append(f"those of {level:g}% hold {share:.0%} of the values")
            worst = max(worst, (share - aim, _mean(held) - aim), key=lambda one: abs(one[0]))
    if wrong:
        missed, off = worst
        by_series = _by_series(backtest, off * np.sign(missed), fewest=1)
        found = tuple(by_series[by_series > MISSED].sort_values(ascending=False).index)
        yield Finding(
            "intervals",
            found,
            f"Intervals are too {'narrow' if missed < 0 else 'wide'}: {', '.join(wrong)}; mostly "
            f"in {_some(found, backtest)}. Train on later rows too, or with a larger --holdout.",
        )


def _moves(paths: np.ndarray) -> np.ndarray:
    """The mean move from step to step of paths (M, H), (M,)."""
    return _mean(np.abs(np.diff(paths, axis=1)))


def _mean(values: np.ndarray) -> np.ndarray:
    """The mean over the steps of (M, H), (M,), of those that are known; NaN where none is."""
    known = ~np.isnan(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    mean: np.ndarray = np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0)
    return mean


def _by_series(backtest: Backtest, values: np.ndarray, fewest: int = FEWEST) -> pd.Series[float]:
    """The mean over the forecasts of each series that has enough of them."""
    grouped = pd.Series(values).groupby(pd.Series(backtest.ids), sort=False)
    means: pd.Series[float] = grouped.mean()
    return means[grouped.count() >= fewest]


def _below(share: pd.Series[float], limit: float) -> tuple[Any, ...]:
    """The ids whose share is below a limit, the smallest first."""
    return tuple(share[share < limit].sort_values().index)


def _some(found: tuple[Any, ...], backtest: Backtest) -> str:
    """How many series those are, and the first of them."""
    count = len(set(backtest.ids.tolist()))
    if count == 1:
        return "the series"
    more = ", …" if len(found) > NAMED else ""
    names = ", ".join(repr(str(name)) for name in found[:NAMED])
    return f"{len(found):,} of {count:,} series ({names}{more})"
