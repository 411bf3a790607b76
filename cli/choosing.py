"""The choices of a training run as options, which more than one command takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from forecast.nn import HEADS, NETWORKS
from forecast.nn.layers import CELLS, SCORES
from forecast.training.feedback import MIX_BY, MIXING, REGIMES
from forecast.training.feedback.sampling_schedule import SCHEDULES

from .output import Limits


class Shares(click.ParamType[tuple[float, ...]]):
    """A share at the end, or one at the start and one at the end, as in 1,0.5."""

    name = "shares"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[float, ...]:
        """One or two numbers from 0 to 1."""
        if isinstance(value, tuple):
            return value
        try:
            shares = tuple(float(part) for part in value.split(","))
        except ValueError:
            shares = ()
        if not 1 <= len(shares) <= 2 or not all(0 <= share <= 1 for share in shares):
            self.fail(f"{value!r} is no share from 0 to 1, and no pair such as 1,0.5", param, ctx)
        return shares


COLUMNS = ("id", "time", "target", "also", "known", "static", "frequency")  # of a table
OPTIONS = (
    click.option("--id", help="Column that names the series."),
    click.option("--time", help="Column of the times."),
    click.option("--target", help="Column to forecast."),
    click.option(
        "--also",
        multiple=True,
        help="Column to forecast beside the target, as it is known of the past only; may be "
        "repeated.",
    ),
    click.option(
        "--known",
        multiple=True,
        help="Column that is known for the future too, such as a price; may be repeated.",
    ),
    click.option(
        "--static",
        multiple=True,
        help="Column that has one value per series, such as a region; may be repeated.",
    ),
    click.option(
        "--holidays",
        help='Country, or part of one, whose public holidays are an input, such as "DE" or '
        '"US-CA"; '
        "for steps of a day or less. Needs the extra forecast-rollout[holidays].",
    ),
    click.option("--frequency", help='Spacing of the steps, such as "h", "D", "MS", "15min".'),
    click.option("--season", type=click.IntRange(min=1), help="Steps in a season."),
    click.option(
        "--network",
        type=click.Choice([*NETWORKS]),
        default="lstm",
        show_default=True,
        help="How it is put together, see docs/training.md.",
    ),
    click.option(
        "--cell",
        type=click.Choice([*CELLS]),
        default="lstm",
        show_default=True,
        help="Of the recurrent layers.",
    ),
    click.option(
        "--attention-score",
        type=click.Choice(SCORES),
        show_default=SCORES[0],
        help="Of attention: scaled dot product, or additive.",
    ),
    click.option(
        "--head",
        type=click.Choice([*HEADS]),
        default="point",
        show_default=True,
        help="What to forecast: a single value, or a distribution, with sample paths.",
    ),
    click.option("--layers", type=click.IntRange(min=1), help="Recurrent layers."),
    click.option("--units", type=click.IntRange(min=1), help="Units of each layer."),
    click.option(
        "--residual",
        is_flag=True,
        help="Let layers above the first add their input to their output.",
    ),
    click.option(
        "--dropout",
        type=click.FloatRange(0, 1, max_open=True),
        help="Share of what a layer hands to the next blanked out in training.",
    ),
    click.option(
        "--context",
        type=click.IntRange(min=2),
        help="Steps that set a series' scale and lead each training window.",
    ),
    click.option(
        "--train-horizon",
        type=click.IntRange(min=1),
        help="Steps of a training window after its context, in which the network may be fed its "
        "own "
        "values; by default as many as are held out, at least 8. It limits no forecast.",
    ),
    click.option(
        "--holdout",
        type=click.IntRange(min=0),
        help="Steps kept for the final comparison, and as many for early stopping.",
    ),
    click.option(
        "--transform",
        type=click.Choice(["auto", "none", "sqrt", "log"]),
        default="auto",
        show_default=True,
        help="Applied to the values before they are scaled.",
    ),
    click.option(
        "--bounds",
        type=Limits("auto", "none", "non_negative"),
        default="auto",
        show_default=True,
        help='Limits of forecasts: non_negative, "0,100", none; auto: non-negative as the data '
        "are.",
    ),
    click.option(
        "--windows",
        type=click.Choice(["random", "contiguous"]),
        default="random",
        show_default=True,
        help="Where training windows lie: anywhere, each from an empty memory; or one after "
        "another "
        "along a series, with the memory carried on.",
    ),
    click.option(
        "--feedback",
        show_default="teacher,free for lstm and point",
        help=f"What the network is fed in training: {', '.join(REGIMES)}; or one after another, "
        "as in "
        "teacher,free.",
    ),
    click.option(
        "--schedule",
        type=click.Choice([*SCHEDULES]),
        show_default="linear",
        help="How the share of true values changes under scheduled feedback.",
    ),
    click.option(
        "--teacher-forcing-ratio",
        type=Shares(),
        show_default="1,0",
        help="That share at the start and at the end of its turn; a single one is that at the end.",
    ),
    click.option(
        "--mixing",
        type=click.Choice(MIXING),
        show_default=MIXING[0],
        help="Scheduled feedback exactly, step by step, or in two fused passes.",
    ),
    click.option(
        "--mix-by",
        type=click.Choice(MIX_BY),
        show_default=MIX_BY[0],
        help="Under scheduled feedback, for what it is drawn whether values are true.",
    ),
    click.option("--batch-size", type=click.IntRange(min=1), help="Windows in a gradient step."),
    click.option("--steps", type=click.IntRange(min=1), help="Gradient steps."),
    click.option(
        "--learning-rate",
        type=click.FloatRange(min=0, min_open=True),
        help="At the start; it falls to 0 along a cosine.",
    ),
    click.option(
        "--budget",
        default="5m",
        show_default=True,
        help='Longest time that training may take, such as "90s", "5m", "1h"; one step is always '
        "made.",
    ),
    click.option(
        "--seed",
        type=click.IntRange(min=0, max=2**32 - 1),
        default=0,
        show_default=True,
        help="Same seed, same data: same model.",
    ),
)


def training_choices(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the choices of `Forecaster` as options."""
    for option in reversed(OPTIONS):
        function = option(function)
    return function
