"""`forecast tune`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from forecast.errors import OptionError
from forecast.training.options import Flag, Positive, Ratios, Share, Whole
from forecast.tuning.space import SPECS

from .kept_results import write_result
from .output import (
    Say,
    check_inputs,
    check_tables,
    command,
    cutoffs_option,
    horizon_option,
    max_rows_option,
    model_option,
    plot_option,
    print_json,
    refuse_pretrained,
    stride_option,
)
from .progress import progress_and_words
from .train import read_to_train, save_trained, sigterm_as_control_c, tell_trained
from .training_options import training_options_except

if TYPE_CHECKING:
    from forecast.tuning.tuning_result import Trial, Tuning

FLAGS = {"yes": True, "true": True, "no": False, "false": False}


class Written(NamedTuple):
    """How the values of some kinds of options are written."""

    kinds: tuple[type, ...]
    read: Callable[[str], Any]
    what: str


WRITTEN = (
    Written((Whole,), int, "a whole number"),
    Written((Positive, Share, Ratios), float, "a number"),
    Written((Flag,), FLAGS.__getitem__, "yes or no"),
)


class TriedType(click.ParamType[tuple[str, Any]]):
    """An option and what to try of it, as in units=32,64 or learning_rate=1e-3..1e-2."""

    name = "name=values"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, Any]:
        """The name, and a list of choices or a pair of numbers."""
        if isinstance(value, tuple):
            return value
        name, sign, text = value.partition("=")
        name = name.strip().replace("-", "_")
        if not sign or not text.strip():
            self.fail(
                f"{value!r} names nothing to try; write units=32,64 or learning_rate=1e-3..1e-2",
                param,
                ctx,
            )
        try:
            low, is_range, high = text.partition("..")
            if is_range:
                return name, (_read(name, low), _read(name, high))
            return name, [_read(name, part) for part in text.split(",")]
        except ValueError as problem:
            self.fail(f"{value!r}: {problem}", param, ctx)


def _read(name: str, text: str) -> Any:
    """One value of an option, as its kind is written; that of an unknown option stays text.

    Raises:
        ValueError: it is of another kind.
    """
    text = text.strip()
    check = SPECS[name].check if name in SPECS else None
    for kinds, read, what in WRITTEN:
        if isinstance(check, kinds):
            try:
                return read(text.lower())
            except (ValueError, KeyError):
                raise ValueError(f"{text!r} is not {what}") from None
    return text


@click.command(short_help="Try options of a training, and train with the best ones.")
@click.argument("table", type=click.Path(allow_dash=True), nargs=-1, required=True)
@model_option("Where to write the model of the best options, trained on all rows.")
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    default=30,
    show_default=True,
    help="Number of trials at most, those of an earlier run in the same --storage included.",
)
@click.option(
    "--budget",
    default="20m",
    show_default=True,
    help='Time limit of all trainings together, such as "20m" or "2h". The training of a trial '
    "may take an equal part of it; what is left goes into the training on all rows.",
)
@click.option(
    "--try",
    "tried",
    multiple=True,
    type=TriedType(),
    help="What to try of an option, instead of a choice that suits the table: a list, such as "
    "units=32,64,128, or a range, such as learning_rate=1e-3..1e-2. May be repeated.",
)
@horizon_option("Steps of each forecast; by default the holdout.")
@cutoffs_option(3)
@stride_option()
@click.option(
    "--no-pruning",
    is_flag=True,
    help="Bring every trial to its end, also where its error half-way is above the median of "
    "the others'.",
)
@click.option(
    "--storage",
    type=click.Path(),
    help="Keep the trials in this file, and go on with those that it has.",
)
@max_rows_option
@click.option("--out", "-o", type=click.Path(), help="Write the trials here, as a table.")
@click.option("--json", "as_json", is_flag=True, help="Print the trials as JSON.")
@plot_option("the errors of the trials")
@training_options_except("budget")
@command
def tune(
    table: tuple[str, ...],
    model: str,
    trials: int,
    budget: str,
    tried: tuple[tuple[str, Any], ...],
    horizon: int | None,
    cutoffs: int,
    stride: int | None,
    no_pruning: bool,
    storage: str | None,
    max_rows: int | None,
    out: str | None,
    as_json: bool,
    plot: str | None,
    say: Say,
    **options: Any,
) -> None:
    """Try options of a training on TABLE, and train a model with the best ones.

    Each trial trains on the rows before some of the last cutoffs, and its error is that of the
    forecasts from these cutoffs. The first trial has the default options. The last rows choose
    nothing: they show what the choice is worth. Other options given here are those of all trials.
    Ctrl-C ends the trials; the best one so far is then trained on all rows. Needs the extra
    forecast-rollout[tune].

    \b
    Examples:
      forecast tune sales.csv
      forecast tune sales.csv --trials 30 --budget 20m --out trials.csv --plot tuning.png
      forecast tune sales.csv --try units=32,64,128 --try learning_rate=1e-3..1e-2
      forecast tune sales.csv --horizon 14 --head student_t --storage sales.journal
    """
    from forecast.data.io.multi_file import files_of
    from forecast.forecaster import Forecaster
    from forecast.plotting import picture_kind
    from forecast.tuning.best_options import TuningRequest

    if out == "-":
        raise OptionError("--out cannot be standard output; print the trials with --json")
    if plot is not None:
        picture_kind(plot)
    outputs = {"--model": model, "--storage": storage, "--out": out, "--plot": plot}
    check_inputs({"the table itself": files_of(*table)}, outputs)
    check_tables(out)
    refuse_pretrained(model)
    forecaster = Forecaster(**options, budget=budget)
    forecaster.check()
    space = _space(tried)
    request = TuningRequest(
        trials, space, horizon, cutoffs, stride, budget, storage, not no_pruning
    )
    request.check(forecaster)
    panel, drawn_from = read_to_train(table, model, options, say, max_rows)
    say(
        f"Tuning: up to {trials} trials of at most {request.share:.0f} s, {budget} in all; Ctrl-C "
        "ends the trials and trains with the best options so far."
    )
    with progress_and_words(say) as (progress, say_aloud), sigterm_as_control_c():
        forecaster.tune(
            panel,
            **vars(request),
            progress=progress,
            on_trial=lambda trial, tuning: say_aloud(_trial(trial, tuning, trials)),
            on_search=partial(_write_trials, out, plot, say_aloud),
        )
        save_trained(forecaster, model, say)
    tell_trained(forecaster, model, drawn_from, say)
    if as_json:
        print_json(forecaster.tuning_.to_json())


def _space(tried: tuple[tuple[str, Any], ...]) -> dict[str, Any] | None:
    """What to try by option; None where nothing is said."""
    names = [name for name, _ in tried]
    for name in names:
        if names.count(name) > 1:
            raise OptionError(f"--try {name} is given twice; write all its values in one")
    return dict(tried) or None


def _trial(trial: Trial, tuning: Tuning, trials: int) -> str:
    """The outcome of a trial, in one line."""
    from forecast.tuning.tuning_result import in_words

    outcome = trial.state if trial.error is None else f"{tuning.measure} {trial.error:.3g}"
    if trial.problem:
        outcome = f"failed: {trial.problem}"
    best = "" if trial is tuning.best else f", best {tuning.best.error:.3g}"
    label = "default options, " if trial.is_default else ""
    return (
        f"  Trial {trial.number} of {trials}: {outcome}{best} in {trial.seconds:.0f} s ({label}"
        f"{in_words(trial.options)})"
    )


def _write_trials(
    out: str | None, plot: str | None, say_aloud: Callable[[str], None], tuning: Tuning
) -> None:
    """Say what was chosen, and write the trials, before the training on all rows."""
    from forecast.plotting import write_figure

    for line in tuning.sentences():
        say_aloud(line)
    if out is not None:
        write_result(tuning.table, out, "the table of trials", say_aloud)
    if plot is not None:
        write_figure(tuning.plot(), plot)
        say_aloud(f"Drew {plot}.")
    say_aloud("Training with the best options on all rows.")
