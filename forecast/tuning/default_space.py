"""The space of options that is worth trying on a table, around the defaults of a training on it."""

from __future__ import annotations

from typing import Any

from forecast.data.panel import Panel
from forecast.data.scaling import POWERS
from forecast.inference.preprocess import suits
from forecast.nn import HEADS
from forecast.training.options import TrainingOptions
from forecast.training.plan import Choices as Settled
from forecast.tuning.space import DEFAULTS, Choices, Range, Space

FACTORS = (0.5, 1, 2)  # of context, units and batch size
RATES = (0.25, 2.0)  # of the learning rate: the ends of its range
NETWORKS = ("lstm", "seasonal", "seq2seq")
FEEDBACK = (None, "teacher")  # None: what suits network and head


def default_space(options: TrainingOptions, panel: Panel, settled: Settled) -> Space:
    """What to try of each option that is left open.

    Sizes are halved and doubled; the learning rate lies between a quarter and twice the default.
    The head stays: heads are for different purposes.

    Args:
        options: of the training; those that are set are not tried.
        panel: the rows of the first training.
        settled: what the defaults come to on these rows.
    """
    plan, head = settled.plan, HEADS[options.head]
    rate = plan.learning_rate
    space: Space = {
        "network": Choices(NETWORKS),
        "context": _around(plan.context, least=2),
        "units": _around(plan.units),
        "layers": Choices((1, 2)),
        "learning_rate": Range(rate * RATES[0], rate * RATES[1], whole=False, log=True),
        "batch_size": _around(plan.batch_size),
    }
    if not head.RANDOM and options.windows == "random":
        space["feedback"] = Choices(FEEDBACK)
    if not head.COUNTS:
        target = panel.target[:, 0]
        space["transform"] = Choices(
            tuple(name for name, power in POWERS.items() if suits(power, target))
        )
    if options.windows != "random":
        del space["network"]
    return {
        name: entry
        for name, entry in space.items()
        if getattr(options, name) == DEFAULTS[name]
        and not (isinstance(entry, Choices) and len(entry.values) < 2)
    }


def default_values(options: TrainingOptions, settled: Settled, space: Space) -> dict[str, Any]:
    """What the options of a space are in a training that sets none of them."""
    values: dict[str, Any] = {}
    for name in space:
        if name == "transform":
            names = {power: word for word, power in POWERS.items()}
            values[name] = names[settled.config.powers[0]]
        elif name == "feedback":
            values[name] = None if None in space[name] else ",".join(settled.plan.feedback)
        else:
            values[name] = getattr(settled.plan, name, getattr(options, name))
    return values


def _around(value: int, least: int = 1) -> Choices:
    """Half of a size, the size, and twice the size."""
    return Choices(tuple(dict.fromkeys(max(round(value * factor), least) for factor in FACTORS)))
