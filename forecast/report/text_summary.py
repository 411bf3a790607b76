"""How a training went, and how good the model is, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from forecast.training.feedback import regimes_of

if TYPE_CHECKING:
    from forecast.model import Model

ENDED = {
    "planned": "",
    "early": " (ended early: the validation loss no longer fell)",
    "budget": " (shortened by --budget)",
    "interrupted": " (interrupted: the best weights so far are kept)",
}


def summary(model: Model) -> list[str]:
    """How training went, and how good the model is, in words."""
    from forecast.evaluation.comparison import Comparison  # which takes pandas

    record, config, plan = model.record, model.config, model.record["plan"]
    last, kept, had_turn = record["rounds"][-1], record["kept"], record["regimes"]
    names = {0.0: "logarithm", 0.5: "square root", 1.0: "none"}
    transform = ", ".join(names[power] for power in config.powers)
    beside = [one.name for one in (*config.known, *config.static)]
    columns = f", columns {beside}" if beside else ""
    holidays = f", holidays of {config.holidays}" if config.holidays else ""
    lines = [
        f"Trained {config.network} ({config.layers} x {config.units} {config.cell.upper()} units, "
        f"feedback {' then '.join(had_turn)}) on {last['step']:,} "
        f"batch{'' if last['step'] == 1 else 'es'} in {last['seconds']:,.0f} s"
        f"{ENDED[record['ended']]}.",
        f"  inputs: last value, lags {list(config.lags)}, calendar {list(config.cycles)}"
        f"{holidays}{columns}; "
        f"transform: {transform}; scale: last {config.context} steps",
    ]
    if kept < last["step"]:
        lines.append(f"  weights: those after {kept:,} batches, the best on the validation")
    if plan["holdout"] and last["validation_loss"] is None and record["ended"] != "interrupted":
        lines.append("  no value is observed where the validation lies: the last weights are kept")
    missed = regimes_of(plan["feedback"])[len(had_turn) :]
    if missed:
        lines.append(f"  training ended before the turn of {' and '.join(missed)}")
    for name, bounds in zip(config.schema.forecasts, config.bounds, strict=True):
        if bounds != (None, None):
            whose = "forecasts" if name == "forecast" else f"forecasts of '{name}'"
            is_first = name == config.schema.forecasts[0]
            otherwise = "; --bounds says otherwise" if is_first else ""
            lines.append(f"  {whose} are kept {bounds}{otherwise}")
    if record["comparison"] is None:
        why = "Nothing was held out"
        if plan["holdout"]:
            why = "The held-out rows were not looked at"
        return [*lines, f"{why}, so there is no comparison with a naive forecast."]
    lines.append(Comparison(**record["comparison"]).sentence())
    for name, also in record["also"].items():
        if also:
            lines.append(f"Of '{name}': {Comparison(**also).sentence()}")
    return [*lines, *coverage(model)]


def coverage(model: Model) -> Iterator[str]:
    """Says how many of the held-out values intervals of 80 % … have held."""
    shares = model.record["coverage"]
    if shares:
        held = ", ".join(f"{share:.0f}% (of {level}%)" for level, share in shares.items())
        yield f"Intervals held {held} of those values; predict --levels gives them."
