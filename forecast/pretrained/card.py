"""What is to be known of the shipped network: how it was made, what it reached, where it is bad."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from forecast.inference.serialization import ModelParts
from forecast.pretrained.practised import ANY_SEASON, KINDS, Kind
from forecast.pretrained.pretraining import STEPS

HOURS = 2  # of one core, for so many steps
REACHED = (  # by benchmarks/untrained.py, see docs/pretrained.md
    "nine sets of the competitions M1, M3 and Tourism, averaged with theta: MASE 0.788 of the "
    "seasonal naive forecast's (AutoETS 0.847, AutoTheta 0.836)",
    "M4 hourly, alone: OWA 0.523 (seasonal naive 0.628)",
)
BAD_AT = (
    "yearly series whose growth slows down: 4 % behind AutoTheta on Tourism yearly",
    "a level that has shifted within the last season: the old one may come back a season later",
    "hourly series where nearly all depends on the day of the week",
)
NOT_FOR = (
    "covariates and several targets: train with --known, --static or --also",
    "seasons and horizons beyond those above: forecasts may be less accurate, and a note says so",
    "what only a calendar explains, such as public holidays: train with --holidays",
    "what other series tell about one: it sees one series at a time",
)


def card(parts: ModelParts) -> dict[str, Any]:
    """What is known of the pretrained network, as plain values."""
    practised = [
        {"seasons": list(kind.seasons), "rows": list(kind.rows), "horizon": list(kind.horizon)}
        for kind in KINDS
    ]
    return {
        "model": parts.config.to_json(),
        "weights": sum(array.size for array in parts.weights.values()),
        "trained_on": "generated series",
        "steps": STEPS,
        "hours_of_one_core": HOURS,
        "practised": practised,
        "reached": list(REACHED),
        "bad_at": list(BAD_AT),
        "not_for": list(NOT_FOR),
    }


def card_text(parts: ModelParts) -> Iterator[str]:
    """The same for people."""
    config, facts = parts.config, card(parts)
    yield (
        f"pretrained: {facts['weights']:,} weights, {config.layers} layers of {config.units} "
        f"{config.cell.upper()} units"
    )
    yield (
        f"Trained for {STEPS:,} gradient steps ({HOURS:g} hours of one core) on generated series "
        "alone, never on real data. It has practised:"
    )
    for seasons in dict.fromkeys(kind.seasons for kind in KINDS):
        farthest = max((k for k in KINDS if k.seasons == seasons), key=lambda kind: kind.horizon)
        yield f"  {_practised(farthest)}"
    yield "What it reached on the test parts of public sets:"
    yield from (f"  {line}" for line in REACHED)
    yield "It is bad at:"
    yield from (f"  {line}" for line in BAD_AT)
    yield "Forecasts of monthly and longer steps are averaged with those of the theta method."
    yield "It takes the past of one target, of any frequency. It is not for:"
    yield from (f"  {line}" for line in NOT_FOR)
    yield "How well does it do? forecast backtest TABLE --horizon N --model pretrained"


def _practised(kind: Kind) -> str:
    """A kind of series in words."""
    season, longer = kind.seasons
    name = f"seasons of {season} and {longer} steps" if longer else f"a season of {season} steps"
    if not season:
        name = f"any season of {ANY_SEASON[0]} to {ANY_SEASON[-1]} steps"
    elif season == 1:
        name = "no season"
    rows = f"{kind.rows[0]:,} to {kind.rows[1]:,} rows"
    return f"{name}: {rows}, up to {kind.horizon[1]} steps ahead"
