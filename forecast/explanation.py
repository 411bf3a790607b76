"""`Explanation`: which inputs have moved a forecast, and how far."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from forecast.data.frequency import Frequency
from forecast.data.schema import Schema
from forecast.errors import DataError, first_few
from forecast.evaluation.occlusion import KNOWN, LAGS, PAST, ROWS, STATIC, Effects

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RESERVED = ("kind", "factor", "forecast", "effect", "relative")  # columns of the table
SHOWN = 3  # factors of a kind that the words name
KINDS = {  # in words, and what such a factor is replaced by
    KNOWN: "future covariates, drawn from their history",
    PAST: "covariates in the history, in random order",
    STATIC: "static covariates, drawn from all series",
    LAGS: "lagged inputs of the forecast steps, missing",
    ROWS: "stretches of the history, missing",
}


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """What each input does to a forecast: the forecast less that without the input.

    Effects are signed and in the units of the data. They are those of leaving out one input at a
    time, so they do not add up to the forecast less a baseline; `groups` says how far they are
    from doing so.

    Attributes:
        effects: as arrays.
        schema: of the user's table.
        frequency: of the series.
        target: that is forecast.
    """

    effects: Effects
    schema: Schema
    frequency: Frequency
    target: str

    def __repr__(self) -> str:
        """Name the factors with the largest effects."""
        names = ", ".join(self.summary["factor"].head(SHOWN))
        series, horizon = self.effects.forecast.shape
        return f"Explanation({series:,} series, {horizon:,} steps; {names})"

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row for each factor, series and step.

        The user's id and time columns, `kind`, `factor`, the `forecast`, the `effect`, and
        `relative`: the effect as a share of the size of the forecast.

        Raises:
            DataError: if the user's id or time column has one of these names.
        """
        if own := {self.schema.id, self.schema.time} & {*RESERVED}:
            raise DataError(
                f"the effects have a column {first_few(own)} of their own; rename that of the "
                "table, and train again"
            )
        found = self.effects
        count, (series, horizon) = len(found.factors), found.forecast.shape
        forecast = np.tile(found.forecast.ravel(), count)
        effect = found.effects.ravel()
        return self.schema.table(
            self.frequency,
            np.tile(np.repeat(found.ids, horizon), count),
            np.tile(found.times.ravel(), count),
            {
                "kind": np.repeat([f.kind for f in found.factors], series * horizon),
                "factor": np.repeat([f.name for f in found.factors], series * horizon),
                "forecast": forecast,
                "effect": effect,
                "relative": _share(effect, np.abs(forecast)),
            },
        )

    @cached_property
    def summary(self) -> pd.DataFrame:
        """A row for each factor, those with the largest effects first.

        `kind`, `factor`, the means over series and steps of the `absolute` and of the `signed`
        effect, and `relative`: the former as a share of the mean size of the forecast.
        """
        rows = [
            {"kind": factor.kind, "factor": factor.name, **self._measures(effect)}
            for factor, effect in zip(self.effects.factors, self.effects.effects, strict=True)
        ]
        names = ["kind", "factor", "absolute", "signed", "relative"]
        table = pd.DataFrame(rows, columns=names)
        return table.sort_values("absolute", ascending=False, kind="stable", ignore_index=True)

    @cached_property
    def groups(self) -> pd.DataFrame:
        """A row for each kind that has several factors, of which all can be left out at once.

        Means over series and steps of absolute values: of the `joint` effect, of the `sum` of the
        single ones, and of their difference, the `interactions`.
        """
        rows = []
        for kind, joint in self.effects.joint.items():
            total = sum(
                effect
                for factor, effect in zip(self.effects.factors, self.effects.effects, strict=True)
                if factor.kind == kind
            )
            parts = {"joint": joint, "sum": total, "interactions": joint - total}
            means = {name: float(np.abs(part).mean()) for name, part in parts.items()}
            rows.append({"kind": kind, **means})
        return pd.DataFrame(rows, columns=["kind", "joint", "sum", "interactions"])

    def sentences(self) -> Iterator[str]:
        """The largest effects in words, kind by kind, and what single effects leave out."""
        series, horizon = self.effects.forecast.shape
        size = float(np.abs(self.effects.forecast).mean())
        of = "1 series" if series == 1 else f"{series:,} series"
        yield (
            f"Mean absolute effect on {self.target} over {horizon:,} steps of {of}, whose forecast "
            f"has a mean size of {size:.4g}"
        )
        for kind, words in KINDS.items():
            own = self.summary[self.summary["kind"] == kind].head(SHOWN)
            if len(own):
                yield f"{words}: " + "; ".join(_words(row) for row in own.to_dict("records"))
        for row in self.groups.to_dict("records"):
            yield (
                f"{row['kind']}: all at once {row['joint']:.4g}; their effects add up to "
                f"{row['sum']:.4g}, with {row['interactions']:.4g} a step left to interactions"
            )

    def plot(self) -> Figure:
        """Draw the mean absolute effects, and those of the strongest factors step by step.

        Returns:
            A figure of matplotlib, which a notebook shows; `savefig` writes it.
        """
        from forecast.plotting import plot_explanation

        return plot_explanation(self.effects, self.target)

    def _measures(self, effect: np.ndarray) -> dict[str, float]:
        """The means of an effect (S, H); of the series that have one."""
        is_known = ~np.isnan(effect)
        if not is_known.any():
            return dict.fromkeys(("absolute", "signed", "relative"), float("nan"))
        absolute = float(np.abs(effect[is_known]).mean())
        size = np.abs(self.effects.forecast[is_known]).mean()
        relative = float(_share(np.array(absolute), size))
        return {
            "absolute": absolute,
            "signed": float(effect[is_known].mean()),
            "relative": relative,
        }


def _share(part: np.ndarray, size: Any) -> np.ndarray:
    """Part over size, NaN where that is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(size > 0, part / size, np.nan)


def _words(row: dict[Any, Any]) -> str:
    share = "" if np.isnan(row["relative"]) else f", {row['relative']:.1%}"
    return f"{row['factor']} {row['absolute']:.4g} (mean {row['signed']:+.4g}{share})"
