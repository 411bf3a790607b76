"""A model in one file: config, weights, state and training record."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from forecast._version import __version__
from forecast.data.io.archive import (
    FileKind,
    check_arrays,
    is_packed,
    pack,
    readable_errors,
    refuse_other_format,
    unpack,
)
from forecast.data.scaling import POWERS
from forecast.errors import ArtifactError, require_whole
from forecast.inference import state as states
from forecast.inference.config import Config
from forecast.inference.conformal import Calibration
from forecast.inference.members import Core, Member, NetworkMember
from forecast.inference.state import State
from forecast.inference.theta_member import ThetaMember
from forecast.nn import HEADS, NETWORKS, seasonal
from forecast.nn.layers import CELLS, SCORES

FORMAT = 7  # raised when a file of a new kind can no longer be read by the code before it
READ_FORMATS = (5, 6, FORMAT)  # 5: without usual spreads; 6: without the network `seasonal`
PARTS = (
    "config.json",
    "weights.safetensors",
    *states.PARTS,
    "calibration.safetensors",
    "training.json",
)
MODEL_FILE = FileKind("model", "make one with: forecast train TABLE", "train again", "--model")


class ModelParts(NamedTuple):
    """What a model file holds."""

    core: Core
    state: State
    record: dict[str, Any]  # of the training, plain values; empty where there was none
    calibration: Calibration | None

    @property
    def config(self) -> Config:
        """What the first network is made of."""
        return self.core.config

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """Those of the first network."""
        return self.core.weights


def save(
    path: str | Path,
    core: Core,
    state: State,
    record: dict[str, Any],
    calibration: Calibration | None,
) -> None:
    """Write a model to one file, under a temporary name first: a crash leaves the old file.

    Args:
        path: where to.
        core, state, record, calibration: see `ModelParts`.

    Raises:
        ArtifactError: if the place cannot be written.
    """
    about = {"format": FORMAT, "library": __version__, "model": core.config.to_json()}
    if core.others:
        kinds = zip(core.shares[1:], core.others, strict=True)
        about["members"] = [
            {"kind": member.kind, "share": share, **member.about()} for share, member in kinds
        ]
    weights = {**core.weights, **states.numbered(member.arrays() for member in core.others)}
    scores = {"scores": calibration.scores} if calibration else {}
    parts = (about, weights, *states.to_parts(state), scores, record)
    pack(path, dict(zip(PARTS, parts, strict=True)), MODEL_FILE)


def load(path: str | Path) -> ModelParts:
    """Read and check a model file.

    Raises:
        ArtifactError: if the file is missing, damaged, foreign, or of a newer format.
    """
    if is_packed(path, states.PARTS):
        raise ArtifactError(
            f"{path}: a state, not a model; show it with: forecast inspect {path} --state, or "
            f"continue it with: forecast predict --state {path} --horizon N"
        )
    about, weights, description, arrays, scores, record = unpack(path, PARTS, MODEL_FILE)
    if about.get("format") not in READ_FORMATS:
        refuse_other_format(path, about.get("format"), FORMAT, MODEL_FILE)
    with readable_errors(path, MODEL_FILE):
        members = about.get("members", [])
        own, *parts = states.unnumbered(weights, len(members))
        config = _config(about["model"], own)
        core = Core(
            config,
            own,
            tuple(_member(entry, part) for entry, part in zip(members, parts, strict=True)),
            _shares(members),
        )
        state = states.from_parts(description, arrays)
        core.check(state)
        if len(set(state.ids.tolist())) < len(state.ids):
            raise ValueError("its ids are not all different")
        config.schema.table(config.frequency, state.ids, state.time, {})  # as forecasts are written
        calibration = _calibration(scores, config)
    return ModelParts(core, state, record, calibration)


def _config(values: dict[str, Any], weights: dict[str, np.ndarray]) -> Config:
    """The configuration of a network, which its weights fit."""
    config = Config.from_json(values)
    _refuse_unknown(config)
    _refuse_impossible(config)
    if config.layers > len(weights):  # the list of the shapes itself could fill the memory
        raise ValueError(f"it has weights for fewer than {config.layers} layers")
    check_arrays("weights", weights, _weight_shapes(config), {})
    return config


def _member(entry: dict[str, Any], weights: dict[str, np.ndarray]) -> Member:
    """A further member, from what a file says of it."""
    if entry["kind"] == NetworkMember.kind:
        return NetworkMember(_config(entry["model"], weights), weights)
    if entry["kind"] == ThetaMember.kind and not weights:
        require_whole("season", entry["season"], 1)
        return ThetaMember(entry["season"])
    raise ValueError(f"it has an unknown member {entry['kind']!r}")


def _shares(members: list[dict[str, Any]]) -> tuple[float, ...]:
    """The share of each member in a forecast."""
    others = [float(entry["share"]) for entry in members]
    shares = (1.0 - sum(others), *others)
    if not all(0 < share <= 1 for share in shares):
        raise ValueError(f"the shares of its members are {shares}")
    return shares


def _calibration(arrays: dict[str, np.ndarray], config: Config) -> Calibration | None:
    """The calibration of a file, if it has one."""
    if not arrays:
        return None
    steps, count = arrays["scores"].shape[:2]
    shapes = {"scores": (steps, count, config.targets)}
    check_arrays("calibration", arrays, shapes, {}, may_be_missing=("scores",))
    rising = np.diff(arrays["scores"], axis=1)
    if not steps or not (arrays["scores"][:, 0] >= 0).all() or (rising < 0).any():
        raise ValueError("its calibration holds impossible errors")
    return Calibration(arrays["scores"])


def _refuse_unknown(config: Config) -> None:
    """Raise ValueError where a config names something unknown."""
    if not config.targets == len(config.powers) == len(config.bounds):
        raise ValueError("its targets, powers and bounds are not equally many")
    usual = config.usual_spreads
    if usual and len(usual) != config.targets:
        raise ValueError("its usual spreads are not those of its targets")
    numbers = [part for one in usual for part in one if part is not None]
    if not all(0 < part < math.inf for part in numbers):
        raise ValueError("it holds impossible usual spreads")
    known = {"network": NETWORKS, "head": HEADS, "cell": CELLS, "score": SCORES}
    for name, table in known.items():
        if getattr(config, name) not in [*table]:
            raise ValueError(f"its {name} is {getattr(config, name)!r}, none of {', '.join(table)}")


def _refuse_impossible(config: Config) -> None:
    """Raise ValueError where numbers of a config cannot be those of a model."""
    for name in ("season", "layers", "units", "context", "horizon"):
        if getattr(config, name) < 1:
            raise ValueError(f"its {name} is {getattr(config, name)}; it is at least 1")
    if NETWORKS[config.network].LAG_FLAGS:
        _refuse_other_seasons(config)
    elif config.seasons or (config.lags and min(config.lags) < 1):
        raise ValueError(f"its lags {list(config.lags)} are not all at least 1, without seasons")
    if config.direct and not HEADS[config.head].RANDOM:
        raise ValueError(f"its head {config.head} has no quantiles")
    if not {*config.powers} <= {*POWERS.values()}:
        raise ValueError(f"its powers {list(config.powers)} are not those of a transform")
    for covariate in (*config.known, *config.static):
        if not (np.isfinite(covariate.location) and 0 < covariate.scale < np.inf):
            raise ValueError(f"its covariate {covariate.name!r} has an impossible scale")


def _refuse_other_seasons(config: Config) -> None:
    """Raise ValueError unless there is a season and a longer one, and the lags are theirs."""
    seasons = list(config.seasons)
    if len(seasons) != 2 or seasons[0] < 1 or seasons[1] < 0:
        raise ValueError(f"its seasons are {seasons}, not the steps of a shorter and a longer one")
    if seasonal.lags(seasons) != config.lags:
        raise ValueError(f"its lags {list(config.lags)} are not those of its seasons {seasons}")


def _weight_shapes(config: Config) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = NETWORKS[config.network].shapes(config.blueprint.sizes)
    return shapes
