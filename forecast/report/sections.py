"""The sections on the data, the assumptions, the forecasts and the training."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

import forecast.report.markup as markup
from forecast.data.panel import Panel
from forecast.model import Model
from forecast.nn import HEADS, NETWORKS
from forecast.report.contents import Contents
from forecast.report.curves import line_chart
from forecast.report.markup import Markup, number
from forecast.report.text_summary import summary
from forecast.training.plan import Plan
from forecast.training_record import TrainingRecord

TITLES = {
    "forecasts": "Forecasts",
    "data": "Data",
    "assumptions": "Assumptions and training summary",
    "skill": "Skill against the seasonal naive forecast",
    "backtest": "Backtest",
    "worst": "Worst series",
    "training": "Training",
    "reproduce": "Reproduce this report",
}
QUANTILES = {
    "Minimum": 0.0,
    "Lower quartile": 0.25,
    "Median": 0.5,
    "Upper quartile": 0.75,
    "Maximum": 1.0,
}


class DataFacts(NamedTuple):
    """What a page says about its data: pairs of term and value, and a list about the values."""

    pairs: dict[str, object]
    values: Markup


def section(anchor: str, *content: str) -> Markup:
    """A section of the page under its title."""
    return markup.section(anchor, TITLES[anchor], *content)


def headline(contents: Contents) -> Markup:
    """The first thing a reader sees: a few figures, and the accuracy in words."""
    config, state = contents.model.config, contents.model.state
    last = int((state.time if contents.panel is None else contents.panel.ordinals).max())
    pairs: dict[str, object] = {
        "Series": f"{contents.series_count:,}",
        "Data until": config.schema.text(config.frequency, last),
        "Forecast": f"{contents.horizon:,} step{'' if contents.horizon == 1 else 's'}",
    }
    record = contents.model.record
    comparison = record.comparison if record else None
    verdict = contents.backtest.verdict if contents.backtest else None
    if verdict and (comparison is None or not is_optimistic(contents)):
        pairs[f"{verdict.measure} in the backtest"] = number(verdict.ours, 3)
        pairs[f"{verdict.measure} of the best baseline"] = number(verdict.theirs, 3)
        accuracy = verdict.sentence()
    else:
        if comparison and comparison.mase is not None:
            pairs["MASE on held-out steps"] = number(comparison.mase, 3)
            pairs["MASE of the seasonal naive forecast"] = number(comparison.naive_mase, 3)
        accuracy = "The accuracy of the model has not been measured."
        accuracy = comparison.sentence() if comparison else accuracy
    backtest_notes = contents.backtest.notes if contents.backtest else ()
    return markup.join(
        [
            markup.facts(pairs, "cards"),
            markup.paragraph(accuracy, "verdict"),
            markup.items(map(as_sentence, [*backtest_notes, *contents.notes]), "notes"),
        ]
    )


def is_optimistic(contents: Contents) -> bool:
    """Whether the backtest is partly in-sample, on rows that the model was trained on."""
    record, backtest = contents.model.record, contents.backtest
    if record is None or backtest is None:
        return False
    return bool((backtest.cutoffs < record.last).any())


def as_sentence(note: str) -> str:
    """A note in lower case and without a full stop, as a sentence."""
    text = note.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def data_section(contents: Contents) -> Markup:
    """The columns, the times and the values of the data."""
    model, panel = contents.model, contents.panel
    record, target = model.record, model.config.schema.targets[0]
    pairs: dict[str, object] = {
        "Columns": column_roles(contents),
        "Frequency": model.config.frequency.label,
    }
    if record:
        pairs["Trained on"] = f"{record.series:,} series, {record.rows:,} rows"
    facts = _panel_facts(panel, contents) if panel is not None else _state_facts(contents)
    return section(
        "data",
        markup.facts(pairs | facts.pairs),
        markup.heading(f"Values of '{target}'"),
        facts.values,
    )


def column_roles(contents: Contents) -> str:
    """The role of each column of the table."""
    config, schema = contents.model.config, contents.model.config.schema
    if schema.layout == "wide":
        return f"time '{schema.time}', a column per series"
    pairs = [("id", schema.id), ("time", schema.time)]
    pairs += [("target", name) for name in schema.targets]
    pairs += [("known", covariate.name) for covariate in config.known]
    pairs += [("static", covariate.name) for covariate in config.static]
    return ", ".join(f"{role} '{name}'" for role, name in pairs if name is not None)


def _panel_facts(panel: Panel, contents: Contents) -> DataFacts:
    text, frequency = contents.model.config.schema.text, panel.frequency
    values = panel.target[:, 0]
    known = values[~np.isnan(values)]
    lengths, ordinals = panel.lengths, panel.ordinals
    first, last = (text(frequency, int(end)) for end in (ordinals.min(), ordinals.max()))
    pairs: dict[str, object] = {
        "Table of this report": f"{panel.source}: {len(panel.ids):,} series, {len(values):,} rows",
        "Time range": f"{first} – {last}",
        "Rows per series": f"{number(float(np.median(lengths)))} (median), from "
        f"{lengths.min():,} to {lengths.max():,}",
        "Missing values": f"{len(values) - len(known):,} ({1 - len(known) / len(values):.1%})",
    }
    shares = list(QUANTILES.values())
    quantiles = np.quantile(known, shares) if len(known) else np.full(len(shares), np.nan)
    rows = dict(zip(QUANTILES, map(number, quantiles.tolist()), strict=True))
    zeros = f"{(known == 0).mean():.1%}" if len(known) else markup.MISSING
    return DataFacts(pairs, markup.facts({**rows, "Zeros": zeros}))


def _state_facts(contents: Contents) -> DataFacts:
    state, config = contents.model.state, contents.model.config
    first, last = (
        config.schema.text(config.frequency, int(end))
        for end in (state.time.min(), state.time.max())
    )
    pairs: dict[str, object] = {
        "Data until": last if first == last else f"{first} – {last}, by series",
        "History": "not stored in the model's file; give the table to see it and to backtest on it",
    }
    low, high = np.nanmin(state.extent.low[:, 0]), np.nanmax(state.extent.high[:, 0])
    values = {"Minimum": number(float(low)), "Maximum": number(float(high))}
    return DataFacts(pairs, markup.facts(values))


def assumptions_section(contents: Contents) -> Markup:
    """The notes from reading the data, and the training summary."""
    training_notes = contents.model.record.notes if contents.model.record else ()
    panel_notes = contents.panel.notes if contents.panel is not None else ()
    notes = dict.fromkeys(as_sentence(note) for note in [*training_notes, *panel_notes])
    return section(
        "assumptions",
        markup.items(notes),
        markup.items(as_sentence(line) for line in summary(contents.model)),
    )


def training_section(contents: Contents) -> tuple[Markup, dict[str, Any]]:
    """The losses, the options of the training, and the exposure gap; and the data of the chart."""
    record = contents.model.record
    if record is None:
        reason = "The model has no training record."
        if contents.model.is_zero_shot:
            reason = "Nothing was trained: the pretrained network forecasts as it is."
        return section("training", markup.paragraph(reason)), {}
    rounds = record.rounds
    steps = [progress.step for progress in rounds]
    losses = [progress.loss for progress in rounds]
    validation = [_nan_if_none(progress.validation_loss) for progress in rounds]
    lines = {"loss": ("Training", losses)}
    if any(progress.validation_loss is not None for progress in rounds):
        lines["validation"] = ("Validation", validation)
    caption = "Loss by gradient step"
    kept = f"the weights of step {record.kept_step:,} are kept"
    if record.steps_on_all_rows:
        kept = f"the weights are those of {record.steps_on_all_rows:,} steps on all rows"
    rows = zip(steps, losses, validation, strict=True)
    return section(
        "training",
        markup.chart(
            "loss",
            caption,
            f"Loss after each of {len(rounds)} rounds; {kept}.",
            markup.table(caption, ["Step", "Training", "Validation"], rows),
        ),
        *_exposure(contents.model, record),
        markup.details("Options of the training", markup.facts(_readable(record.plan))),
    ), {"loss": line_chart(steps, "step", lines)}


def _exposure(model: Model, record: TrainingRecord) -> list[Markup]:
    """The errors of rollouts and of one-step forecasts, for networks that are fed back."""
    config = model.config
    if record.exposure is None or not NETWORKS[config.network].FEEDS_BACK:
        return []
    can_help = record.plan.feedback == ("teacher",) and not HEADS[config.head].RANDOM
    return [
        markup.heading("Exposure bias: rollouts and one-step forecasts"),
        markup.paragraph(record.exposure.sentence(can_help)),
    ]


def _nan_if_none(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _readable(plan: Plan) -> dict[str, object]:
    """The fields of a plan, with spaces for underscores and commas between several values."""
    return {
        name.replace("_", " "): ", ".join(map(str, value)) if isinstance(value, tuple) else value
        for name, value in vars(plan).items()
    }


def forecasts_section(contents: Contents) -> Markup:
    """A search for a series, and the place where its chart is drawn."""
    if contents.forecast is None:
        return Markup("")
    find = (
        '<div class="find"><label for="search">Search for a series</label>'
        '<input id="search" type="search" autocomplete="off" spellcheck="false" '
        'aria-describedby="search-help" aria-controls="matches">'
        '<p id="search-help" class="hint">Enter shows the first match; the arrow keys move '
        "through the list.</p>"
        '<p id="count" role="status"></p><ul id="matches" class="matches"></ul></div>'
    )
    chart = (
        '<figure id="series"><h3 id="series-name" dir="auto"></h3><figcaption></figcaption>'
        "<details><summary>Table of this forecast</summary><div></div></details></figure>"
    )
    hint = (
        "Drag across a chart to zoom in, double-click to zoom out. With the keyboard, the arrow "
        "keys step through its values."
    )
    return section(
        "forecasts",
        markup.paragraph(hint, "hint screen"),
        f'<div class="explorer">{find}{chart}</div>',
        "<noscript><p>The charts are drawn by a script in this page; scripts are disabled in "
        "this browser.</p></noscript>",
    )
