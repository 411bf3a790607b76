"""Figures of `benchmarks.peers`: the measurements of a method, and how each figure is printed."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from benchmarks._common import MB
from benchmarks.m4_hourly import HORIZON, Score


@dataclass
class Measurements:
    """The measurements of a method.

    Attributes:
        description: its settings in words.
        figures: of each measure, one for each repeat.
        notes: a remark on a figure, or why it is missing, by measure.
        versions: of the packages that it runs on.
    """

    description: str
    figures: dict[str, list[float]] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    def median(self, measure: str) -> float | None:
        """Over the repeats; None where nothing was measured."""
        values = self.figures.get(measure)
        return statistics.median(values) if values else None

    @property
    def owa(self) -> list[float]:
        """Of each repeat, by the competition's formula."""
        pairs = zip(self.figures.get("smape", []), self.figures.get("mase", []), strict=True)
        return [Score(*pair).owa for pair in pairs]


@dataclass(frozen=True)
class Run:
    """What was run, when and where."""

    command: str
    date: str
    machine: str
    series: int
    seconds: float
    repeats: int
    rounds: int
    cutoffs: int


class Measure(NamedTuple):
    """One line of the table: its label, its format, and which direction is better."""

    label: str
    text: Callable[[float], str]
    more_is_better: bool = False


def time_text(seconds: float) -> str:
    """Seconds in a readable unit."""
    if seconds < 1:
        return f"{1e3 * seconds:,.1f} ms"
    return f"{seconds:,.2f} s" if seconds < 100 else f"{seconds:,.0f} s"


def bytes_text(count: float) -> str:
    """Megabytes."""
    return f"{count / MB:,.0f} MB"


def measures(run: Run) -> dict[str, Measure]:
    """The lines of the table."""
    panel = f"{run.series} series x {HORIZON} steps"
    return {
        "rate": Measure("training, observations per second", lambda n: f"{n:,.0f}", True),
        "rollout": Measure(f"rollout of {panel}, from histories", time_text),
        "resume": Measure("the same from a saved state", time_text),
        "cold": Measure("cold forecast of all series, whole process", time_text),
        "observe": Measure("from one new row of each series to the next forecast", time_text),
        "backtest": Measure(f"backtest, {run.cutoffs} cutoffs, {panel}", time_text),
        "peak": Measure("peak memory of training", bytes_text),
        "size": Measure("installed size with dependencies", bytes_text),
    }


def decimals(value: float) -> str:
    """A score."""
    return f"{value:.3f}"


def whole(value: float) -> str:
    """A count."""
    return f"{value:,.0f}"
