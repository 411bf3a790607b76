"""The tables of `benchmarks.untrained` in Markdown, and whether its aims are met."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from benchmarks._common import MET
from benchmarks._untrained_scores import WIDEST, Scores, geometric_mean
from benchmarks._untrained_sets import COMPETITIONS, M4

NAIVE, WEEKLY, ETS, THETA = "seasonal naive", "weekly naive", "ETS", "Theta"
MEAN, OURS, TRAINED = "mean of both", "pretrained", "trained"
METHODS = (NAIVE, WEEKLY, ETS, THETA, MEAN, OURS, TRAINED)
ABSENT = "–"
MAX_RATIO = 0.79  # aim: the geometric mean of the ratios to the seasonal naive forecast
MAX_OWA = 0.60  # aim
MAX_COVERAGE_ERROR = 3.0  # aim, percentage points


class Result(NamedTuple):
    """What one method reached on one set.

    Attributes:
        scores: of its forecasts.
        seconds: of wall-clock time, of fits and forecasts.
        cpu_seconds: of all threads of the process.
    """

    scores: Scores
    seconds: float
    cpu_seconds: float


class Rivals(NamedTuple):
    """The methods that the pretrained model is compared with on a set, and the aim."""

    methods: tuple[str, ...]
    max_loss: float  # the error relative to that of the best of them


Results = Mapping[str, Result]  # by method
Number = Callable[[Result], float]

ON_COMPETITIONS = Rivals((ETS, THETA), 1.03)
ON_OTHERS = Rivals((NAIVE, ETS), 1.05)


def mase(result: Result) -> float:
    """The mean absolute scaled error."""
    return result.scores.mase


def quantile_loss(result: Result) -> float:
    """The weighted quantile loss."""
    return result.scores.quantile_loss


def owa(result: Result) -> float:
    """The overall weighted average of M4."""
    return result.scores.m4.owa


def rivals(name: str) -> Rivals:
    """Those of a set."""
    return ON_COMPETITIONS if name in COMPETITIONS else ON_OTHERS


def loss(name: str, results: Results) -> float:
    """The MASE of the pretrained model relative to that of its best rival on a set."""
    return mase(results[OURS]) / min(mase(results[rival]) for rival in rivals(name).methods)


def mean_ratios(every: Mapping[str, Results], number: Number) -> dict[str, float]:
    """The geometric mean over sets of the ratio to the seasonal naive forecast, by method."""
    return {
        method: geometric_mean(
            [number(results[method]) / number(results[NAIVE]) for results in every.values()]
        )
        for method in METHODS
        if all(method in results for results in every.values())
    }


def row(cells: Sequence[str]) -> str:
    """A row of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def head(columns: Sequence[str]) -> str:
    """The head of a Markdown table."""
    return f"{row(columns)}\n{'|---' * len(columns)}|"


def texts(results: Results, text: Callable[[Result], str]) -> list[str]:
    """A cell for each method."""
    return [text(results[method]) if method in results else ABSENT for method in METHODS]


def error_head() -> str:
    """The head of the table whose rows are those of `error_row`."""
    return head(["MASE", "forecasts", *METHODS, "to best rival"])


def error_row(name: str, count: int, results: Results) -> str:
    """MASE on a set of so many forecasts, and how much larger it is than that of the best rival."""
    change = f"{100 * (loss(name, results) - 1):+.1f} %" if OURS in results else ABSENT
    return row([name, f"{count:,}", *texts(results, lambda one: f"{mase(one):.3f}"), change])


def ratio_row(every: Mapping[str, Results], number: Number) -> list[str]:
    """The cells of the geometric means over the sets of the competitions."""
    sets = competitions(every)
    means = mean_ratios(sets, number)
    cells = [f"{means[method]:.3f}" if method in means else ABSENT for method in METHODS]
    return [f"geometric mean of the ratios to {NAIVE}, {len(sets)} sets", *cells]


def competitions(every: Mapping[str, Results]) -> dict[str, Results]:
    """The results on the sets of M1, M3 and Tourism."""
    return {name: results for name, results in every.items() if name in COMPETITIONS}


def tables(every: Mapping[str, Results]) -> Iterator[str]:
    """The tables of the other measures, line by line."""
    yield from table("weighted quantile loss", every, lambda one: f"{quantile_loss(one):.4f}")
    if competitions(every):
        yield row(ratio_row(every, quantile_loss))
    for level in WIDEST:
        yield from table(f"coverage of {level} %", every, partial(covered, level=level))
    yield from table("seconds (of all cores)", every, duration)
    if M4 in every:
        yield from m4_table(every[M4])


def covered(result: Result, level: int) -> str:
    """Empirical coverage of the intervals of a level."""
    return f"{result.scores.coverage[level]:.1f}"


def duration(result: Result) -> str:
    """Seconds of wall-clock time, and of processor time."""
    return f"{result.seconds:.1f} ({result.cpu_seconds:.1f})"


def table(title: str, every: Mapping[str, Results], text: Callable[[Result], str]) -> Iterator[str]:
    """A row for each set and a column for each method."""
    yield f"\n{head([title, *METHODS])}"
    for name, results in every.items():
        yield row([name, *texts(results, text)])


def m4_table(results: Results) -> Iterator[str]:
    """The measures of the M4 competition, a row for each method."""
    yield f"\n{head(['M4 hourly', 'sMAPE', 'MASE', 'OWA'])}"
    for method, result in results.items():
        smape, error = result.scores.m4
        yield row([method, f"{smape:.3f}", f"{error:.3f}", f"{owa(result):.3f}"])


def aims(every: Mapping[str, Results]) -> Iterator[str]:
    """Whether the pretrained model is as good as intended, an aim per line."""
    sets = competitions(every)
    if len(sets) == len(COMPETITIONS):
        ratio = mean_ratios(sets, mase)[OURS]
        yield f"geometric mean {ratio:.3f}, at most {MAX_RATIO}: {MET[ratio <= MAX_RATIO]}"
    for name, results in every.items():
        (methods, most), ratio = rivals(name), loss(name, results)
        best = f"{ratio:.3f} of the better of {' and '.join(methods)}"
        yield f"{name}: {best}, at most {most}: {MET[ratio <= most]}"
    for name, results in every.items():
        if name in sets or name == M4:
            off = {level: share - level for level, share in results[OURS].scores.coverage.items()}
            verdict = MET[max(map(abs, off.values())) <= MAX_COVERAGE_ERROR]
            points = ", ".join(f"{level} % {error:+.1f}" for level, error in off.items())
            yield f"{name}: coverage of {points}, within {MAX_COVERAGE_ERROR:g} points: {verdict}"
    if M4 in every:
        average = owa(every[M4][OURS])
        yield f"{M4}: OWA {average:.3f}, below {MAX_OWA:.2f}: {MET[average < MAX_OWA]}"
