"""The sections on the data, what was assumed, the forecasts and the training."""

from __future__ import annotations

from typing import Any

import numpy as np

import forecast.report.markup as markup
from forecast.data.panel import Panel
from forecast.errors import ArtifactError
from forecast.evaluation.comparison import Comparison, Exposure
from forecast.nn import HEADS, NETWORKS
from forecast.report.curves import chart_of
from forecast.report.gathering import Contents
from forecast.report.markup import Markup, number
from forecast.report.text_summary import summary

TITLES = {
    "forecasts": "Forecasts",
    "data": "Data",
    "assumed": "What was assumed",
    "skill": "Skill against the seasonal naive forecast",
    "backtest": "Backtest",
    "worst": "Worst series",
    "training": "Training record",
    "reproduce": "How to reproduce it",
}


def section(part: str, *content: str) -> Markup:
    """A part of the page under its title."""
    return markup.section(part, TITLES[part], *content)


def headline(contents: Contents) -> Markup:
    """What a reader in a hurry should see: a few figures, and the verdict in words."""
    config, state = contents.model.config, contents.model.state
    last = int((state.time if contents.panel is None else contents.panel.ordinals).max())
    pairs: dict[str, object] = {
        "Series": f"{contents.series:,}",
        "Known until": config.schema.text(config.frequency, last),
        "Forecast": f"{contents.horizon:,} step{'' if contents.horizon == 1 else 's'}",
    }
    compared = comparison(contents.model.record)
    verdict = contents.backtest.verdict if contents.backtest else None
    if verdict and (compared is None or not is_flattered(contents)):
        pairs[f"{verdict.measure} in the backtest"] = number(verdict.ours, 3)
        pairs[f"{verdict.measure} of the best naive forecast"] = number(verdict.theirs, 3)
        said = verdict.sentence()
    else:
        if compared and compared.mase is not None:
            pairs["MASE on held-out steps"] = number(compared.mase, 3)
            pairs["MASE of the seasonal naive forecast"] = number(compared.naive_mase, 3)
        said = compared.sentence() if compared else "Nothing is known of how good the model is."
    flattery = contents.backtest.notes if contents.backtest else ()
    return markup.join(
        [
            markup.facts(pairs, "cards"),
            markup.paragraph(said, "verdict"),
            markup.items([*map(sentence, flattery), *map(sentence, contents.notes)], "notes"),
        ]
    )


def is_flattered(contents: Contents) -> bool:
    """Whether the training has seen some of what the backtest forecasts."""
    last, tried = contents.model.record.get("last"), contents.backtest
    return last is not None and tried is not None and bool((tried.cutoffs < last).any())


def sentence(note: str) -> str:
    """A note that begins in small letters and has no full stop, as a sentence."""
    text = note.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def comparison(record: dict[str, Any]) -> Comparison | None:
    """The comparison of the training record, if there was one."""
    held = record.get("comparison")
    return Comparison(**held) if held else None


def data(contents: Contents) -> Markup:
    """What the data are: columns, times and values."""
    model, panel = contents.model, contents.panel
    schema, record = model.config.schema, model.record
    pairs: dict[str, object] = {"Columns": columns(contents), "Steps": model.config.frequency.label}
    if "series" in record:
        pairs["Trained on"] = f"{record['series']:,} series, {record['rows']:,} rows"
    said = _of_panel(panel, contents) if panel is not None else _of_state(contents)
    more = [markup.heading(f"Values of '{schema.targets[0]}'")]
    return section("data", markup.facts(pairs | said[0]), *more, said[1])


def columns(contents: Contents) -> str:
    """Which column of the table was what."""
    config, schema = contents.model.config, contents.model.config.schema
    if schema.layout == "wide":
        return f"time '{schema.time}', a column per series"
    pairs = [("id", schema.id), ("time", schema.time)]
    pairs += [("target", name) for name in schema.targets]
    pairs += [("known", one.name) for one in config.known]
    pairs += [("static", one.name) for one in config.static]
    return ", ".join(f"{role} '{name}'" for role, name in pairs if name is not None)


def _of_panel(panel: Panel, contents: Contents) -> tuple[dict[str, object], Markup]:
    text, frequency = contents.model.config.schema.text, panel.frequency
    values = panel.target[:, 0]
    known = values[~np.isnan(values)]
    lengths, ordinals = panel.lengths, panel.ordinals
    span = [text(frequency, int(end)) for end in (ordinals.min(), ordinals.max())]
    pairs: dict[str, object] = {
        "This report reads": f"{panel.source}: {len(panel.ids):,} series, {len(values):,} rows",
        "From and until": f"{span[0]} – {span[1]}",
        "Rows of a series": f"{number(float(np.median(lengths)))} (median), from "
        f"{lengths.min():,} to {lengths.max():,}",
        "Missing values": f"{len(values) - len(known):,} ({1 - len(known) / len(values):.1%})",
    }
    quantiles = np.quantile(known, (0, 0.25, 0.5, 0.75, 1)) if len(known) else np.full(5, np.nan)
    names = ("Smallest", "Lower quarter", "Median", "Upper quarter", "Largest")
    rows = dict(zip(names, map(number, quantiles.tolist()), strict=True))
    zeros = f"{(known == 0).mean():.1%}" if len(known) else markup.NONE
    return pairs, markup.facts({**rows, "Zeros": zeros})


def _of_state(contents: Contents) -> tuple[dict[str, object], Markup]:
    state, config = contents.model.state, contents.model.config
    ends = [
        config.schema.text(config.frequency, int(t)) for t in (state.time.min(), state.time.max())
    ]
    pairs: dict[str, object] = {
        "Known until": ends[1] if ends[0] == ends[1] else f"{ends[0]} – {ends[1]}, by series",
        "History": "not in the model's file; give the table to see it, and a backtest over it",
    }
    low, high = state.extent.low[:, 0], state.extent.high[:, 0]
    return pairs, markup.facts(
        {"Smallest": number(float(np.nanmin(low))), "Largest": number(float(np.nanmax(high)))}
    )


def assumptions(contents: Contents) -> Markup:
    """What was told when the data were read and the model was trained."""
    record = contents.model.record
    read = list(contents.panel.notes) if contents.panel is not None else []
    noted = dict.fromkeys(sentence(note) for note in [*record.get("notes", []), *read])
    return section(
        "assumed",
        markup.items(noted),
        markup.items(sentence(line) for line in told(contents)),
    )


def told(contents: Contents) -> list[str]:
    """The summary of the training, as `forecast train` has told it.

    Raises:
        ArtifactError: if the record is damaged.
    """
    if "plan" not in contents.model.record:
        return []
    try:
        return summary(contents.model)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        raise ArtifactError(
            f"{contents.name}: its training record is damaged; train again"
        ) from None


def training(contents: Contents) -> tuple[Markup, dict[str, Any]]:
    """How the loss fell, the plan, and what feeding back costs; and the data of its chart."""
    record = contents.model.record
    if "plan" not in record:
        return section("training", markup.paragraph("The model has no training record.")), {}
    rounds, plan = record["rounds"], record["plan"]
    rows = [(one["step"], one["loss"], one["validation_loss"]) for one in rounds]
    steps = [row[0] for row in rows]
    lines = {"loss": ("Training", [_float(row[1]) for row in rows])}
    if any(row[2] is not None for row in rows):
        lines["validation"] = ("Validation", [_float(row[2]) for row in rows])
    cells = [(step, _float(loss), _float(validation)) for step, loss, validation in rows]
    said = f"Loss after each of {len(rows)} rounds; the weights kept are those after batch "
    caption = "Loss by batch"
    return section(
        "training",
        markup.chart(
            "loss",
            caption,
            f"{said}{record['kept']:,}.",
            markup.table(caption, ["Batch", "Training", "Validation"], cells),
        ),
        *_exposed(contents),
        markup.details("The plan of the training", markup.facts(_words(plan))),
    ), {"loss": chart_of(steps, "batch", lines)}


def _exposed(contents: Contents) -> list[Markup]:
    gap, config = contents.model.record.get("exposure"), contents.model.config
    if not gap or not NETWORKS[config.network].FEEDS_BACK:
        return []
    advises = contents.model.record["plan"]["feedback"] == "teacher"
    advises = advises and not HEADS[config.head].RANDOM
    return [
        markup.heading("Rollouts beside single steps"),
        markup.paragraph(Exposure(**gap).sentence(advises)),
    ]


def _float(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _words(plan: dict[str, Any]) -> dict[str, object]:
    """The fields of a plan with spaces for underscores."""
    return {name.replace("_", " "): value for name, value in plan.items()}


def forecasts(contents: Contents) -> Markup:
    """A search for a series, and the place where its chart is drawn."""
    if contents.forecast is None:
        return Markup("")
    find = (
        '<div class="find"><label for="search">Search for a series</label>'
        '<input id="search" type="search" autocomplete="off" spellcheck="false" '
        'aria-describedby="search-help" aria-controls="found">'
        '<p id="search-help" class="hint">Enter shows the first match; the arrow keys walk '
        "through the list.</p>"
        '<p id="count" role="status"></p><ul id="found" class="found"></ul></div>'
    )
    chart = (
        '<figure id="series"><h3 id="shown" dir="auto"></h3><figcaption></figcaption>'
        "<details><summary>Table of this forecast</summary><div></div></details></figure>"
    )
    hint = (
        "Drag over a part of a chart to enlarge it, double-click to see all of it again. With the "
        "keyboard, the arrow keys read it value by value."
    )
    return section(
        "forecasts",
        markup.paragraph(hint, "hint screen"),
        f'<div class="explorer">{find}{chart}</div>',
        "<noscript><p>The charts are drawn by a script in this page, which is switched off in "
        "this browser.</p></noscript>",
    )
