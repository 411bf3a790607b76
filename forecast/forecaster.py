"""`Forecaster`: the choices of a training run, as a scikit-learn estimator."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from forecast._version import __version__
from forecast.backtest import CUTOFFS, Backtest, join
from forecast.data import covariates, scaling
from forecast.data.holidays import check_rows
from forecast.data.panel import Panel
from forecast.data.scaling import Powers
from forecast.data.to_panel import to_panel
from forecast.errors import DataError, ForecastError, OptionError, require_whole
from forecast.evaluation.comparison import Comparison, Exposure
from forecast.evaluation.holdout import (
    calibrate,
    comparisons_of,
    exposure_of,
    model_after,
    on_tail,
)
from forecast.evaluation.rolling_origin import cutoffs_within, missing_of, refuse_too_short, roll
from forecast.evaluation.scoring import score
from forecast.inference.bounds import Bounds, infer, non_negative, to_bounds
from forecast.inference.config import Config
from forecast.inference.conformal import Calibration
from forecast.inference.encoding import known_of, refuse_other_than_counts, takes, transformed
from forecast.inference.forecast import Forecast
from forecast.nn import HEADS
from forecast.nn.layers import SCORES
from forecast.training.options import check_choices, is_auto, names_of, regimes_for, seconds
from forecast.training.plan import Plan, make_plan, typical_length
from forecast.training.windows import Windows

if TYPE_CHECKING:
    import pandas as pd

    from forecast.training.callbacks import Progress
    from forecast.training.fit import Fitted

LONGEST_LAG = 1_500  # every state keeps as many values; a longer one costs more than it tells


class Forecaster(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no type hints
    """Trains a recurrent network on a table of time series, and forecasts any number of steps.

    Every argument that is None is chosen from the data; `model_.record` tells what was chosen.

    Args:
        id, time, target: names of the columns; guessed when they are unambiguous.
        also: columns to forecast beside the target: what is known of the past only, and may help.
            All are fed back together. What is said of the transform and the bounds holds for the
            target; for the others they are told from their values.
        known: columns that are known for the future too, such as a price: numbers, yes and no, or
            categories. A forecast is given theirs as `future`.
        static: columns that have one value per series, such as its region.
        holidays: country, or part of one, whose public holidays are an input: "DE", "DE-BY"; a
            forecast needs no table of them. For steps of a day or less.
        frequency: spacing of the steps as a pandas alias ("h", "D", "MS", …).
        season: steps in a season; by default that of the frequency (24 for hourly data).
        network: "lstm" observes and forecasts with the same layers; "seq2seq" has an encoder and
            a decoder, "attention" lets the decoder look back at the encoder's outputs, "repeat"
            gives the decoder one vector for the whole horizon.
        cell: of the recurrent layers, "lstm" or "gru".
        attention_score: "dot" (scaled dot product, the default) or "additive".
        head: "point" forecasts the median alone; "normal", "student_t" and, for counts,
            "negative_binomial" a distribution, with sample paths.
        layers, units: sizes of the network.
        residual: whether each layer above the first adds what it is given to what it puts out.
        dropout: share of what a layer hands to the next blanked out in training, 0 to 1.
        context: last steps of a series that set its scale, and that a training window
            shows before the steps that it asks for.
        train_horizon: steps that a training window asks for after its context; the network may
            be fed its own values in them. By default as many as are held out, at least 8 if there
            are enough rows. It limits no
            forecast.
        holdout: steps at the end of each series kept from training for the final comparison
            with the seasonal naive forecast, and as many before them for early stopping;
            0 trains on everything.
        transform: "none", "sqrt", "log", or "auto": chosen by Guerrero's method.
        bounds: limits of every forecast: "none", "non_negative", a pair (low, high) with None
            for no limit, or "auto": non-negative where the data say so clearly.
        windows: "random" trains on windows at random places, each from an empty memory;
            "contiguous" walks every series piece by piece and carries the memory from one
            gradient step to the next, as a stateful LSTM does.
        feedback: what the network is fed after the context of a window: "teacher" (true
            values), "scheduled" (more and more of its own), "free" (its own), or one after
            another, as in "teacher,free". By default "teacher" for heads with a distribution,
            "repeat" and contiguous windows, else "teacher,free" for "lstm", "free" for "seq2seq"
            and "attention".
        schedule: how the share of true values of scheduled sampling changes: "linear" (the
            default), "constant", "exponential" or "sigmoid".
        teacher_forcing_ratio: that share at the end of its turn, or (start, end); by default
            (1, 0). A single one starts with 1.
        mixing: of scheduled sampling, "exact" (step by step, the default) or "parallel" (mixed
            into a second pass).
        mix_by: of scheduled sampling, "step" (the default) or "sequence": for what it is drawn
            whether values are true.
        batch_size: windows in a gradient step.
        steps: gradient steps.
        learning_rate: at the start; it falls to 0 along a cosine.
        budget: longest time that training may take: seconds, or text such as "90s", "5m"; one
            step is always made.
        seed: of weights and windows. Same seed, data and machine: same model, as long as
            the budget is not what ends the training.

    Attributes:
        model_: the fitted `Model`.

    Example:
        >>> from forecast import Forecaster
        >>> from forecast.datasets import load
        >>> table = load("air_passengers")
        >>> forecaster = Forecaster(steps=20, seed=1).fit(table)
        >>> forecaster.predict(2).columns.tolist()
        ['ds', 'forecast']
    """

    def __init__(
        self,
        *,
        id: str | None = None,
        time: str | None = None,
        target: str | None = None,
        also: str | Sequence[str] = (),
        known: str | Sequence[str] = (),
        static: str | Sequence[str] = (),
        holidays: str | None = None,
        frequency: str | None = None,
        season: int | None = None,
        network: str = "lstm",
        cell: str = "lstm",
        attention_score: str | None = None,
        head: str = "point",
        layers: int | None = None,
        units: int | None = None,
        residual: bool = False,
        dropout: float | None = None,
        context: int | None = None,
        train_horizon: int | None = None,
        holdout: int | None = None,
        transform: str = "auto",
        bounds: Any = "auto",
        windows: str = "random",
        feedback: str | Sequence[str] | None = None,
        schedule: str | None = None,
        teacher_forcing_ratio: float | tuple[float, float] | None = None,
        mixing: str | None = None,
        mix_by: str | None = None,
        batch_size: int | None = None,
        steps: int | None = None,
        learning_rate: float | None = None,
        budget: str | float = "5m",
        seed: int = 0,
    ) -> None:
        """Keep the choices; they are checked when `fit` uses them."""
        self.id = id
        self.time = time
        self.target = target
        self.also = also
        self.known = known
        self.static = static
        self.holidays = holidays
        self.frequency = frequency
        self.season = season
        self.network = network
        self.cell = cell
        self.attention_score = attention_score
        self.head = head
        self.layers = layers
        self.units = units
        self.residual = residual
        self.dropout = dropout
        self.context = context
        self.train_horizon = train_horizon
        self.holdout = holdout
        self.transform = transform
        self.bounds = bounds
        self.windows = windows
        self.feedback = feedback
        self.schedule = schedule
        self.teacher_forcing_ratio = teacher_forcing_ratio
        self.mixing = mixing
        self.mix_by = mix_by
        self.batch_size = batch_size
        self.steps = steps
        self.learning_rate = learning_rate
        self.budget = budget
        self.seed = seed

    def fit(
        self,
        X: Any,  # noqa: N803 - scikit-learn's name
        y: None = None,  # noqa: ARG002 - scikit-learn's signature; the target is in the table
        *,
        progress: Callable[[Progress], None] | None = None,
    ) -> Forecaster:
        """Train on a table: long, wide, a Series, or indexed by (id, time); of pandas or Polars.

        Args:
            X: the table, or a `Panel` made of one.
            y: not used.
            progress: called after each round of steps.

        Returns:
            The forecaster, with `model_`.

        Raises:
            DataError: if the table cannot be used.
            OptionError: if a choice is out of range, or does not fit the data.
            ForecastError: if training has left the finite numbers.
            KeyboardInterrupt: if interrupted before the first step was done; later an interrupt
                keeps the best weights so far.
        """
        self.check()
        panel = (X if isinstance(X, Panel) else self._panel(X)).drop_unobserved()
        config, plan = self._choose(panel)
        values = transformed(panel, config.powers)
        static = covariates.encode(panel.static, config.static, len(panel.ids))
        known = known_of(panel, config, static)
        windows = Windows(
            target=values,
            known=known,
            indptr=panel.indptr,
            lags=config.lags,
            context=config.context,
            length=plan.length,
            counts=config.counts,
        )
        from forecast.training.fit import fit  # TensorFlow is imported here and not before

        fitted = fit(
            config, plan, windows, panel.lengths, int(self.seed), seconds(self.budget), progress
        )
        _refuse_useless(fitted)
        gc.collect()  # Keras leaves its model and its open iterator over the batches in a cycle
        tried = _tried(panel, config, fitted.weights, plan.holdout)
        found = (tried.comparisons or {}).get
        compared = [asdict(one) if (one := found(name)) else None for name in config.schema.targets]
        record = {
            "library": __version__,
            "series": len(panel.ids),
            "rows": int(panel.indptr[-1]),
            "last": int(panel.ordinals.max()),
            "plan": asdict(plan),
            "ended": fitted.ended,
            "kept": fitted.kept,
            "regimes": list(fitted.regimes),
            "turns": list(fitted.turns),
            "rounds": fitted.rounds,
            "comparison": compared[0],
            "also": dict(zip(config.schema.targets[1:], compared[1:], strict=True)),
            "exposure": asdict(tried.gap) if tried.gap else None,
            "coverage": tried.coverage,
            "notes": list(panel.notes),
        }
        self.model_ = model_after(panel, config, fitted.weights, record, tried.calibration)
        return self

    def predict(self, *given: Any, **options: Any) -> pd.DataFrame:
        """Forecast the next steps; horizon, history and options are those of `Model.predict`."""
        check_is_fitted(self)
        return self.model_.predict(*given, **options)

    def rollout(self, horizon: int, history: Any = None, **options: Any) -> Forecast:
        """Forecast with sample paths and the state after, see `Model.rollout`."""
        check_is_fitted(self)
        return self.model_.rollout(horizon, history, **options)

    def score(self, X: Any, y: None = None) -> float:  # noqa: ARG002, N803 - scikit-learn's names
        """How good the rollout over the next rows is, at most 0; see `forecast.evaluation.scoring.score`.

        Args:
            X: the rows that follow those of the fit, with their targets, which the rollout does
                not see, and their known columns, which it does.
            y: not used.

        Returns:
            Minus the mean absolute error as a share of the range of each series.
        """
        check_is_fitted(self)
        return score(self.model_, X)

    def backtest(
        self,
        X: Any,  # noqa: N803 - scikit-learn's name
        horizon: int,
        cutoffs: int = CUTOFFS,
        *,
        stride: int | None = None,
        refit: int | None = None,
        levels: float | Sequence[float] | None = None,
        baselines: Sequence[str] | None = None,
        target: str | None = None,
        carry: bool = False,
        progress: Callable[[Progress], None] | None = None,
    ) -> Backtest:
        """Train on the rows before the first cutoff, and forecast from each, beside what came.

        `model_` is afterwards that of the last training.

        Args:
            X: a table as `fit` takes it.
            horizon, cutoffs, levels, baselines, target, carry: see `Model.backtest`.
            stride: rows from one cutoff to the next; by default the horizon, or fewer where more
                than a third of the rows would lie behind the first cutoff.
            refit: train anew at every so-manieth cutoff; by default at the first one only.
            progress: called after each round of steps.

        Raises:
            DataError: if the table cannot be used, or is too short.
            OptionError: if a choice is out of range, or does not fit the data.
            ForecastError: if training or a rollout leaves the finite numbers.

        Example:
            >>> from forecast import Forecaster
            >>> from forecast.datasets import load
            >>> Forecaster(steps=2).backtest(load("air_passengers"), horizon=12, cutoffs=3)
            Backtest(3 forecasts of 12 steps: 3 cutoffs, 1 series; forecast, naive, ...)
        """
        self.check()
        panel = (X if isinstance(X, Panel) else self._panel(X)).drop_unobserved()
        longest = int(panel.lengths.max())
        backs = cutoffs_within(longest // 3, horizon, cutoffs, stride)
        refuse_too_short(panel, backs)
        if refit is not None:
            require_whole("refit", refit, 1)
        parts = []
        for first in range(0, len(backs), refit or len(backs)):
            turn = backs[first : first + (refit or len(backs))]
            known = panel.until(int(turn[0]))
            known = known.take(np.flatnonzero(known.lengths)).drop_unobserved()
            self.fit(known, progress=progress)
            choices = (levels, baselines, target, carry, len(backs))
            parts.append(roll(self.model_, panel, horizon, turn, *choices))
        whole = join(parts)
        return replace(whole, notes=(*missing_of(whole, panel, len(backs)),))

    def update(self, rows: Any, *, fill_gaps: bool = False) -> Forecaster:
        """Take the next rows in without training: `model_` keeps the state after them.

        Args:
            rows: see `Model.observe`.
            fill_gaps: whether rows may be missing.

        Returns:
            The forecaster.

        Raises:
            DataError: if the rows are not the next ones, or cannot be used.
        """
        check_is_fitted(self)
        self.model_ = self.model_.update(rows, fill_gaps=fill_gaps)
        return self

    def _panel(self, table: Any) -> Panel:
        return to_panel(
            table,
            id=self.id,
            time=self.time,
            target=self.target,
            also=names_of(self.also, "also"),
            known=names_of(self.known),
            static=names_of(self.static),
            frequency=self.frequency,
        )

    def check(self) -> None:
        """Raise OptionError for the first choice that is out of range."""
        check_choices(self.get_params())

    def _choose(self, panel: Panel) -> tuple[Config, Plan]:
        """Everything that was left open, from the data."""
        frequency = panel.frequency
        season = int(self.season or frequency.season_length)
        names = ("layers", "units", "dropout", "context", "windows", "holdout", "steps")
        given = {name: getattr(self, name) for name in names}
        given |= {"batch": self.batch_size, "rate": self.learning_rate}
        given |= {"horizon": self.train_horizon}
        given |= {name: getattr(self, name) for name in ("schedule", "mixing", "mix_by")}
        given |= {"feedback": ">".join(regimes_for(self.get_params()))}
        if self.teacher_forcing_ratio is not None:
            ends = [1.0, *np.atleast_1d(self.teacher_forcing_ratio).astype(float).tolist()][-2:]
            given |= {"first_ratio": ends[0], "last_ratio": ends[-1]}
        given = {k: v.item() if isinstance(v, np.generic) else v for k, v in given.items()}
        plan = make_plan(panel, season, given)
        _refuse_too_long(panel, season, plan)
        for name in ("dropout", "residual"):
            if getattr(self, name) and plan.layers == 1:
                raise OptionError(
                    f"{name} is {getattr(self, name)}, but lies between layers, and there is one; "
                    f"choose --layers 2, or leave --{name} out"
                )
        if self.holidays is not None:
            seen = panel.until(2 * plan.holdout)
            check_rows(panel.schema, frequency, seen.ordinals, self.holidays, panel.source)
        half, powers = typical_length(panel) // 2, self._powers(panel, plan.holdout)
        wished = {*frequency.lags, *({season, 2 * season} if self.season else ())}
        config = Config(
            schema=panel.schema,
            frequency=frequency,
            season=season,
            network=self.network,
            head=self.head,
            cell=self.cell,
            score=self.attention_score or SCORES[0],
            layers=plan.layers,
            units=plan.units,
            residual=bool(self.residual),
            lags=tuple(sorted(lag for lag in wished if 1 < lag <= min(half, LONGEST_LAG))),
            cycles=frequency.repeated(int(panel.lengths.max())),
            holidays=self.holidays,
            known=covariates.learn(panel.known, panel.source),
            static=covariates.learn(panel.static, panel.source),
            powers=powers,
            context=plan.context,
            horizon=plan.horizon,
            bounds=self._bounds(panel, powers),
        )
        return config, plan

    def _bounds(self, panel: Panel, powers: Powers) -> tuple[Bounds, ...]:
        """The bounds of each target."""
        if HEADS[self.head].COUNTS:
            found = [non_negative for _ in powers]
        else:
            found = [infer(panel, power, d) for d, power in enumerate(powers)]
        return tuple(found) if is_auto(self.bounds) else (to_bounds(self.bounds), *found[1:])

    def _powers(self, panel: Panel, holdout: int) -> Powers:
        """The transform asked for, or else one that suits the values and is made for them all."""
        if HEADS[self.head].COUNTS:
            refuse_other_than_counts(panel, self.head)
            return (1.0,) * len(panel.schema.targets)
        before, asked = panel.until(2 * holdout), scaling.POWERS.get(self.transform)
        found: list[float] = []
        for d, target in enumerate(panel.target.T):
            if asked is None or d > 0:
                power = scaling.choose_power(before, d)
                found.append(power if takes(power, target) else 1.0)
            elif takes(asked, target):
                found.append(asked)
            else:
                raise self._unsuited(target)
        return tuple(found)

    def _unsuited(self, target: np.ndarray) -> OptionError:
        """What is wrong with the transform that was asked for."""
        least = "above 0" if self.transform == "log" else "of at least 0"
        return OptionError(
            f"transform is {self.transform!r}, which needs values {least}, but there is "
            f"{np.nanmin(target):g}; use --transform none (transform='none' in Python)"
        )


def _refuse_too_long(panel: Panel, season: int, plan: Plan) -> None:
    """Raise OptionError where a choice asks for more rows than the longest series has."""
    longest = int(panel.lengths.max())
    if longest < plan.needed:
        raise OptionError(
            f"a holdout of {plan.holdout} steps and a context of {plan.context} need {plan.needed} "
            f"rows, the longest series has {longest}; choose a smaller --holdout or --context"
        )
    if np.isnan(panel.until(2 * plan.holdout).target).all():
        raise DataError(
            f"no value is observed before the last {2 * plan.holdout} rows, which are held out; "
            "choose a smaller --holdout"
        )
    if season > longest and season != panel.frequency.season_length:
        raise OptionError(
            f"season is {season} steps, but the longest series has {longest} rows; choose a "
            "smaller --season"
        )


class _Tried(NamedTuple):
    """What the held-out rows have told of a trained network."""

    comparisons: dict[str, Comparison | None] | None = None
    gap: Exposure | None = None
    calibration: Calibration | None = None
    coverage: dict[str, float] | None = None


def _tried(panel: Panel, config: Config, weights: dict[str, np.ndarray], holdout: int) -> _Tried:
    """The comparison on the final tail, the exposure gap on the one before it, both for intervals.

    An interrupt leaves out what is not done yet: the training is worth more.
    """
    tried = _Tried()
    with suppress(KeyboardInterrupt):
        tried = _Tried(on_tail(panel, config, weights, holdout, comparisons_of))
        gap = on_tail(panel.until(holdout), config, weights, holdout, exposure_of)
        tried = tried._replace(gap=gap)
        calibration, coverage = calibrate(panel, config, weights, holdout)
        tried = tried._replace(calibration=calibration, coverage=coverage)
    return tried


def _refuse_useless(fitted: Fitted) -> None:
    """Raise where training has not led to weights that can be used."""
    if not fitted.rounds:  # interrupted before the first step was done
        raise KeyboardInterrupt
    if not all(np.isfinite(part).all() for part in fitted.weights.values()):
        raise ForecastError(
            "training has left the finite numbers; choose a smaller --learning-rate, or correct "
            "values that lie far outside the others"
        )
