"""The sections on how good forecasts are: beside baselines, step by step, series by series."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

import forecast.report.markup as markup
from forecast.backtest import Backtest
from forecast.evaluation.metrics import FORECAST
from forecast.evaluation.significance import WORDS
from forecast.report.curves import chart_of
from forecast.report.gathering import Contents, measure_of, spacing
from forecast.report.markup import Cell, Markup
from forecast.report.sections import comparison, section, sentence

WORST = 20  # series in the table of the worst
MEASURES = {
    "mase": "MASE",
    "rmsse": "RMSSE",
    "smape": "sMAPE %",
    "mae": "MAE",
    "bias": "bias",
    "crps": "CRPS",
}
EXPLAINED = {
    "MASE": "mean absolute error, in units of the mean absolute change of the series from season "
    "to season; below 1 is better than such a change",
    "RMSSE": "the same of squared errors, under a root; it weighs large errors more",
    "sMAPE %": "mean absolute error in percent of the mean of forecast and value",
    "MAE": "mean absolute error, in the units of the data",
    "bias": "mean of forecast minus value: above 0 forecasts are too high",
    "CRPS": "error of the whole distribution, of forecasts and their intervals; in the units of "
    "the data",
}


def skill(contents: Contents) -> Markup:
    """The comparison that the training has made on steps that it had not seen."""
    found = comparison(contents.model.record)
    if found is None:
        return Markup("")
    rows = [
        ("The model", *map(_known, (found.mase, found.smape, found.mae))),
        (
            f"Seasonal naive (season of {found.season})",
            *map(_known, (found.naive_mase, found.naive_smape, found.naive_mae)),
        ),
    ]
    caption = f"Errors on the last {found.steps} steps of {found.series:,} series"
    held = contents.model.record.get("coverage") or {}
    intervals = [(f"{level}%", f"{share:.0f}%") for level, share in held.items()]
    return section(
        "skill",
        markup.paragraph(found.sentence()),
        markup.table(caption, ["Forecast", "MASE", "sMAPE %", "MAE"], rows),
        markup.table("Held-out values within intervals", ["Interval", "Held"], intervals)
        if intervals
        else "",
    )


def _known(value: float | None) -> float:
    return float("nan") if value is None else value


def backtest(contents: Contents) -> tuple[Markup, dict[str, Any]]:
    """Forecasts from many cutoffs beside what came; and the data of the chart."""
    tried = contents.backtest
    if tried is None:
        return Markup(""), {}
    measure = measure_of(tried)
    by_step = tried.by_step[measure].unstack("model")
    verdict = tried.verdict
    chart, drawn = _by_step(by_step, MEASURES[measure])
    return section(
        "backtest",
        markup.paragraph(extent(tried)),
        markup.items(map(sentence, tried.notes), "notes"),
        markup.paragraph(verdict.sentence(), "verdict") if verdict else "",
        markup.heading("Beside naive forecasts"),
        _overall(tried),
        markup.heading("Step by step"),
        chart,
        *_calibration(tried),
        markup.heading("What is wrong, and what to try"),
        _findings(contents),
    ), drawn


def extent(tried: Backtest) -> str:
    """How many forecasts there are, from where to where."""
    count = spacing(tried)[0]
    ends = (tried.cutoffs.min(), tried.cutoffs.max())
    first, last = (tried.schema.text(tried.frequency, int(end)) for end in ends)
    where = f"at {first}" if first == last else f"from {first} to {last}"
    return (
        f"{len(tried.ids):,} forecasts of {tried.horizon:,} steps, each from the rows up to its "
        f"cutoff alone; {count:,} cutoff{'' if count == 1 else 's'} {where}, "
        f"{len(set(tried.ids.tolist())):,} series."
    )


def title_of(model: str) -> str:
    """What a model or baseline is called."""
    said = WORDS.get(model, model)
    return "The model" if model == FORECAST else f"{said[:1].upper()}{said[1:]} ({model})"


def _overall(tried: Backtest) -> Markup:
    found = tried.overall
    held = [name for name in MEASURES if name in found and found[name].notna().any()]
    rows = [(title_of(str(model)), *map(float, found.loc[model, held])) for model in found.index]
    names = [MEASURES[name] for name in held]
    return markup.join(
        [
            markup.table("Errors over all forecasts", ["Forecast", *names], rows),
            markup.details(
                "What the measures mean", markup.facts({name: EXPLAINED[name] for name in names})
            ),
        ]
    )


def _by_step(by_step: pd.DataFrame, measure: str) -> tuple[Markup, dict[str, Any]]:
    models = sorted(map(str, by_step.columns), key=lambda name: name != FORECAST)
    steps = [int(step) for step in by_step.index]
    lines = {name: (title_of(name), by_step[name].to_numpy()) for name in models}
    ours = by_step[FORECAST]
    summary = (
        f"{measure} of each step, the model beside naive forecasts: it goes from "
        f"{markup.number(float(ours.iloc[0]), 3)} at step {steps[0]} to "
        f"{markup.number(float(ours.iloc[-1]), 3)} at step {steps[-1]}."
    )
    caption = f"{measure} by step of the forecast"
    rows = list(zip(steps, *(by_step[name].tolist() for name in models), strict=True))
    table = markup.table(caption, ["Step", *map(title_of, models)], rows)
    drawn = {"by-step": chart_of(steps, "step", lines)}
    return markup.chart("by-step", caption, summary, table), drawn


def _calibration(tried: Backtest) -> list[Markup]:
    if not tried.ends:
        return []
    ours = {str(name): float(tried.overall[name][FORECAST]) for name in tried.overall}
    rows = [
        (f"{level:g}%", f"{share:.1f}%", f"{share - level:+.1f} points")
        for level in sorted(tried.ends)
        if not np.isnan(share := ours[f"coverage-{level:g}"])
    ]
    return [
        markup.heading("Intervals"),
        markup.table("Share of values within intervals", ["Interval", "Held", "Off by"], rows),
    ]


def _findings(contents: Contents) -> Markup:
    found = contents.backtest.findings(contents.model.record) if contents.backtest else ()
    if not found:
        return markup.paragraph("Nothing was found.")
    return markup.items(one.sentence for one in found)


def worst(contents: Contents) -> Markup:
    """The series with the largest errors, beside the baseline that is best on each."""
    if contents.worst is None or contents.backtest is None or len(contents.worst) < 2:
        return Markup("")
    measure = MEASURES[measure_of(contents.backtest)]
    table, places = contents.worst[:WORST], place_of(contents)
    columns = (table[name].tolist() for name in ("ours", "theirs", "baseline"))
    rows = [
        (_link(one, places.get(one)), ours, theirs, _ratio(ours, theirs), _named(best))
        for one, ours, theirs, best in zip(table.index.tolist(), *columns, strict=True)
    ]
    head = ["Series", f"{measure} of the model", "of the best naive forecast", "Ratio", "Which"]
    caption = f"The {len(rows)} of {len(contents.worst):,} series with the largest errors"
    return section("worst", markup.table(caption, head, rows))


def _named(baseline: Any) -> str:
    return baseline if isinstance(baseline, str) else markup.NONE


def _ratio(ours: float, theirs: float) -> float:
    return ours / theirs if theirs > 0 else float("nan")


def place_of(contents: Contents) -> dict[Any, int]:
    """Where the first chart of each series stands in the page."""
    if contents.forecast is None:
        return {}
    targets = len(contents.model.config.schema.targets)
    ids = contents.forecast.start.ids.tolist()
    return {one: place * targets for place, one in enumerate(ids)}


def _link(one: object, place: int | None) -> Cell:
    """A name that shows its chart, where there is one."""
    shown = markup.name(one)
    if place is None:
        return Cell(shown)
    return Cell(f'<button type="button" class="show" data-series="{place}">{shown}</button>')
