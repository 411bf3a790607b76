"""`forecast inspect`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from forecast.errors import OptionError

from .output import MODEL, PRETRAINED, Say, command, count_series, print_data, print_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from forecast.inference.config import Config
    from forecast.model import Model
    from forecast.training.plan import Plan
    from forecast.training_record import TrainingRecord


MAX_LISTED_SERIES = 20


@click.command(short_help="Show a model's configuration and scores.")
@click.argument("path", type=click.Path(), required=False, metavar="[MODEL]")
@click.option("--model", "-m", type=click.Path(), help="The same as MODEL.")
@click.option("--state", is_flag=True, help="Show the state: each series and where it ends.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@command
def inspect(
    path: str | None,
    model: str | None,
    state: bool,
    as_json: bool,
    say: Say,  # noqa: ARG001
) -> None:
    """Show the configuration of MODEL, how its training went, and its scores.

    With --state MODEL may also be a file that predict --keep-state has written. MODEL may be
    "pretrained": the network that comes with this program, on what it was trained, and what for.

    \b
    Examples:
      forecast inspect
      forecast inspect stores.forecast --json
      forecast inspect later.state --state
      forecast inspect pretrained
    """
    if path is not None and model is not None:
        raise OptionError("MODEL and --model are the same; give one of them")
    chosen = path or model or MODEL
    if chosen == PRETRAINED:
        show_pretrained(state, as_json)
    elif state:
        show_state(chosen, as_json)
    else:
        show_model(chosen, as_json)


def show_model(path: str, as_json: bool) -> None:
    """Print the configuration of a model, its training and its scores."""
    from forecast.model import Model

    model = Model.load(path)
    if as_json:
        print_json(everything(model))
        return
    for line in description(path, model):
        print_data(line)


def show_pretrained(state: bool, as_json: bool) -> None:
    """Print on what the pretrained network was trained, and what it is for."""
    from forecast.pretrained.card import card, card_text
    from forecast.pretrained.zero_shot import shipped

    if state:
        raise OptionError("the pretrained network has no state, since it knows no series yet")
    parts = shipped()
    if as_json:
        print_json(card(parts))
        return
    for line in card_text(parts):
        print_data(line)


def show_state(path: str, as_json: bool) -> None:
    """Print the series of a state, where each ends and the range of its values."""
    from forecast.inference.state import State

    loaded = State.load(path)
    text = loaded.frequency.text
    rows = [
        {"id": name, "last_time": text(time), "low": low, "high": high}
        for name, time, low, high in zip(
            loaded.ids.tolist(),
            loaded.time.tolist(),
            loaded.extent.low[:, 0].tolist(),
            loaded.extent.high[:, 0].tolist(),
            strict=True,
        )
    ]
    size = sum(array.nbytes for array in loaded.arrays().values())
    if as_json:
        print_json({"fingerprint": loaded.fingerprint, "bytes": size, "series": rows})
        return
    print_data(
        f"{path}: the state of {count_series(len(rows))}, {size:,} bytes, "
        f"model {loaded.fingerprint[:8]}"
    )
    for row in rows[:MAX_LISTED_SERIES]:
        print_data(
            f"  {row['id']}: until {row['last_time']}, values from {row['low']:g} to "
            f"{row['high']:g}"
        )
    if len(rows) > MAX_LISTED_SERIES:
        print_data(f"  and {len(rows) - MAX_LISTED_SERIES:,} more; --json shows all")


def everything(model: Model) -> dict[str, Any]:
    """The model's config, state and record as plain values."""
    last = model.config.schema.text(model.config.frequency, int(model.state.time.max()))
    return {
        "model": model.config.to_json(),
        "fingerprint": model.state.fingerprint,
        "weights": model.size,
        "series": len(model.state.ids),
        "last_time": last,
        "training": model.record.to_json() if model.record else {},
    }


def description(path: str, model: Model) -> list[str]:
    """The same for people."""
    config, facts, record = model.config, everything(model), model.record
    lines = [
        f"{path}: {facts['weights']:,} weights, model {facts['fingerprint'][:8]}",
        f"Data: {config.schema.layout} table, {columns(config)}; {config.frequency.label}"
        + (f"; trained on {count_series(record.series)}, {record.rows:,} rows." if record else "."),
        f"State: {count_series(facts['series'])}, until {facts['last_time']}.",
    ]
    if model.is_zero_shot:
        from forecast.report.text_summary import summary

        lines += summary(model)
    return lines if record is None else [*lines, *training(model, record)]


def columns(config: Config) -> str:
    """Which column of the table was what."""
    schema = config.schema
    if schema.layout == "wide":
        return f"time '{schema.time}', a column per series"
    names = [("id", schema.id), ("time", schema.time)]
    names += [("target", name) for name in schema.targets]
    names += [("known", covariate.name) for covariate in config.known]
    names += [("static", covariate.name) for covariate in config.static]
    return ", ".join(f"{role} '{name}'" for role, name in names if name is not None)


def training(model: Model, record: TrainingRecord) -> Iterator[str]:
    """How training went."""
    from forecast.nn import HEADS, NETWORKS
    from forecast.report.text_summary import summary

    config, plan = model.config, record.plan
    yield from (f"  {note}" for note in record.notes)
    yield (
        f"Head: {config.head}. Windows: {plan.windows}, {plan.context} steps of context and "
        f"{plan.train_horizon} to forecast. Feedback: {feedback(plan)}."
    )
    yield from summary(model)
    if record.exposure and NETWORKS[config.network].FEEDS_BACK:
        advises = plan.feedback == ("teacher",) and not HEADS[config.head].RANDOM
        yield record.exposure.sentence(advises)


def feedback(plan: Plan) -> str:
    """The feedback regimes, with the options of scheduled sampling if there was any."""
    regimes = " then ".join(plan.feedback)
    if "scheduled" not in plan.feedback:
        return regimes
    first, last = plan.teacher_forcing_ratio
    return (
        f"{regimes} ({first:.0%} to {last:.0%} true values, {plan.schedule}, {plan.mixing}, by "
        f"{plan.mix_by})"
    )
