"""The options of a training, declared once: name, default, valid values and description.

`Forecaster` and the sktime adapter inherit the fields; the command line makes its options, their
types and their help of them. The description of an option is its entry in the docstring.
"""

from __future__ import annotations

import inspect
import math
import re
import textwrap
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, fields
from numbers import Real
from typing import Any, NamedTuple

from forecast.data.number_style import DECIMALS
from forecast.errors import OptionError, require_whole
from forecast.nn import HEADS, NETWORKS
from forecast.nn.heads import point
from forecast.nn.layers import CELLS, SCORES
from forecast.training.feedback import MIX_BY, MIXING, REGIMES, feeds_back, regimes_of
from forecast.training.feedback.sampling_schedule import SCHEDULES

TRANSFORMS = ("auto", "none", "sqrt", "log")
WINDOWS = ("random", "contiguous")
MAX_SEED = 2**32 - 1
MAX_MEMBERS = 3  # the trained network, the pretrained one, the theta method
STARTS = ("auto", "scratch", "pretrained")
SETTLED_BY_PRETRAINED = {  # options that a training from the pretrained network does not leave open
    "network": ("seasonal",),
    "head": ("quantiles", "normal", "student_t"),
    **dict.fromkeys(
        ("cell", "attention_score", "layers", "units", "residual", "context", "transform"), ()
    ),
    "windows": (),
}
FOR_ANY_START = (  # options that the pretrained network heeds
    "start",
    "frequency",
    "season",
    "bounds",
    "members",
    "steps",
    "budget",
    "seed",
    *("id", "time", "target", "decimal", "date_format"),
)
ONLY_SCHEDULED = ("schedule", "teacher_forcing_ratio", "mixing", "mix_by")

Check = Callable[[str, Any], None]  # takes the name and a value; raises OptionError


@dataclass(frozen=True)
class Choice:
    """One of some words, or a key of a table to which entries may be added."""

    words: Collection[str]

    def __call__(self, name: str, value: Any) -> None:
        """Raise OptionError unless a value is one of the words."""
        if value not in self.words:
            raise OptionError(f"{name} is {value!r}; it must be one of {', '.join(self.words)}")


@dataclass(frozen=True)
class Whole:
    """A whole number."""

    least: int
    most: int | None = None

    def __call__(self, name: str, value: Any) -> None:
        """Raise OptionError unless a value is a whole number within the limits."""
        require_whole(name, value, self.least)
        if self.most is not None and value > self.most:
            raise OptionError(f"{name} is {value}; it must be at most {self.most}")


@dataclass(frozen=True)
class Share:
    """A number from 0 to below 1."""

    def __call__(self, name: str, value: Any) -> None:
        """Raise OptionError unless a value is such a number."""
        if not (_is_number(value) and 0 <= value < 1):
            raise OptionError(f"{name} is {value!r}; it must lie from 0 to below 1")


@dataclass(frozen=True)
class Positive:
    """A number above 0."""

    def __call__(self, name: str, value: Any) -> None:
        """Raise OptionError unless a value is positive and finite."""
        if not (_is_number(value) and 0 < value < math.inf):
            raise OptionError(f"{name} is {value!r}; it must be a positive number")


@dataclass(frozen=True)
class Text:
    """Any text."""

    def __call__(self, name: str, value: Any) -> None:
        """Raise OptionError unless a value is text."""
        if not isinstance(value, str):
            raise OptionError(f"{name} is {value!r}; it must be text, or None")


@dataclass(frozen=True)
class Flag:
    """True or False."""

    def __call__(self, name: str, value: Any) -> None:
        """Raise OptionError unless a value is one of the two."""
        if not isinstance(_plain(value), bool):
            raise OptionError(f"{name} is {value!r}; it must be True or False")


@dataclass(frozen=True)
class ColumnNames:
    """One or several names of columns."""

    def __call__(self, name: str, value: Any) -> None:
        """Raise OptionError unless a value is names of columns."""
        column_names(value, name)


@dataclass(frozen=True)
class Limits:
    """Bounds of forecasts: a word, or a pair of numbers."""

    words: tuple[str, ...]

    def __call__(self, name: str, value: Any) -> None:  # noqa: ARG002 - to_bounds names it
        """Raise OptionError unless a value is one of the words or a pair of numbers."""
        from forecast.inference.bounds import to_bounds  # which takes pandas

        if not is_auto(value):
            to_bounds(value)


@dataclass(frozen=True)
class Ratios:
    """A share from 0 to 1 at the end, or one at the start and one at the end."""

    def __call__(self, name: str, value: Any) -> None:
        """Raise OptionError unless a value is one share or two."""
        ends = _ends(value)
        are_shares = all(_is_number(end) and 0 <= end <= 1 for end in ends)
        if len(ends) not in (1, 2) or not are_shares:
            raise OptionError(
                f"{name} is {value!r}; give a share from 0 to 1, or that at the start and at the "
                "end"
            )


@dataclass(frozen=True)
class Regimes:
    """A feedback regime, or several, one after another."""

    def __call__(self, name: str, value: Any) -> None:
        """Raise OptionError unless the regimes exist."""
        names = regimes_of(value)
        if not names or not {*names} <= REGIMES.keys():
            raise OptionError(
                f"{name} is {value!r}; it must be one of {', '.join(REGIMES)}, or one after "
                "another as in 'teacher,free'"
            )


@dataclass(frozen=True)
class Duration:
    """A length of time."""

    def __call__(self, name: str, value: Any) -> None:  # noqa: ARG002 - seconds names it
        """Raise OptionError unless a value is a positive length of time."""
        seconds(value)


class OptionSpec(NamedTuple):
    """What is known of an option besides its name, default and description.

    Attributes:
        check: what values it may have.
        default_text: the default in words, where it depends on others; "" where it does not.
    """

    check: Any
    default_text: str = ""


def option(default: Any, check: Check, default_text: str = "") -> Any:
    """A field with valid values; None, where it is the default, is always valid."""
    return field(default=default, metadata={"spec": OptionSpec(check, default_text)})


@dataclass(kw_only=True, repr=False, eq=False)
class ColumnOptions:
    """The roles of the columns of a table, and how it is written.

    Args:
        id: column that identifies the series; inferred if unambiguous. "none" says that there is
            none: all rows are one series.
        time: column of timestamps; inferred if unambiguous.
        target: column to forecast; inferred if unambiguous.
        also: additional target columns, whose past may help. All targets are forecast and fed back
            together. Transform and bounds apply to the main target only; for the others they are
            inferred.
        known: future covariates: columns that are known in advance too, such as a price (numbers,
            yes and no, or categories). A forecast needs their future values.
        static: static covariates: columns with one value per series, such as its region.
        decimal: decimal sign of numbers in text, "." or ","; inferred from all of them. The other
            sign may group thousands.
        date_format: how times are written: day-first, month-first or year-first, a format such as
            %d.%m.%y, epoch[s] (also ms, us and ns) or excel; inferred from all of them.
    """

    id: str | None = option(None, Text())
    time: str | None = option(None, Text())
    target: str | None = option(None, Text())
    also: str | Sequence[str] = option((), ColumnNames())
    known: str | Sequence[str] = option((), ColumnNames())
    static: str | Sequence[str] = option((), ColumnNames())
    decimal: str | None = option(None, Choice(DECIMALS))
    date_format: str | None = option(None, Text())


@dataclass(kw_only=True, repr=False, eq=False)
class TrainingOptions:
    """The options of a training; every option that is None is chosen from the data.

    Args:
        start: "scratch" trains a network from random weights; "pretrained" starts from the one that
            comes with the package, and with 0 steps forecasts with it as it is; "auto" is
            "pretrained" with 0 steps, and for series of up to 400 rows, unless another option asks
            for a network or a training of its own, or there are covariates or further targets.
        holidays: country, or part of one, whose public holidays are an input, such as "DE" or
            "US-CA"; for steps of a day or less. Needs the extra forecast-rollout[holidays].
        frequency: spacing of the steps as a pandas alias, such as "h", "D", "MS" or "15min".
        season: steps in a season; by default that of the frequency (24 for hourly data).
        network: "lstm" observes and forecasts with the same layers; "seq2seq" has an encoder and
            a decoder; in "attention" the decoder attends to the encoder's outputs; "repeat" gives
            the decoder one vector for the whole horizon; "seasonal" starts each step from the last
            values and those a season ago, and learns what to add.
        cell: cell type of the recurrent layers.
        attention_score: score function of the attention: scaled dot product, or additive.
        head: "point" forecasts the median alone; "normal", "student_t", "quantiles" (of any
            shape) and, for counts, "negative_binomial" a distribution, with sample paths.
        layers: number of recurrent layers.
        units: units of each recurrent layer.
        residual: let each layer above the first add its input to its output.
        dropout: dropout rate between recurrent layers.
        context: context length: the last steps of a series, which set its scale; also the first
            steps of each training window.
        train_horizon: horizon of the training windows, over which the network may be fed its own
            predictions; by default the holdout, but at least 8 if there are enough rows. It does
            not limit forecasts.
        holdout: steps at the end of each series that are kept for the final comparison with the
            seasonal naive forecast, and as many before them for early stopping; 0 trains on
            everything.
        transform: transformation of the values before scaling; auto chooses by Guerrero's method.
        bounds: limits of all forecasts: none, non_negative, a pair of numbers with either end left
            open, or auto: non-negative where the data suggest it.
        windows: "random" training windows start at random places, each from an empty state;
            "contiguous" ones follow each other along a series, and the state is carried from one
            gradient step to the next, as a stateful LSTM does.
        feedback: what the network is fed after the context of a window: "teacher" (true values),
            "scheduled" (more and more of its own predictions), "free" (its own predictions), or
            one after another as in "teacher,free".
        schedule: how the teacher-forcing ratio changes in scheduled sampling.
        teacher_forcing_ratio: probability of feeding the true value in scheduled sampling, at the
            start and at the end of its phase; a single number sets the end.
        mixing: scheduled sampling step by step, or in two fused passes.
        mix_by: choose between true value and prediction at each step, or once per window.
        batch_size: windows per gradient step.
        steps: number of gradient steps; with 0 the pretrained network forecasts as it is.
        learning_rate: initial learning rate, with cosine decay to 0.
        budget: time limit of the training, such as "90s", "5m" or "1h", checked between gradient
            steps; at least one is made. Steps that would exceed it by more than 5% are left out.
        members: members of the model at most, whose forecasts are averaged. Beside a network that
            is trained from nothing they are, with 2, the pretrained network, and with 3 the theta
            method too; held-out rows decide the share of each. Beside the pretrained network,
            trained further or not, it is with 2 theta, for monthly and longer steps.
        seed: random seed of initial weights and training windows. The same seed, data and machine
            give the same model, unless the time budget shortens the training.
    """

    start: str | None = option(None, Choice(STARTS), "auto")
    holidays: str | None = option(None, Text())
    frequency: str | None = option(None, Text())
    season: int | None = option(None, Whole(1))
    network: str = option("lstm", Choice(NETWORKS))
    cell: str = option("lstm", Choice(CELLS))
    attention_score: str | None = option(None, Choice(SCORES), SCORES[0])
    head: str = option("point", Choice(HEADS))
    layers: int | None = option(None, Whole(1))
    units: int | None = option(None, Whole(1))
    residual: bool = option(False, Flag())
    dropout: float | None = option(None, Share())
    context: int | None = option(None, Whole(2))
    train_horizon: int | None = option(None, Whole(1))
    holdout: int | None = option(None, Whole(0))
    transform: str = option("auto", Choice(TRANSFORMS))
    bounds: Any = option("auto", Limits(("auto", "none", "non_negative")))
    windows: str = option("random", Choice(WINDOWS))
    feedback: str | Sequence[str] | None = option(None, Regimes(), "by network and head")
    schedule: str | None = option(None, Choice(SCHEDULES), "linear")
    teacher_forcing_ratio: float | tuple[float, float] | None = option(None, Ratios(), "1,0")
    mixing: str | None = option(None, Choice(MIXING), MIXING[0])
    mix_by: str | None = option(None, Choice(MIX_BY), MIX_BY[0])
    batch_size: int | None = option(None, Whole(1))
    steps: int | None = option(None, Whole(0))
    learning_rate: float | None = option(None, Positive())
    budget: str | float = option("5m", Duration())
    members: int | None = option(
        None, Whole(1, MAX_MEMBERS), "2 for the pretrained network, else 1"
    )
    seed: int = option(0, Whole(0, MAX_SEED))

    @property
    def is_trained(self) -> bool:
        """Whether anything is to be trained."""
        return self.steps != 0

    @property
    def is_open(self) -> bool:
        """Whether no option says how to train what."""
        heeded = {*FOR_ANY_START, "holdout"} - {"steps"}
        return all(
            getattr(self, entry.name) == entry.default
            for entry in fields(self)
            if entry.name not in heeded
        )

    def regimes(self) -> tuple[str, ...]:
        """The feedback regimes asked for, or those that suit the network: docs/EXPERIMENTS.md.

        A head with a distribution learns that of one step, given the values before it, only from
        true values: sampling adds up the uncertainty of the steps itself. Without one, a decoder
        behind an encoder is never fed true values in a forecast; the decoder-only network is,
        whenever rows are observed. The pretrained network was trained in its own rollouts.
        """
        if self.feedback is not None:
            return regimes_of(self.feedback)
        if self.start == "pretrained":
            return ("free",)
        network = NETWORKS[self.network]
        is_random = HEADS.get(self.head, point).RANDOM
        if is_random or not network.FEEDS_BACK or self.windows == "contiguous":
            return ("teacher",)
        return ("free",) if network.ENCODES else ("teacher", "free")


class OptionField(NamedTuple):
    """An option as others make use of it.

    Attributes:
        name, default: of the field.
        spec: its valid values.
        description: its entry in the docstring.
    """

    name: str
    default: Any
    spec: OptionSpec
    description: str


def option_fields(*classes: type) -> list[OptionField]:
    """The options of classes, in their order."""
    return [
        OptionField(f.name, f.default, f.metadata["spec"], _descriptions(cls).get(f.name, ""))
        for cls in classes
        for f in fields(cls)
    ]


def _descriptions(cls: type) -> dict[str, str]:
    """The entries of the section "Args" of a docstring, each as one line."""
    _, _, section = (inspect.getdoc(cls) or "").partition("\nArgs:\n")
    entries = re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", section, re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in entries}


def with_option_docs(doc: str | None, *classes: type) -> str:
    """A docstring with the entries of the options of classes put before its attributes."""
    entries = "\n".join(
        textwrap.fill(
            f"{entry.name}: {entry.description}",
            width=100,
            initial_indent=" " * 8,
            subsequent_indent=" " * 12,
        )
        for entry in option_fields(*classes)
    )
    return (doc or "").replace("    Attributes:", f"    Args:\n{entries}\n\n    Attributes:", 1)


def check_options(options: Any) -> None:
    """Raise OptionError for the first option that is out of range or does not suit the others.

    Args:
        options: with the fields of `TrainingOptions`, and perhaps of `ColumnOptions`.
    """
    for entry in fields(options):
        value, spec = getattr(options, entry.name), entry.metadata["spec"]
        if value is not None or entry.default is not None:
            spec.check(entry.name, value)
    _check_start(options)
    if options.holidays is not None:
        from forecast.data.holidays import check_place  # which takes pandas

        check_place(options.holidays)
    if isinstance(options, ColumnOptions):
        _refuse_repeated_columns(options)
    if options.transform not in ("auto", "none") and HEADS[options.head].COUNTS:
        raise OptionError(
            f"transform is {options.transform!r}, but the head {options.head!r} takes counts as "
            "they are; leave it out"
        )
    if (options.members or 1) > 1 and (HEADS[options.head].COUNTS or getattr(options, "also", ())):
        raise OptionError(
            f"members is {options.members}, but a model of counts or of several targets has one "
            "member; leave --members (members in Python) out"
        )
    _refuse_unused(options)
    _check_feedback(options)


def _check_start(options: TrainingOptions) -> None:
    """Raise OptionError unless the start, the steps and the other options suit each other."""
    if options.is_trained:
        if options.start == "pretrained":
            _refuse_settled(options)
        return
    if options.start == "scratch":
        raise OptionError(
            "steps is 0, but start is 'scratch'; leave --start out for the pretrained network, or "
            "give more --steps"
        )
    for entry in fields(options):
        value, flag = getattr(options, entry.name), f"--{entry.name.replace('_', '-')}"
        if entry.name not in FOR_ANY_START and value != entry.default:
            raise OptionError(
                f"{entry.name} is {value!r}, but with 0 steps the pretrained network forecasts as "
                f"it is, from one target alone; leave {flag} ({entry.name} in Python) out, or "
                "train with more --steps"
            )


def _refuse_settled(options: TrainingOptions) -> None:
    """Raise OptionError for an option that the pretrained network has settled."""
    for entry in fields(TrainingOptions):
        value, flag = getattr(options, entry.name), f"--{entry.name.replace('_', '-')}"
        allowed = SETTLED_BY_PRETRAINED.get(entry.name)
        if allowed is not None and value != entry.default and value not in allowed:
            own = f"has {' or '.join(allowed)}" if allowed else "keeps its own"
            raise OptionError(
                f"{entry.name} is {value!r}, but a training from the pretrained network {own}; "
                f"leave {flag} ({entry.name} in Python) out, or use --start scratch"
            )


def _refuse_repeated_columns(options: ColumnOptions) -> None:
    """Raise OptionError where a column has two roles."""
    roles = ("also", "known", "static")
    names = [name for role in roles for name in column_names(getattr(options, role), role)]
    for name in names:
        if names.count(name) > 1:
            raise OptionError(
                f"column {name!r} is given twice among also, known and static; give it once"
            )


def _refuse_unused(options: TrainingOptions) -> None:
    """Raise OptionError for an option that would have no effect."""
    feedback = options.regimes()
    for name in ONLY_SCHEDULED:
        if getattr(options, name) is not None and "scheduled" not in feedback:
            raise OptionError(
                f"{name} is for scheduled sampling, but feedback is {','.join(feedback)!r}; use "
                "--feedback scheduled (feedback='scheduled' in Python)"
            )
    if options.attention_score is not None and options.network != "attention":
        raise OptionError(
            f"attention_score is for attention, but network is {options.network!r}; use --network "
            "attention (network='attention' in Python)"
        )


def _check_feedback(options: TrainingOptions) -> None:
    """Raise OptionError unless the feedback regimes suit the network and its windows."""
    network, feedback, ratio = options.network, options.regimes(), options.teacher_forcing_ratio
    if options.schedule == "constant" and (ratio is None or len(_ends(ratio)) != 1):
        raise OptionError("a constant schedule needs one teacher_forcing_ratio, such as 0.5")
    is_fed_back = feeds_back(feedback)
    if is_fed_back and not NETWORKS[network].FEEDS_BACK:
        raise OptionError(
            f"network {network!r} is not fed its own values within the horizon of "
            "training; use --feedback teacher (feedback='teacher' in Python)"
        )
    if is_fed_back and options.train_horizon == 1:
        raise OptionError(
            "train_horizon is 1, but the first step of a horizon is fed a true value; for "
            f"feedback {','.join(feedback)!r} it must be at least 2"
        )
    if options.windows == "contiguous" and (NETWORKS[network].ENCODES or is_fed_back):
        raise OptionError(
            "contiguous windows carry the state after true values from one to the next; they "
            "need network 'lstm' and a feedback of true values, as 'teacher'"
        )


def column_names(columns: Any, role: str = "known") -> tuple[str, ...]:
    """The names of columns, given as one or as several.

    Raises:
        OptionError: if they are not text.
    """
    names = (columns,) if isinstance(columns, str) else columns
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise OptionError(f"{role} is {columns!r}; it must be a list of the names of columns")
    return tuple(names)


def is_auto(bounds: Any) -> bool:
    """Whether bounds are left to be inferred from the data."""
    return isinstance(bounds, str) and bounds == "auto"


def _is_number(value: Any) -> bool:
    return isinstance(value, Real)  # NumPy's too


def _plain(value: Any) -> Any:
    """A scalar of NumPy as Python's own."""
    return value.item() if hasattr(value, "item") else value


def _ends(ratio: Any) -> list[Any]:
    """One number or several as a list."""
    plain = ratio.tolist() if hasattr(ratio, "tolist") else ratio
    return list(plain) if isinstance(plain, list | tuple) else [plain]


def seconds(budget: str | float) -> float:
    """A length of time in seconds, from a number or text such as "90s", "5m", "1.5h", "1h 30min".

    Raises:
        OptionError: if it is neither, or not positive.
    """
    try:
        value = float(budget)
    except (TypeError, ValueError):
        value = _seconds_of(budget)
    if not 0 < value < math.inf:
        raise OptionError(f'budget is {budget!r}; give seconds, or text such as "90s", "5m", "1h"')
    return value


def _seconds_of(text: Any) -> float:
    """Text with units as pandas reads it; 0 where it does not."""
    import pandas as pd

    try:
        return float(pd.Timedelta(text).total_seconds())
    except (TypeError, ValueError):
        return 0.0
