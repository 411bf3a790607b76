"""The plan of a training run: what the options leave open is chosen from the data."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np

from forecast.data import covariates, scaling
from forecast.data.holidays import check_rows
from forecast.data.panel import Panel
from forecast.data.scaling import Powers, UsualSpread
from forecast.errors import DataError, OptionError
from forecast.inference.bounds import Bounds, infer, non_negative, to_bounds
from forecast.inference.config import Config
from forecast.inference.preprocess import refuse_other_than_counts, suits, transformed
from forecast.nn import HEADS, NETWORKS, seasonal
from forecast.nn.layers import SCORES
from forecast.training.feedback import feeds_back, regimes_of
from forecast.training.options import TrainingOptions, is_auto

LAST_PHASE = 0.25  # share of the steps of the last feedback phase, where one follows another
MIN_ROWS = 12  # that at least one series must have to train anything
MIN_HISTORY = 3  # rows before the horizon of a window that holds a history
MAX_WINDOW_SEASON = 200  # a longer season is left to the lags: windows would be too slow
MIN_HORIZON = 8  # of a window where there are enough rows: a shorter one teaches no memory
WANTED_CONTEXT = 96  # steps, made a whole number of seasons
SMALL_PANEL = 5_000  # rows below which a smaller network forecasts better and trains in seconds
MIN_READ = 100  # rows of a history that the network reads, more than a short context
SLOW = 0.1  # of the rate of many rows: noise costs less; a few hundred small steps need it all
MAX_LAG = 1_500  # every state keeps as many values; a longer one costs more than it gives
JSON_NAMES = {  # of the fields whose name in a model file is another
    "train_horizon": "horizon",
    "batch_size": "batch",
    "learning_rate": "rate",
    "gradient_clip": "clip",
}


@dataclass(frozen=True)
class Plan:
    """How one training run goes; an option given by the user is taken as it is.

    Attributes:
        layers, units: sizes of the network.
        dropout: dropout rate between recurrent layers.
        context: steps at the start of a window that set its scale.
        windows: "random", or "contiguous" with the state carried from batch to batch, or
            "histories", see `training.histories`.
        feedback: the regimes of the feedback phases, entries of REGIMES.
        schedule: how the teacher-forcing ratio changes, an entry of SCHEDULES.
        teacher_forcing_ratio: at the start and at the end of scheduled sampling.
        mixing: "exact" or "parallel" scheduled sampling.
        mix_by: "step" or "sequence": for what teacher forcing is drawn.
        train_horizon: steps of a window after its context, in which predictions may be fed back.
        holdout: steps at the end of each series kept for the final comparison, and as many
            before them for the validation; 0 for none.
        batch_size: windows in a gradient step.
        steps: gradient steps.
        rounds: parts of the training after each of which the validation loss is computed.
        patience: rounds without a better validation loss before training ends early.
        learning_rate: at the start.
        gradient_clip: largest norm of the gradient of all weights.
        members: of the model at most: the network, and those that are not trained.
        covariate_rate: times the learning rate, at which a network that begins with random weights
            learns what covariates say.
    """

    layers: int
    units: int
    dropout: float
    context: int
    windows: str
    feedback: tuple[str, ...]
    schedule: str
    teacher_forcing_ratio: tuple[float, float]
    mixing: str
    mix_by: str
    train_horizon: int
    holdout: int
    batch_size: int
    steps: int
    rounds: int
    patience: int
    learning_rate: float
    gradient_clip: float
    members: int = 1
    covariate_rate: float = 1.0

    @property
    def window_length(self) -> int:
        """Steps of a window, T."""
        return self.context + self.train_horizon

    @property
    def min_window_rows(self) -> int:
        """Rows that a window must at least cover."""
        return min(self.window_length, max(self.context // 2, 2) + 1)

    @property
    def min_series_rows(self) -> int:
        """Rows that a series must have to fill a horizon behind half a context to scale by.

        A history may be shorter, and a part of the horizon behind it is enough.
        """
        if self.starts_pretrained:
            return 2 * self.holdout + MIN_HISTORY + 1
        half_context = min(self.context, max(self.context // 2, 2))
        return 2 * self.holdout + self.train_horizon + half_context

    @property
    def starts_pretrained(self) -> bool:
        """Whether training starts from the pretrained network, with windows of its kind."""
        return self.windows == "histories"

    @property
    def feeds_back(self) -> bool:
        """Whether the network is fed its own predictions at any time."""
        return feeds_back(self.feedback)

    @property
    def steps_per_round(self) -> int:
        """Gradient steps between two looks at the validation loss."""
        return max(self.steps // self.rounds, 1)

    def phase(self, done: float) -> tuple[int, float]:
        """Which feedback phase is active, and which share of it is done.

        The last one takes LAST_PHASE of the steps, those before it share the others.

        Args:
            done: share of the training that is done, 0 to 1.
        """
        before = len(self.feedback) - 1
        if not before:
            return 0, done
        if done >= 1.0 - LAST_PHASE:
            return before, (done - 1.0 + LAST_PHASE) / LAST_PHASE
        phase = done / (1.0 - LAST_PHASE) * before
        return int(phase), phase % 1.0

    def to_json(self) -> dict[str, Any]:
        """Plain values under the names that they have in a model file."""
        values: dict[str, Any] = {}
        for name, value in asdict(self).items():
            if name == "teacher_forcing_ratio":
                values["first_ratio"], values["last_ratio"] = value
            else:
                values[JSON_NAMES.get(name, name)] = value
        for name in ("members", "covariate_rate"):
            if values[name] == 1:  # as in a file of an earlier version
                del values[name]
        return {**values, "feedback": ">".join(self.feedback)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """The inverse of `to_json`."""
        names = {in_file: name for name, in_file in JSON_NAMES.items()}
        own = {names.get(name, name): value for name, value in values.items()}
        ratio = (own.pop("first_ratio"), own.pop("last_ratio"))
        feedback = regimes_of(own.pop("feedback"))
        return cls(**own, feedback=feedback, teacher_forcing_ratio=ratio)


class Choices(NamedTuple):
    """All that is settled before a training begins."""

    config: Config
    plan: Plan


def choose(options: TrainingOptions, panel: Panel) -> Choices:
    """Settle everything that the options leave open, from the data.

    Raises:
        DataError: if no series is long enough to train on, or a covariate is of no use.
        OptionError: if an option does not fit the data.
    """
    frequency = panel.frequency
    season = int(options.season or frequency.season_length)
    plan = make_plan(options, panel, season)
    _refuse_too_few_rows(panel, season, plan)
    _refuse_between_layers(options, plan)
    seen = panel.until(2 * plan.holdout)  # the rows that are trained on
    _refuse_unobserved(seen, plan)
    if options.holidays is not None:
        check_rows(panel.schema, frequency, seen.ordinals, options.holidays, panel.source)
    powers = _powers(options, panel, seen)
    seasons: tuple[int, ...] = ()
    if NETWORKS[options.network].LAG_FLAGS:
        seasons = seasonal.pair(season, frequency.seasons, int(panel.lengths.max()))
    config = Config(
        schema=panel.schema,
        frequency=frequency,
        season=season,
        network=options.network,
        head=options.head,
        cell=options.cell,
        score=options.attention_score or SCORES[0],
        layers=plan.layers,
        units=plan.units,
        residual=bool(options.residual),
        lags=seasonal.lags(seasons) if seasons else _lags(options, panel, season),
        cycles=frequency.repeated(int(panel.lengths.max())),
        holidays=options.holidays,
        known=covariates.learn(panel.known, panel.source),
        static=covariates.learn(panel.static, panel.source),
        powers=powers,
        context=plan.context,
        horizon=plan.train_horizon,
        bounds=_bounds(options, panel, powers),
        usual_spreads=_usual_spreads(options, seen, powers, plan.context),
        seasons=seasons,
        reads=max(plan.context, MIN_READ) if plan.windows == "random" else 0,
    )
    return Choices(config, plan)


def make_plan(options: TrainingOptions, panel: Panel, season: int) -> Plan:
    """The plan of a training, from the options, the number of rows, the lengths and the seasons.

    Raises:
        DataError: if no series is long enough to train on.
    """
    require_rows(panel)
    given = {
        name: _plain(getattr(options, name))
        for name in Plan.__dataclass_fields__
        if hasattr(options, name)
    }
    given = {name: value for name, value in given.items() if value is not None}
    given["feedback"] = options.regimes()
    if options.teacher_forcing_ratio is not None:
        ends = np.atleast_1d(options.teacher_forcing_ratio).astype(float).tolist()
        given["teacher_forcing_ratio"] = (1.0, *ends)[-2:]
    return replace(_default_plan(panel, season, given), **given)


def require_rows(panel: Panel) -> None:
    """Raise DataError where no series is long enough to train on."""
    longest = int(panel.lengths.max())
    if longest < MIN_ROWS:
        raise DataError(
            f"the longest series has {longest} rows; training needs one with at least {MIN_ROWS}"
        )


def _default_plan(panel: Panel, season: int, given: dict[str, Any]) -> Plan:
    """The plan where nothing is given but what other defaults depend on."""
    is_small = int(panel.lengths.sum()) < SMALL_PANEL
    takes_covariates = panel.known.names or panel.static.names
    typical = typical_length(panel)
    context = given.get("context") or _context(panel, season, typical)
    holdout = given.get("holdout") or default_holdout(season, typical)
    horizon = max(holdout, min(MIN_HORIZON, typical - 2 * holdout - context))
    if feeds_back(given["feedback"]):
        horizon = max(horizon, 2)  # its first step is fed a true value
    return Plan(
        layers=1 if is_small else 2,
        units=32 if is_small else 64,
        dropout=0.0,
        context=context,
        windows="random",
        feedback=("teacher",),
        schedule="linear",
        teacher_forcing_ratio=(1.0, 0.0),
        mixing="exact",
        mix_by="step",
        train_horizon=horizon,
        holdout=holdout,
        batch_size=32 if is_small else 128,
        steps=400 if is_small else 1600,
        rounds=20,
        patience=8,
        learning_rate=5e-3 if is_small else 1e-2,
        gradient_clip=1.0,
        covariate_rate=SLOW if takes_covariates and not is_small else 1.0,
    )


def typical_length(panel: Panel) -> int:
    """The median number of rows of the series that are long enough to train on."""
    return int(np.median(panel.lengths[panel.lengths >= MIN_ROWS]))


def _plain(value: Any) -> Any:
    """A scalar of NumPy as Python's own, so that it can be written as JSON."""
    return value.item() if isinstance(value, np.generic) else value


def _context(panel: Panel, season: int, typical: int) -> int:
    """A whole number of the longest affordable season, at most a quarter of a series."""
    seasons = [season, *panel.frequency.seasons]
    base = max(s for s in seasons if s <= MAX_WINDOW_SEASON or s == min(seasons))
    wanted = base * max(round(WANTED_CONTEXT / base), 1)
    return max(_whole_seasons(min(wanted, typical // 4), base), 2)


def default_holdout(season: int, typical: int) -> int:
    """Steps to hold out: two seasons, at least 6 steps, at most an eighth of a series."""
    wanted = max(2 * season, 6) if season <= MAX_WINDOW_SEASON else season
    return max(_whole_seasons(min(wanted, typical // 8), season), 1)


def _whole_seasons(steps: int, season: int) -> int:
    """The steps in whole seasons, if there is at least one."""
    return steps // season * season or steps


def _lags(options: TrainingOptions, panel: Panel, season: int) -> tuple[int, ...]:
    """The lags that a typical series has at least twice."""
    max_lag = min(typical_length(panel) // 2, MAX_LAG)
    lags = {*panel.frequency.lags, *({season, 2 * season} if options.season else ())}
    return tuple(sorted(lag for lag in lags if 1 < lag <= max_lag))


def _bounds(options: TrainingOptions, panel: Panel, powers: Powers) -> tuple[Bounds, ...]:
    """The bounds of each target."""
    if HEADS[options.head].COUNTS:
        inferred = [non_negative for _ in powers]
    else:
        inferred = [infer(panel, power, d) for d, power in enumerate(powers)]
    if is_auto(options.bounds):
        return tuple(inferred)
    return (to_bounds(options.bounds), *inferred[1:])


def _usual_spreads(
    options: TrainingOptions, seen: Panel, powers: Powers, context: int
) -> tuple[UsualSpread, ...]:
    """How far the series of each target usually spread; none of counts, which have a unit."""
    if HEADS[options.head].COUNTS:
        return ()
    return scaling.usual_spreads(transformed(seen, powers), seen.indptr, context, powers)


def _powers(options: TrainingOptions, panel: Panel, seen: Panel) -> Powers:
    """The transform asked for, or else one that suits the values and is defined for them all."""
    if HEADS[options.head].COUNTS:
        refuse_other_than_counts(panel, options.head)
        return (1.0,) * len(panel.schema.targets)
    given = scaling.POWERS.get(options.transform)
    powers: list[float] = []
    for d, target in enumerate(panel.target.T):
        if given is None or d > 0:
            power = scaling.choose_power(seen, d)
            powers.append(power if suits(power, target) else 1.0)
        elif suits(given, target):
            powers.append(given)
        else:
            least = "above 0" if options.transform == "log" else "of at least 0"
            raise OptionError(
                f"transform is {options.transform!r}, which needs values {least}, but there is "
                f"{np.nanmin(target):g}; use --transform none (transform='none' in Python)"
            )
    return tuple(powers)


def _refuse_too_few_rows(panel: Panel, season: int, plan: Plan) -> None:
    """Raise OptionError where an option asks for more rows than the longest series has."""
    longest = int(panel.lengths.max())
    if longest < plan.min_series_rows and plan.starts_pretrained:
        raise OptionError(
            f"a holdout of {plan.holdout} steps needs {plan.min_series_rows} rows, the longest "
            f"series has {longest}; choose a smaller --holdout"
        )
    if longest < plan.min_series_rows:
        raise OptionError(
            f"a holdout of {plan.holdout} steps and a context of {plan.context} need "
            f"{plan.min_series_rows} rows, the longest series has {longest}; choose a smaller "
            "--holdout or --context"
        )
    if season > longest and season != panel.frequency.season_length:
        raise OptionError(
            f"season is {season} steps, but the longest series has {longest} rows; choose a "
            "smaller --season"
        )


def _refuse_unobserved(seen: Panel, plan: Plan) -> None:
    """Raise DataError where no row that is trained on has a value."""
    if np.isnan(seen.target).all():
        raise DataError(
            f"no value is observed before the last {2 * plan.holdout} rows, which are held out; "
            "choose a smaller --holdout"
        )


def _refuse_between_layers(options: TrainingOptions, plan: Plan) -> None:
    """Raise OptionError for what acts between layers where there is one."""
    for name in ("dropout", "residual"):
        if getattr(options, name) and plan.layers == 1:
            raise OptionError(
                f"{name} is {getattr(options, name)}, but acts between layers, and there is one; "
                f"choose --layers 2, or leave --{name} out"
            )
