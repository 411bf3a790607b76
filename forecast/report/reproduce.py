"""The section with the versions, the fingerprint of the model, and the commands."""

from __future__ import annotations

import math
import platform
import shlex
from collections.abc import Iterator

import numpy as np
import pandas as pd

import forecast.report.markup as markup
from forecast._version import __version__
from forecast.inference.bounds import Bounds
from forecast.inference.config import Config
from forecast.model import Model
from forecast.nn import HEADS
from forecast.report.contents import Contents, cutoff_spacing
from forecast.report.markup import Markup
from forecast.report.sections import section

TABLE = "TABLE"  # placeholder for the user's file
TRANSFORMS = {0.0: "log", 0.5: "sqrt", 1.0: "none"}
DEFAULT_BUDGET = 5  # minutes


def reproduction_section(contents: Contents) -> Markup:
    """The versions, the fingerprint of the model, and the commands."""
    model = contents.model
    pairs: dict[str, object] = {
        "Report made by": f"forecast {__version__}",
        "Model trained by": _trained_by(model),
        "Model": f"{contents.name}, fingerprint {model.state.fingerprint}",
        "Python": platform.python_version(),
        "NumPy, pandas": f"{np.__version__}, {pd.__version__}",
        "Charts": "uPlot 1.6.32, MIT licence; the licence is in the source of this page",
    }
    commands = [training_command(model, contents.name)] if model.record else []
    commands.append(report_command(contents))
    seed = (
        "The seed is not stored in a model; it is 0 unless --seed was given. The same seed, table "
        "and machine give the same model."
    )
    return section(
        "reproduce",
        markup.facts(pairs),
        *(
            Markup(f'<pre tabindex="0"><code>{markup.escape(command)}</code></pre>')
            for command in commands
        ),
        markup.paragraph(seed) if len(commands) > 1 else "",
        *_backtest_note(contents),
    )


def _trained_by(model: Model) -> str:
    """Which version trained the model."""
    if model.is_zero_shot:
        return "nobody: it is the pretrained network"
    return f"forecast {model.record.library if model.record else 'unknown'}"


def _backtest_note(contents: Contents) -> Iterator[Markup]:
    if contents.backtest is None:
        return
    cutoffs, stride = cutoff_spacing(contents.backtest)
    apart = "" if cutoffs == 1 else f", {stride:,} rows apart"
    yield markup.paragraph(
        f"The backtest does not refit the model: at each of {cutoffs:,} cutoffs{apart}, the model "
        "encodes the rows up to the cutoff and forecasts from there; baselines use the same rows."
    )


def report_command(contents: Contents) -> str:
    """The command that makes this page."""
    words = ["forecast", "report", contents.name]
    if contents.panel is not None:
        words.append(TABLE)
    words += ["--out", "report.html", "--horizon", str(contents.horizon)]
    if contents.backtest is not None:
        cutoffs, stride = cutoff_spacing(contents.backtest)
        words += ["--cutoffs", str(cutoffs)]
        words += ["--stride", str(stride)] if cutoffs > 1 else []
    if contents.model.config.known and contents.forecast is not None:
        words += ["--future", "FUTURE"]
    return shlex.join(words)


def training_command(model: Model, name: str) -> str:
    """The command that trains the same model, with everything that was inferred from the data."""
    options = [
        *_column_options(model.config),
        *_network_options(model),
        *_training_options(model),
    ]
    words = [word for option, value in options for word in (f"--{option}", str(value))]
    is_own = model.config.residual and not model.trained.plan.starts_pretrained
    residual = ["--residual"] if is_own else []
    return shlex.join(["forecast", "train", TABLE, "--model", name, *words, *residual])


def _column_options(config: Config) -> Iterator[tuple[str, object]]:
    schema = config.schema
    names = [("time", schema.time)]
    if schema.layout != "wide":
        target, *also = schema.targets
        names += [("target", target), *(("also", name) for name in also)]
        names += [("known", covariate.name) for covariate in config.known]
        names += [("static", covariate.name) for covariate in config.static]
        if schema.id is not None:
            names.insert(0, ("id", schema.id))
    yield from ((option, name) for option, name in names if name not in schema.unnamed)
    yield "frequency", config.frequency.name
    if config.season != config.frequency.season_length:
        yield "season", config.season
    if config.holidays is not None:
        yield "holidays", config.holidays


def _network_options(model: Model) -> Iterator[tuple[str, object]]:
    config, plan = model.config, model.trained.plan
    if plan.starts_pretrained:
        yield "start", "pretrained"
    else:
        for option in ("network", "cell", "head", "layers", "units", "context"):
            yield option, getattr(config, option)
    if config.network == "attention":
        yield "attention-score", config.score
    if plan.dropout:
        yield "dropout", plan.dropout
    if not HEADS[config.head].COUNTS:
        if not plan.starts_pretrained:
            yield "transform", TRANSFORMS[config.powers[0]]
        yield "bounds", _bounds_text(config.bounds[0])


def _bounds_text(bounds: Bounds) -> str:
    if bounds == (None, None):
        return "none"
    low, high = ("" if end is None else repr(end) for end in bounds)
    return f"{low},{high}"


def _training_options(model: Model) -> Iterator[tuple[str, object]]:
    plan, last = model.trained.plan, model.trained.rounds[-1]
    yield "train-horizon", plan.train_horizon
    yield "holdout", plan.holdout
    if not plan.starts_pretrained:
        yield "windows", plan.windows
    yield "feedback", ",".join(plan.feedback)
    if "scheduled" in plan.feedback:
        yield "schedule", plan.schedule
        first = 1 if plan.schedule == "constant" else 0
        yield "teacher-forcing-ratio", ",".join(map(repr, plan.teacher_forcing_ratio[first:]))
        yield "mixing", plan.mixing
        yield "mix-by", plan.mix_by
    yield "batch-size", plan.batch_size
    yield "steps", last.steps
    yield "learning-rate", plan.learning_rate
    if plan.members > 1:
        yield "members", plan.members
    minutes = math.ceil(2 * last.seconds / 60)
    if minutes > DEFAULT_BUDGET:
        yield "budget", f"{minutes}m"
