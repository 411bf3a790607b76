"""The settings of a service: models, files of states, token, and limits of requests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from forecast.errors import OptionError


@dataclass(frozen=True)
class Limits:
    """How much one request may ask for.

    Attributes:
        body: bytes of a request.
        seconds: until its body has arrived, and again until it is answered.
        horizon: steps of a forecast.
        series: of a forecast.
        values: of a forecast: steps times series times sample paths.
    """

    body: int = 16_000_000
    seconds: float = 30.0
    horizon: int = 10_000
    series: int = 10_000
    values: int = 500_000


@dataclass(frozen=True)
class Settings:
    """What is served, where states are kept, and to whom.

    Attributes:
        models: paths of model files by the names that requests give.
        states: the file that keeps the states of each model.
        token: that requests which change something must carry; None for none.
        limits: of each request.
        monitors: whether `/metrics` says how well the models still fit, see `Watcher`.
    """

    models: Mapping[str, str]
    states: Mapping[str, str]
    token: str | None = field(default=None, repr=False)
    limits: Limits = Limits()
    monitors: bool = False

    @classmethod
    def of(
        cls,
        models: tuple[str, ...],
        states: str | None = None,
        token: str | None = None,
        limits: Limits = Limits(),
        monitors: bool = False,
    ) -> Self:
        """The settings for model files, each of which is named by its file.

        Args:
            models: paths.
            states: the folder of the files that keep states; by default each lies beside its model.
            token, limits, monitors: see `Settings`.

        Raises:
            OptionError: if two files have the same name.
        """
        named: dict[str, str] = {}
        for path in models:
            name = Path(path).stem
            if name in named:
                raise OptionError(
                    f"{named[name]} and {path} would both be served as '{name}'; rename one of them"
                )
            named[name] = path
        kept = {
            name: str((Path(states) if states else Path(path).parent) / f"{name}.states")
            for name, path in named.items()
        }
        return cls(named, kept, token, limits, monitors)

    def to_json(self) -> str:
        """All of them as text, for another process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The inverse of `to_json`."""
        values: dict[str, Any] = json.loads(text)
        return cls(**{**values, "limits": Limits(**values["limits"])})
