"""`forecast inspect`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from forecast.errors import ArtifactError

from .output import MODEL, Say, command, count_series, print_data, print_json

if TYPE_CHECKING:
    from forecast.model import Model


LISTED = 20  # series shown to people


@click.command(short_help="Show what a model is made of and how good it is.")
@click.argument("model", type=click.Path(), default=MODEL)
@click.option("--state", is_flag=True, help="Show the state: each series and where it ends.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@command
def inspect(model: str, state: bool, as_json: bool, say: Say) -> None:  # noqa: ARG001
    """Show what MODEL is made of, how training went, and how good it is.

    With --state MODEL may also be a file that predict --keep-state has written.

    \b
    Examples:
      forecast inspect
      forecast inspect stores.forecast --json
      forecast inspect later.state --state
    """
    if state:
        show_state(model, as_json)
        return
    from forecast.model import Model

    fitted = Model.load(model)
    if as_json:
        print_json(everything(fitted))
        return
    try:
        lines = description(model, fitted)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        raise ArtifactError(f"{model}: its training record is damaged; train again") from None
    for line in lines:
        print_data(line)


def show_state(path: str, as_json: bool) -> None:
    """Print the series of a state, where each ends and the range of its values."""
    from forecast.inference.state import State

    held = State.load(path)
    text = held.frequency.text
    rows = [
        {"id": name, "last_time": text(time), "low": low, "high": high}
        for name, time, low, high in zip(
            held.ids.tolist(),
            held.time.tolist(),
            held.extent.low[:, 0].tolist(),
            held.extent.high[:, 0].tolist(),
            strict=True,
        )
    ]
    size = sum(array.nbytes for array in held.arrays().values())
    if as_json:
        print_json({"fingerprint": held.fingerprint, "bytes": size, "series": rows})
        return
    print_data(
        f"{path}: the state of {count_series(len(rows))}, {size:,} bytes, "
        f"model {held.fingerprint[:8]}"
    )
    for row in rows[:LISTED]:
        print_data(
            f"  {row['id']}: until {row['last_time']}, values from {row['low']:g} to "
            f"{row['high']:g}"
        )
    if len(rows) > LISTED:
        print_data(f"  and {len(rows) - LISTED:,} more; --json shows all")


def everything(model: Model) -> dict[str, Any]:
    """The model's config, state and record as plain values."""
    last = model.config.schema.text(model.config.frequency, int(model.state.time.max()))
    return {
        "model": model.config.to_json(),
        "fingerprint": model.state.fingerprint,
        "weights": sum(part.size for part in model.weights.values()),
        "series": len(model.state.ids),
        "last_time": last,
        "training": model.record,
    }


def description(path: str, model: Model) -> list[str]:
    """The same for people."""
    from forecast.evaluation.comparison import Exposure
    from forecast.nn import HEADS, NETWORKS
    from forecast.report.text_summary import summary

    config, facts = model.config, everything(model)
    schema, plan, gap = config.schema, model.record["plan"], model.record["exposure"]
    advises = plan["feedback"] == "teacher" and not HEADS[config.head].RANDOM
    is_fed_back = NETWORKS[config.network].FEEDS_BACK
    columns = f"time '{schema.time}', a column per series"
    if schema.layout != "wide":
        names = [("id", schema.id), ("time", schema.time)]
        names += [("target", name) for name in schema.targets]
        names += [("known", one.name) for one in config.known]
        names += [("static", one.name) for one in config.static]
        columns = ", ".join(f"{role} '{name}'" for role, name in names if name is not None)
    return [
        f"{path}: {facts['weights']:,} weights, model {facts['fingerprint'][:8]}",
        f"Data: {schema.layout} table, {columns}; {config.frequency.label}; "
        f"trained on {count_series(model.record['series'])}, {model.record['rows']:,} rows.",
        f"State: {count_series(facts['series'])}, until {facts['last_time']}.",
        *(f"  {note}" for note in model.record["notes"]),
        f"Head: {config.head}. Windows: {plan['windows']}, {plan['context']} steps of context and "
        f"{plan['horizon']} to forecast. Feedback: {feedback(plan)}.",
        *summary(model),
        *([Exposure(**gap).sentence(advises)] if gap and is_fed_back else []),
    ]


def feedback(plan: dict[str, Any]) -> str:
    """What the network was fed, with the choices of scheduled sampling where there was any."""
    regimes = plan["feedback"].replace(">", " then ")
    if "scheduled" not in plan["feedback"]:
        return str(regimes)
    share = f"{plan['first_ratio']:.0%} to {plan['last_ratio']:.0%}"
    return (
        f"{regimes} ({share} true values, {plan['schedule']}, {plan['mixing']}, by "
        f"{plan['mix_by']})"
    )
