"""What a caller of the graphs has to know, as plain values: `model.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from forecast._version import __version__
from forecast.data.covariates import Covariate
from forecast.data.frequency import Frequency
from forecast.export.graphs import levels_of, networks
from forecast.export.ports import Graph
from forecast.inference.config import Config
from forecast.inference.members import Core
from forecast.inference.season_phases import PHASES

FORMAT = 1  # raised when a caller of earlier folders could no longer use a new one
ORDINALS = {
    "integer": "the number itself",
    "microsecond": "microseconds since 1970-01-01, of the clock time without its zone",
    "business day": "business days since 1970-01-01; a weekend counts as the Monday after it",
    "month": "months since January 1970",
}
CYCLES = {
    "day": "share of the day that has passed since midnight",
    "week": "share of the week that has passed since Monday",
    "year": "share of the year that has passed since 1 January; of months, (ordinal mod 12) / 12",
}
TRANSFORMS = {0.0: "log", 0.5: "square root", 1.0: "none"}


def description(core: Core, graphs: Mapping[str, Graph], missing: Mapping[str, str]) -> Any:
    """All that is needed to read a table, call the graphs, and write their forecasts.

    Args:
        core: of the model.
        graphs: by the name of their file.
        missing: why there is no graph, by the name of the file that it would have.
    """
    config, schema = core.config, core.config.schema
    parts: list[dict[str, Any]] = [{} for _ in range(len(core.others) + 1)]
    for place, own in networks(core).items():
        parts[place] = _network(own, place)
    for place, member in enumerate(core.others, 1):
        parts[place] = {"kind": member.kind, **(parts[place] or member.about())}
    return {
        "format": FORMAT,
        "library": __version__,
        "fingerprint": core.fingerprint,
        "id": schema.id,
        "time": schema.time,
        "targets": list(schema.targets),
        "frequency": {**_frequency(config.frequency), "ordinal": ORDINALS[config.frequency.unit]},
        "horizon": config.horizon,
        "bounds": [list(bounds) for bounds in config.bounds],
        "quantile_levels": list(levels_of(core)),
        "static": [asdict(covariate) for covariate in config.static],
        "members": [
            {"share": share, **part} for share, part in zip(core.shares, parts, strict=True)
        ],
        "graphs": {name: graph.to_json() for name, graph in graphs.items()},
        "missing": dict(missing),
        "state": {"ids": "state.json", "arrays": "state.safetensors", "outputs": "after."},
    }


def _frequency(frequency: Frequency) -> dict[str, Any]:
    return {**asdict(frequency), "name": frequency.name, "label": frequency.label}


def _network(config: Config, place: int) -> dict[str, Any]:
    """A network among the members, and how its step features are computed."""
    return {
        "kind": "network",
        "network": config.network,
        "head": config.head,
        "transform": [TRANSFORMS[power] for power in config.powers],
        "scale": "a unit" if config.counts else "location and spread",
        "context": config.context,
        "lags": list(config.lags),
        "input": f"{place}.step_features" if place else "step_features",
        "step_features": step_features(config),
    }


def step_features(config: Config) -> list[dict[str, Any]]:
    """The step features that a caller computes, in their order.

    Args:
        config: of a network.

    Returns:
        For each group the kind, the number of columns, and what they are made from.
    """
    seasons = [
        {
            "kind": "season",
            "season": season,
            "columns": PHASES,
            "is": "sine and cosine of 2 pi (number mod season) / season, log(season) / 2 - 1, and "
            "1, where number is the ordinal divided by the step, rounded down; zeros for a "
            "season of 0 or 1",
        }
        for season in config.seasons
    ]
    cycles = [
        {
            "kind": "cycle",
            "cycle": cycle,
            "columns": 2,
            "is": f"sine and cosine of 2 pi times the {CYCLES[cycle]}",
        }
        for cycle in config.cycles
    ]
    holidays = [
        {
            "kind": "holiday",
            "place": config.holidays,
            "columns": 1,
            "is": "1 on a public holiday of the place, in clock time, else 0",
        }
    ]
    known = [_covariate(covariate) for covariate in config.known]
    return [*seasons, *cycles, *(holidays if config.holidays else []), *known]


def _covariate(covariate: Covariate) -> dict[str, Any]:
    """How a column of a table enters a network."""
    number = "(number - location) / scale"
    category = "1 in the column of the category, in their order, and 0 in the others"
    flag = "; then 1 where there is a cell, else 0" if covariate.has_missing else ""
    return {
        "kind": "known",
        "columns": covariate.width,
        **asdict(covariate),
        "is": f"{category if covariate.categories else number}, zeros where missing{flag}",
    }
