"""Training on a table from the pretrained network: its plan, its configuration, its windows."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from forecast.data.panel import Panel
from forecast.inference.config import Config
from forecast.pretrained.first_weights import SPREADS
from forecast.pretrained.practised import enough_rows
from forecast.pretrained.zero_shot import zero_shot_config
from forecast.training.histories import Histories
from forecast.training.options import TrainingOptions
from forecast.training.plan import (
    MIN_HISTORY,
    MIN_ROWS,
    Choices,
    Plan,
    choose,
    default_holdout,
    require_rows,
    typical_length,
)
from forecast.training.windows import Windows

SAME_CYCLE = 0.01  # difference of a calendar cycle from a season, below which it is no new input
STEPS, RATE, BATCH = 100, 3e-4, 64  # measured in docs/EXPERIMENTS.md
ROUNDS = 10  # each ends with a validation, of which the last one counts
HORIZON_SEASONS, MIN_HORIZON = 2, 6  # steps of a window after its history
SETTLED = ("network", "cell", "layers", "units", "residual")  # by the pretrained network
MIN_HOLDOUT, HOLDOUT_SHARE = 3, 4  # fewer rows choose badly, if a quarter of a series has more
HISTORY_SHARE = 2  # a history is at least half of a typical series
MAX_TYPICAL = 400  # rows of a series, of which more teach a network more than the pretraining did


def starts_pretrained(options: TrainingOptions, panel: Panel) -> bool:
    """Whether a training is to start from the pretrained network.

    Args:
        options: of the training.
        panel: of which at least one series has to be long enough to train on.

    Raises:
        DataError: if there is none.
    """
    require_rows(panel)
    if options.start in (None, "auto"):
        return options.is_open and typical_length(panel) <= MAX_TYPICAL
    return options.start == "pretrained"


def choose_fine_tuning(options: TrainingOptions, panel: Panel) -> Choices:
    """Settle everything that the options leave open for a training from the pretrained network.

    Args:
        options: of the training.
        panel: of one target or several, perhaps with covariates.

    Raises:
        DataError: if no series is long enough to train on, or a covariate is of no use.
        OptionError: if an option does not fit the data.
    """
    require_rows(panel)
    known = zero_shot_config(panel, options.season, options.bounds)
    config, plan = choose(_settled(options, known, panel), panel)
    config = replace(
        config,
        season=known.season,
        seasons=known.seasons,
        lags=known.lags,
        cycles=_new_cycles(config, known),
        bounds=(*known.bounds, *config.bounds[1:]),
        direct=config.head == known.head and plan.feedback[-1] == "free",
        histories=True,
        reads=enough_rows(known.seasons),
    )
    plan = replace(plan, rounds=min(ROUNDS, plan.rounds), covariate_rate=1.0)
    return Choices(config, plan)


def _settled(options: TrainingOptions, known: Config, panel: Panel) -> TrainingOptions:
    """The options, with all that the pretrained network settles and what suits its training."""
    given = {entry.name: getattr(options, entry.name) for entry in fields(TrainingOptions)}
    season, typical = known.season, typical_length(panel)
    horizon = max(HORIZON_SEASONS * season, MIN_HORIZON)
    shortest = min(MIN_HOLDOUT, typical // HOLDOUT_SHARE)
    takes_more = panel.known.names or panel.static.names or len(panel.schema.targets) > 1
    defaults = {
        "members": 1 if takes_more else 2,  # theta knows nothing of covariates
        "holdout": max(default_holdout(season, typical), shortest),
        "feedback": ("free",),
        "steps": STEPS,
        "learning_rate": RATE,
        "batch_size": BATCH,
        "train_horizon": max(min(horizon, typical // 3), 2),
    }
    chosen = {name: value for name, value in defaults.items() if given[name] is None}
    settled = {name: getattr(known, name) for name in SETTLED}
    if options.head not in SPREADS:  # the median alone is among the quantiles
        settled["head"] = known.head
    own = {"windows": "histories", "transform": "none", "context": known.context}
    return TrainingOptions(**{**given, **chosen, **settled, **own})


def _new_cycles(config: Config, known: Config) -> tuple[str, ...]:
    """Calendar cycles of the table that are not among the seasons of the pretrained network."""
    lengths = {cycle: config.frequency.steps_in(cycle) for cycle in config.cycles}
    return tuple(
        cycle
        for cycle, steps in lengths.items()
        if all(abs(season - steps) > SAME_CYCLE * steps for season in known.seasons)
    )


def histories(windows: Windows, config: Config, plan: Plan) -> Histories:
    """The windows of a panel for a training from the pretrained network.

    Args:
        windows: of the panel, of any lengths.
        config, plan: made by `choose_fine_tuning`.
    """
    lengths = np.diff(windows.indptr)
    longest = int(lengths.max()) - 2 * plan.holdout
    reads = max(min(config.reads, longest), config.context)
    typical = int(np.median(lengths[lengths >= MIN_ROWS]))
    return Histories(
        windows=replace(windows, context=reads, window_length=reads + plan.train_horizon),
        scale_rows=config.context,
        season=config.season,
        min_rows=min(max(typical // HISTORY_SHARE, MIN_HISTORY), longest - 1),
    )
