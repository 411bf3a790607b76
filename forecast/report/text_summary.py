"""How a training went, and how good the model is, in words."""

from __future__ import annotations

from collections.abc import Iterator

from forecast.inference.bounds import Bounds
from forecast.inference.config import Config
from forecast.model import Model
from forecast.training.progress import PlanChange
from forecast.training_record import TrainingRecord

ENDINGS = {
    "planned": "",
    "early": " (stopped early: the validation loss no longer decreased)",
    "budget": " (shortened by --budget)",
    "interrupted": " (interrupted: the best weights so far are kept)",
}
REGIMES = {
    "teacher": "teacher forcing",
    "scheduled": "scheduled sampling",
    "free": "free running",
}
MEMBERS = {"network": "the pretrained network", "theta": "the theta method"}
TRANSFORMS = {0.0: "logarithm", 0.5: "square root", 1.0: "none"}


def summary(model: Model) -> list[str]:
    """The lines that `forecast train` prints at its end; none where a training is not known."""
    record, config = model.record, model.config
    if model.is_zero_shot:
        details = [*_members(model), *_limits(config)]
        return [_no_training(config), *(f"  {detail}" for detail in details)]
    if record is None:
        return []
    return [
        _training(record, config),
        *(f"  {detail}" for detail in _members(model)),
        *(f"  {detail}" for detail in _details(record, config)),
        *_accuracy(record),
    ]


def _no_training(config: Config) -> str:
    """Which network forecasts where none was trained, and what it assumes."""
    seasons = " and ".join(f"{steps:,}" for steps in config.seasons if steps > 1)
    return (
        "Nothing was trained: the pretrained network forecasts; "
        f"{f'season: {seasons} steps' if seasons else 'no season'}; scale: last "
        f"{config.context} steps; practised: {config.horizon} steps ahead."
    )


def _training(record: TrainingRecord, config: Config) -> str:
    """The network, the feedback, and how long the training took."""
    last = record.rounds[-1]
    layers = "1 layer" if config.layers == 1 else f"{config.layers} layers"
    steps = "1 gradient step" if last.step == 1 else f"{last.step:,} gradient steps"
    feedback = ", then ".join(REGIMES.get(phase, phase) for phase in record.phases)
    network = f"{MEMBERS['network']} further" if record.plan.starts_pretrained else config.network
    return (
        f"Trained {network} ({layers} of {config.units} {config.cell.upper()} units; "
        f"{feedback}): {steps} in {last.seconds:,.0f} s{ENDINGS[record.ended]}."
    )


def _details(record: TrainingRecord, config: Config) -> Iterator[str]:
    """The inputs, the weights that were kept, phases that were not reached, and the bounds."""
    yield _inputs(config)
    yield from _weights(record)
    if record.changes:
        yield _lowered(record.changes)
    unreached = record.plan.feedback[len(record.phases) :]
    if unreached:
        phases = " and ".join(REGIMES.get(phase, phase) for phase in unreached)
        yield f"training ended before the phase {phases}"
    yield from _limits(config)


def _weights(record: TrainingRecord) -> Iterator[str]:
    """Which weights the model has, where they are not simply the last ones."""
    last, again = record.rounds[-1], record.steps_on_all_rows
    if again:
        steps = "1 step" if again == 1 else f"{again:,} steps"
        yield f"weights: from a repetition of {steps} on all rows, held-out ones included"
    elif record.plan.starts_pretrained and not record.kept_step:
        is_worse = any(part.validation_loss is not None for part in record.rounds)
        reason = "made the validation loss worse" if is_worse else "ended before a validation"
        yield f"weights: the pretrained ones, since training {reason}"
    elif record.kept_step < last.step:
        yield f"weights: from step {record.kept_step:,}, the lowest validation loss"
    is_validated = last.validation_loss is not None or record.ended == "interrupted"
    if record.plan.holdout and not is_validated:
        yield "weights: the last ones, since no value is observed in the validation rows"


def _lowered(changes: tuple[PlanChange, ...]) -> str:
    """When the time budget has lowered the planned steps, and how far."""
    last = changes[-1]
    line = (
        f"planned: {changes[0].before:,} steps, lowered to {last.after:,} by --budget "
        f"at step {changes[0].step:,}"
    )
    return line if len(changes) == 1 else f"{line} and again, last at step {last.step:,}"


def _members(model: Model) -> Iterator[str]:
    """What each member of a model counts for in its forecasts."""
    if model.others:
        own = MEMBERS["network"] if model.is_zero_shot else "the trained network"
        names = [own, *(MEMBERS[member.kind] for member in model.others)]
        parts = [f"{n} {s:.0%}" for n, s in zip(names, model.shares, strict=True)]
        yield f"forecasts are the mean of {', '.join(parts)}"


def _inputs(config: Config) -> str:
    """The inputs of the network, and how values are transformed and scaled."""
    parts = [
        "last value",
        f"lags {[lag for lag in config.lags if lag]}",
        f"calendar {list(config.cycles)}",
    ]
    if config.holidays:
        parts.append(f"holidays of {config.holidays}")
    covariates = [covariate.name for covariate in (*config.known, *config.static)]
    if covariates:
        parts.append(f"columns {covariates}")
    transforms = ", ".join(TRANSFORMS[power] for power in config.powers)
    return (
        f"inputs: {', '.join(parts)}; transform: {transforms}; scale: last {config.context} steps"
    )


def _limits(config: Config) -> Iterator[str]:
    """The bounds of the forecasts of each target that has some."""
    names = config.schema.forecasts
    for name, bounds in zip(names, config.bounds, strict=True):
        if bounds != Bounds():
            forecasts = "forecasts" if name == "forecast" else f"forecasts of '{name}'"
            option = "; set other limits with --bounds" if name == names[0] else ""
            yield f"{forecasts} are limited to {_range(bounds)}{option}"


def _range(bounds: Bounds) -> str:
    """Bounds in words: "0 or above", "100 or below", "0 to 100"."""
    if bounds.low is not None and bounds.high is not None:
        return f"{bounds.low:g} to {bounds.high:g}"
    return f"{bounds.high:g} or below" if bounds.low is None else f"{bounds.low:g} or above"


def _accuracy(record: TrainingRecord) -> Iterator[str]:
    """The comparison with the naive forecast on held-out steps, and the coverage of intervals."""
    if record.comparison is None:
        reason = "No steps were held out"
        if record.plan.holdout:
            reason = "The held-out steps were not evaluated"
        yield f"{reason}, so there is no comparison with a naive forecast."
        return
    yield record.comparison.sentence()
    for target, comparison in record.also.items():
        if comparison:
            yield f"For '{target}': {comparison.sentence()}"
    if record.coverage:
        coverage = ", ".join(
            f"{share:.0f}% (nominal {level}%)" for level, share in record.coverage.items()
        )
        yield (
            f"Empirical coverage on the held-out steps: {coverage}; get intervals with predict "
            "--levels."
        )
