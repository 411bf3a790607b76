"""The fitted model: it encodes histories and rolls forecasts out, without TensorFlow."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from forecast import artifact, randomness, scaling
from forecast.cell import Carry, Cell
from forecast.config import Config
from forecast.encoding import encode
from forecast.errors import ArtifactError, DataError, ForecastError, OptionError
from forecast.network import HEADS, NETWORKS
from forecast.panel import Panel, to_panel
from forecast.rollout import rollout
from forecast.state import State, join

if TYPE_CHECKING:
    import pandas as pd

CHUNK = 4096  # rows rolled out together: keeps memory flat and compiled shapes few
COMPILED_PAYS = 20_000_000  # steps x rows above which importing and compiling pays for itself
RUNTIMES = ("auto", "numpy", "compiled")
PATHS = 200  # sample paths behind an interval


@dataclass(frozen=True, eq=False)
class Forecast:
    """A rollout's outcome.

    Attributes:
        table: the user's id and time columns, `forecast`, and the bounds of each level.
        paths: sample paths (S, n, H, D) in the units of the data, or None.
        state: of the S series after the last step of the deterministic rollout.
    """

    table: pd.DataFrame
    paths: np.ndarray | None
    state: State


@dataclass(frozen=True, eq=False)
class Model:
    """A trained network with the state of the series it was trained on.

    Attributes:
        config: what the model is made of.
        weights: named arrays.
        state: of the training series after their last row.
        record: how training went, plain values.
    """

    config: Config
    weights: dict[str, np.ndarray]
    state: State
    record: dict[str, Any]

    def panel(self, table: Any, **where: Any) -> Panel:
        """Pass a table with the columns of the training data through the gate.

        Args:
            table: of the layout that the model was trained on.
            where: `source` and `first_line` of `to_panel`, for its messages.

        Raises:
            DataError: if the table does not fit.
        """
        schema = self.config.schema
        roles = {"id": schema.id, "time": schema.time, "target": schema.targets[0]}
        expected = {
            "long": ("id", "time", "target"),
            "wide": ("time",),
            "series": ("time", "target"),
        }
        given: dict[str, Any] = {
            role: roles[role]
            for role in expected[schema.layout]
            if not schema.is_series and roles[role] not in schema.index
        }
        panel = to_panel(table, frequency=self.config.frequency.name, **given, **where)
        if schema.layout == "series" and len(panel.ids) > 1:
            raise DataError(
                f"{where.get('source', 'the table')}: {len(panel.ids)} series, told apart by "
                f"'{panel.schema.id}', but the model was trained on a table of one series without "
                "such a column; give one series, or train on such a table"
            )
        return panel

    def encode(self, history: Any) -> State:
        """The state of series after their history.

        Args:
            history: a table with the columns that the model was trained on, or a `Panel`.

        Raises:
            DataError: if the table does not fit.
        """
        panel = history if isinstance(history, Panel) else self.panel(history)
        return encode(panel, self.config, self.cell(), self.state.fingerprint)

    def predict(self, horizon: int, history: Any = None, **options: Any) -> pd.DataFrame:
        """Forecast the next steps; the table of `rollout`, which takes the same arguments."""
        return self.rollout(horizon, history, **options).table

    def rollout(
        self,
        horizon: int,
        history: Any = None,
        *,
        state: State | None = None,
        series: Sequence[Any] | None = None,
        levels: float | Sequence[float] = (),
        paths: int = 0,
        seed: int = 0,
        runtime: str = "auto",
    ) -> Forecast:
        """Forecast the next steps of each series by feeding the model its own values.

        Args:
            horizon: how many steps H.
            history: a table to continue; by default the training data is continued.
            state: what to continue instead, such as the state of an earlier forecast.
            series: ids to forecast; by default all.
            levels: widths of intervals in percent, such as 80 or (80, 95), from sample paths.
            paths: sample paths per series, n; with levels at least 200.
            seed: chooses the sample paths.
            runtime: "numpy", "compiled" (TensorFlow), or "auto": compiled for huge panels.

        Returns:
            The table, the paths and the state after the rollout.

        Raises:
            OptionError: if an argument is out of range or does not fit the model.
            DataError: if the history does not fit or a series is unknown.
            ForecastError: if the rollout leaves the finite numbers.
        """
        if history is not None and state is not None:
            raise OptionError("give a history or a state to continue, not both")
        levels = tuple(np.atleast_1d(levels).tolist())
        self._check(horizon, state, levels, paths, seed, runtime)
        start = state or (self.state if history is None else self.encode(history))
        start = start if series is None else start.select(series)
        self._check_reach(horizon, start)
        if runtime == "auto":
            rows = len(start.ids) * max(paths, PATHS if levels else 0, 1)
            runtime = "compiled" if rows * horizon >= COMPILED_PAYS else "numpy"
        centre, after = self._run(start, horizon, 0, seed, runtime)
        self._check_finite(centre, start)
        sampled = None
        if levels or paths:
            count = max(paths, PATHS) if levels else paths
            sampled, _ = self._run(start, horizon, count, seed, runtime)
            self._check_finite(sampled, start)
        table = self._table(start, centre[:, 0], sampled, levels)
        return Forecast(table, sampled, after)

    def cell(self) -> Cell:
        """The model's step on NumPy."""
        return make_cell(self.config, self.weights)

    def save(self, path: str | Path) -> None:
        """Write the model to one file, see `artifact.save`."""
        artifact.save(path, self.config, self.weights, self.state, self.record)

    @classmethod
    def load(cls, path: str | Path) -> Model:
        """Read a model that `save` has written, see `artifact.load`."""
        model = cls(*artifact.load(path))
        if model.state.fingerprint != fingerprint(model.config, model.weights):
            raise ArtifactError(f"{path}: its parts do not belong together; train again")
        return model

    def _check(
        self,
        horizon: int,
        state: State | None,
        levels: tuple[float, ...],
        paths: int,
        seed: int,
        runtime: str,
    ) -> None:
        for name, value, least in (("horizon", horizon, 1), ("paths", paths, 0), ("seed", seed, 0)):
            whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
            if not whole or value < least:
                shown = repr(value) if isinstance(value, str) else value
                raise OptionError(
                    f"{name} is {shown}; it must be a whole number of at least {least}"
                )
        if seed >= 2**64:
            raise OptionError(f"seed is {seed}; it must be below 2**64")
        numbers = all(isinstance(level, int | float | np.number) for level in levels)
        if not numbers or not all(0 < level < 100 for level in levels):
            raise OptionError(f"levels are {list(levels)}; each must lie between 0 and 100 percent")
        if (levels or paths) and not HEADS[self.config.head].RANDOM:
            raise OptionError(
                f"the model's head {self.config.head!r} gives no distribution; train with "
                "--head student_t (head='student_t' in Python) for levels and sample paths"
            )
        if runtime not in RUNTIMES:
            raise OptionError(f"runtime is {runtime!r}; it must be one of {', '.join(RUNTIMES)}")
        if state is not None and state.fingerprint != self.state.fingerprint:
            raise OptionError(
                f"the state belongs to model {state.fingerprint[:8]}, this is model "
                f"{self.state.fingerprint[:8]}; encode the history with this model"
            )

    def _check_reach(self, horizon: int, start: State) -> None:
        last = int(start.time.max(initial=0))
        room = (np.iinfo(np.int64).max - last) // self.config.frequency.step
        if horizon > room:
            raise OptionError(f"horizon is {horizon}; time can be counted for {room} more steps")

    def _run(
        self, start: State, horizon: int, count: int, seed: int, runtime: str
    ) -> tuple[np.ndarray, State]:
        """Values (S, n, H, D) in the units of the data, and the state after (of S * n rows)."""
        copies = max(count, 1)
        size = max(CHUNK // copies, 1)
        pieces, states = [], []
        for first in range(0, len(start.ids), size):
            rows = np.arange(first, min(first + size, len(start.ids)))
            piece = start.take(np.repeat(rows, copies))
            uniforms = self._uniforms(start.take(rows), horizon, count, seed) if count else None
            path, after = self._advance(piece, horizon, uniforms, runtime)
            values = scaling.backward(path.transpose(1, 0, 2), piece.scale, self.config.power)
            pieces.append(values.reshape(len(rows), copies, horizon, -1))
            states.append(after)
        return np.concatenate(pieces), join(states)

    def _advance(
        self, start: State, horizon: int, uniforms: np.ndarray | None, runtime: str
    ) -> tuple[np.ndarray, State]:
        """Scaled values (H, B, D) and the state after them."""
        times = self._times(start, horizon)  # (H, B)
        frequency, cycles = self.config.frequency, self.config.cycles
        calendar = frequency.calendar(times.ravel(), cycles).reshape(*times.shape, -1)
        if runtime == "compiled":
            from forecast import compiled

            names = (self.config.network, self.config.head, self.config.lags)
            path, memory = compiled.run(
                names, self.weights, start.value, start.memory, calendar, uniforms
            )
        else:
            step = self.cell().rollout_step(calendar, uniforms)
            path, carry = rollout(step, start.value, Carry(0, start.memory), horizon)
            memory = carry.memory
        return path, replace(start, time=times[-1], value=path[-1], memory=memory)

    def _times(self, start: State, horizon: int) -> np.ndarray:
        """Ordinals of the next steps, (H, S)."""
        return start.time + self.config.frequency.step * np.arange(1, horizon + 1)[:, None]

    def _uniforms(self, start: State, horizon: int, count: int, seed: int) -> np.ndarray:
        """The randomness of sample paths, (H, S * n, D, 2)."""
        d = self.config.targets
        first = self.config.frequency.numbers(start.time) + 1
        drawn = randomness.uniforms(seed, start.ids, first, horizon, count * d * 2)
        return drawn.reshape(horizon, len(start.ids) * count, d, 2)

    def _check_finite(self, values: np.ndarray, start: State) -> None:
        wrong = np.argwhere(~np.isfinite(values))
        if len(wrong):
            s, _, step, _ = wrong[0]
            raise ForecastError(
                f"the forecast of series '{start.ids[s]}' is not finite from step {step + 1}; "
                "train longer, with a smaller --learning-rate, or with --transform none"
            )

    def _table(
        self,
        start: State,
        centre: np.ndarray,
        sampled: np.ndarray | None,
        levels: tuple[float, ...],
    ) -> pd.DataFrame:
        """The forecast as the user's kind of table, from values (S, H, D) and (S, n, H, D)."""
        horizon = centre.shape[1]
        columns = {"forecast": centre[..., 0].ravel()}
        if sampled is not None:
            for level in levels:
                for side, tail in (("lo", 50 - level / 2), ("hi", 50 + level / 2)):
                    bound = np.percentile(sampled[..., 0], tail, axis=1)
                    columns[f"forecast-{side}-{level:g}"] = bound.ravel()
        return self.config.schema.table(
            self.config.frequency,
            np.repeat(start.ids, horizon),
            self._times(start, horizon).T.ravel(),
            columns,
        )


def make_cell(config: Config, weights: dict[str, np.ndarray]) -> Cell:
    """The step of a model on NumPy."""
    network = NETWORKS[config.network].of(np, weights)
    return Cell(np, network, HEADS[config.head], config.lags)


def fingerprint(config: Config, weights: dict[str, np.ndarray]) -> str:
    """A name for the model that a state belongs to: a hash of all that shapes its steps."""
    digest = hashlib.blake2b(json.dumps(config.to_json(), sort_keys=True).encode(), digest_size=16)
    for name in sorted(weights):
        digest.update(name.encode() + weights[name].tobytes())
    return digest.hexdigest()


def load(path: str | Path) -> Model:
    """Read a model from the file that `Model.save` or `forecast train` has written.

    Raises:
        ArtifactError: if the file is missing, damaged, foreign, or of a newer format.
    """
    return Model.load(path)
