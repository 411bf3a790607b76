"""The sections on accuracy: against baselines, by forecast step, series by series."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

import forecast.report.markup as markup
from forecast.backtest import Backtest
from forecast.evaluation.cutoff_forecasts import FORECAST
from forecast.evaluation.significance import DESCRIPTIONS
from forecast.report.contents import Contents, cutoff_spacing, error_measure
from forecast.report.curves import line_chart
from forecast.report.markup import HtmlCell, Markup
from forecast.report.sections import as_sentence, section

MAX_WORST_SERIES = 20
MEASURES = {
    "mase": "MASE",
    "rmsse": "RMSSE",
    "smape": "sMAPE %",
    "mae": "MAE",
    "bias": "bias",
    "crps": "CRPS",
}
EXPLANATIONS = {
    "MASE": "mean absolute error, divided by the mean absolute change of the series from season "
    "to season; below 1 the errors are smaller than such a change",
    "RMSSE": "the same with squared errors, under a square root; large errors weigh more",
    "sMAPE %": "mean absolute error in percent of the mean of forecast and actual value",
    "MAE": "mean absolute error, in the units of the data",
    "bias": "mean of forecast minus actual value; positive where forecasts are too high",
    "CRPS": "error of the whole predictive distribution, in the units of the data",
}


def skill_section(contents: Contents) -> Markup:
    """The comparison of the training on held-out steps."""
    record = contents.model.record
    if record is None or record.comparison is None:
        return Markup("")
    comparison = record.comparison
    ours = (comparison.mase, comparison.smape, comparison.mae)
    naive = (comparison.naive_mase, comparison.naive_smape, comparison.naive_mae)
    rows = [
        ("The model", *map(_nan_if_none, ours)),
        (f"Seasonal naive (season of {comparison.season})", *map(_nan_if_none, naive)),
    ]
    caption = f"Errors on the last {comparison.steps} steps of {comparison.series:,} series"
    coverage = record.coverage or {}
    coverage_rows = [(f"{level}%", f"{share:.0f}%") for level, share in coverage.items()]
    coverage_caption = "Coverage of prediction intervals on the held-out steps"
    return section(
        "skill",
        markup.paragraph(comparison.sentence()),
        markup.table(caption, ["Forecast", "MASE", "sMAPE %", "MAE"], rows),
        markup.table(coverage_caption, ["Nominal", "Empirical"], coverage_rows)
        if coverage_rows
        else "",
    )


def _nan_if_none(value: float | None) -> float:
    return float("nan") if value is None else value


def backtest_section(contents: Contents) -> tuple[Markup, dict[str, Any]]:
    """Forecasts from many cutoffs against the actual values; and the data of the chart."""
    backtest = contents.backtest
    if backtest is None:
        return Markup(""), {}
    measure = error_measure(backtest)
    errors = backtest.by_step[measure].unstack("model")
    verdict = backtest.verdict
    chart, chart_data = _errors_by_step(errors, MEASURES[measure])
    return section(
        "backtest",
        markup.paragraph(backtest_scope(backtest)),
        markup.items(map(as_sentence, backtest.notes), "notes"),
        markup.paragraph(verdict.sentence(), "verdict") if verdict else "",
        markup.heading("Comparison with baselines"),
        _overall_errors(backtest),
        markup.heading("By forecast step"),
        chart,
        *_coverage(backtest),
        markup.heading("Problems found, and what to try"),
        _findings(contents),
    ), chart_data


def backtest_scope(backtest: Backtest) -> str:
    """How many forecasts there are, of how many series, and from which cutoffs."""
    count = cutoff_spacing(backtest).cutoffs
    ends = (backtest.cutoffs.min(), backtest.cutoffs.max())
    first, last = (backtest.schema.text(backtest.frequency, int(end)) for end in ends)
    where = f"at {first}" if first == last else f"from {first} to {last}"
    return (
        f"{len(backtest.ids):,} forecasts of {backtest.horizon:,} steps, each from the rows up to "
        f"its cutoff only; {count:,} cutoff{'' if count == 1 else 's'} {where}, "
        f"{len(set(backtest.ids.tolist())):,} series."
    )


def title_of(model: str) -> str:
    """The title of the model or of a baseline."""
    if model == FORECAST:
        return "The model"
    description = DESCRIPTIONS.get(model, model)
    return f"{description[:1].upper()}{description[1:]} ({model})"


def _overall_errors(backtest: Backtest) -> Markup:
    errors = backtest.overall
    known = [name for name in MEASURES if name in errors and errors[name].notna().any()]
    rows = [(title_of(str(model)), *map(float, errors.loc[model, known])) for model in errors.index]
    titles = [MEASURES[name] for name in known]
    explanations = markup.facts({title: EXPLANATIONS[title] for title in titles})
    return markup.join(
        [
            markup.table("Errors over all forecasts", ["Forecast", *titles], rows),
            markup.details("What the measures mean", explanations),
        ]
    )


def _errors_by_step(errors: pd.DataFrame, measure: str) -> tuple[Markup, dict[str, Any]]:
    """The chart of errors by step, the model first; and its data."""
    models = sorted(map(str, errors.columns), key=lambda name: name != FORECAST)
    steps = [int(step) for step in errors.index]
    lines = {name: (title_of(name), errors[name].to_numpy()) for name in models}
    first, last = (markup.number(float(errors[FORECAST].iloc[end]), 3) for end in (0, -1))
    summary = (
        f"{measure} of each forecast step, of the model and of the baselines. The model's goes "
        f"from {first} at step {steps[0]} to {last} at step {steps[-1]}."
    )
    caption = f"{measure} by forecast step"
    rows = list(zip(steps, *(errors[name].tolist() for name in models), strict=True))
    table = markup.table(caption, ["Step", *map(title_of, models)], rows)
    chart_data = {"by-step": line_chart(steps, "step", lines)}
    return markup.chart("by-step", caption, summary, table), chart_data


def _coverage(backtest: Backtest) -> list[Markup]:
    if not backtest.ends:
        return []
    measures = {str(name): float(backtest.overall[name][FORECAST]) for name in backtest.overall}
    rows = [
        (f"{level:g}%", f"{share:.1f}%", f"{share - level:+.1f} points")
        for level in sorted(backtest.ends)
        if not np.isnan(share := measures[f"coverage-{level:g}"])
    ]
    caption = "Coverage of prediction intervals"
    return [
        markup.heading("Prediction intervals"),
        markup.table(caption, ["Nominal", "Empirical", "Difference"], rows),
    ]


def _findings(contents: Contents) -> Markup:
    model, backtest = contents.model, contents.backtest
    exposure = model.record.exposure if model.record else None
    findings = backtest.findings(exposure, not model.is_zero_shot) if backtest else ()
    if not findings:
        return markup.paragraph("No problem was found.")
    return markup.items(finding.sentence for finding in findings)


def worst_series_section(contents: Contents) -> Markup:
    """The series with the largest errors, each compared with the best baseline on it."""
    errors = contents.series_errors
    if errors is None or contents.backtest is None or len(errors) < 2:
        return Markup("")
    measure = MEASURES[error_measure(contents.backtest)]
    worst, places = errors[:MAX_WORST_SERIES], chart_places(contents)
    columns = (worst[name].tolist() for name in ("ours", "theirs", "baseline"))
    rows = [
        (
            _chart_link(series_id, places.get(series_id)),
            ours,
            theirs,
            ours / theirs if theirs > 0 else float("nan"),
            baseline if isinstance(baseline, str) else markup.MISSING,
        )
        for series_id, ours, theirs, baseline in zip(worst.index.tolist(), *columns, strict=True)
    ]
    head = [
        "Series",
        f"{measure} of the model",
        f"{measure} of the best baseline",
        "Ratio",
        "Best baseline",
    ]
    caption = f"The {len(rows)} of {len(errors):,} series with the largest errors"
    return section("worst", markup.table(caption, head, rows))


def chart_places(contents: Contents) -> dict[Any, int]:
    """The position in the page of the first chart of each series, by id."""
    if contents.forecast is None:
        return {}
    n_targets = len(contents.model.config.schema.targets)
    ids = contents.forecast.start.ids.tolist()
    return {series_id: index * n_targets for index, series_id in enumerate(ids)}


def _chart_link(series_id: object, place: int | None) -> HtmlCell:
    """The name of a series, as a button that shows its chart if there is one."""
    name = markup.name(series_id)
    if place is None:
        return HtmlCell(name)
    return HtmlCell(f'<button type="button" class="show" data-series="{place}">{name}</button>')
