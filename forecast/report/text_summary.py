"""How a training went, and how good the model is, in words."""

from __future__ import annotations

from collections.abc import Iterator

from forecast.inference.config import Config
from forecast.model import Model
from forecast.training_record import TrainingRecord

ENDED = {
    "planned": "",
    "early": " (ended early: the validation loss no longer improved)",
    "budget": " (shortened by the time budget)",
    "interrupted": " (interrupted: the best weights so far are kept)",
}
FEEDBACK = {"teacher": "teacher forcing", "scheduled": "scheduled sampling", "free": "free running"}
TRANSFORMS = {0.0: "logarithm", 0.5: "square root", 1.0: "none"}


def summary(model: Model) -> list[str]:
    """How training went, and how good the model is, in words; nothing where there was none."""
    record, config = model.record, model.config
    if record is None:
        return []
    lines = [_training(record, config), _inputs(config)]
    lines += [f"  {note}" for note in (*_weights(record), *_bounds(config))]
    if record.comparison is None:
        why = "Nothing was held out"
        if record.plan.holdout:
            why = "The held-out steps were not evaluated"
        return [*lines, f"{why}, so there is no comparison with the seasonal naive forecast."]
    lines.append(record.comparison.sentence())
    for name, comparison in record.also.items():
        if comparison:
            lines.append(f"For '{name}': {comparison.sentence()}")
    return [*lines, *_coverage(record)]


def _training(record: TrainingRecord, config: Config) -> str:
    last = record.rounds[-1]
    layers = "1 layer" if config.layers == 1 else f"{config.layers} layers"
    steps = "1 gradient step" if last.step == 1 else f"{last.step:,} gradient steps"
    feedback = ", then ".join(FEEDBACK.get(phase, phase) for phase in record.phases)
    return (
        f"Trained {config.network} ({layers} of {config.units} {config.cell.upper()} units; "
        f"{feedback}): {steps} in {last.seconds:,.0f} s{ENDED[record.ended]}."
    )


def _inputs(config: Config) -> str:
    covariates = [covariate.name for covariate in (*config.known, *config.static)]
    holidays = f", holidays of {config.holidays}" if config.holidays else ""
    columns = f", covariates {covariates}" if covariates else ""
    transform = ", ".join(TRANSFORMS[power] for power in config.powers)
    return (
        f"  inputs: last value, lags {list(config.lags)}, calendar {list(config.cycles)}"
        f"{holidays}{columns}; transform: {transform}; scale: last {config.context} steps"
    )


def _weights(record: TrainingRecord) -> Iterator[str]:
    """Says which weights were kept, if not the last ones, and why."""
    last, phases = record.rounds[-1], record.plan.feedback
    if record.kept_step < last.step:
        yield f"weights: from step {record.kept_step:,}, the best on the validation rows"
    is_validated = last.validation_loss is not None or record.ended == "interrupted"
    if record.plan.holdout and not is_validated:
        yield "the validation rows have no observed value: the last weights are kept"
    missed = phases[len(record.phases) :]
    if missed:
        names = " and ".join(FEEDBACK.get(phase, phase) for phase in missed)
        yield f"training ended before the feedback phase {names}"


def _bounds(config: Config) -> Iterator[str]:
    """Says which forecasts are clipped."""
    for d, (name, bounds) in enumerate(zip(config.schema.forecasts, config.bounds, strict=True)):
        if bounds != (None, None):
            forecasts = "forecasts" if name == "forecast" else f"forecasts of '{name}'"
            hint = "; change it with --bounds" if d == 0 else ""
            yield f"{forecasts} are kept {bounds}{hint}"


def _coverage(record: TrainingRecord) -> Iterator[str]:
    """Says how many of the held-out actuals lie in intervals of 80 % …"""
    if record.coverage:
        shares = record.coverage.items()
        text = ", ".join(f"{share:.0f}% (nominal {level}%)" for level, share in shares)
        yield (
            f"Empirical coverage on the held-out steps: {text}; get intervals with predict "
            "--levels."
        )
