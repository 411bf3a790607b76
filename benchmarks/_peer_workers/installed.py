"""What packages need of others, and how large and how new all that is, as it is installed."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

TOLD = (
    *("forecast-rollout", "tensorflow", "keras", "neuralforecast", "darts", "gluonts"),
    *("skforecast", "lightgbm", "torch", "pytorch-lightning", "lightning", "numpy", "pandas"),
)


def closure(packages: Iterable[str]) -> set[str]:
    """Names of the installed distributions that packages need, their own among them."""
    found: set[str] = set()
    seen: set[str] = set()
    waiting = list(packages)
    while waiting:
        wanted = Requirement(waiting.pop())
        key = f"{wanted.name}{sorted(wanted.extras)}"
        if key in seen:
            continue
        seen.add(key)
        try:
            needs = metadata.requires(wanted.name) or []
        except metadata.PackageNotFoundError:  # optional, or for another system
            continue
        found.add(metadata.distribution(wanted.name).metadata["Name"])
        waiting += [need for need in needs if applies(Requirement(need), wanted.extras)]
    return found


def applies(need: Requirement, extras: set[str]) -> bool:
    """Whether a requirement holds here, for a distribution with such extras."""
    return need.marker is None or any(
        need.marker.evaluate({"extra": extra}) for extra in ("", *extras)
    )


def bytes_of(name: str) -> int:
    """The size of the files of an installed distribution."""
    files = metadata.distribution(name).files or []
    paths = [Path(str(file.locate())) for file in files]
    return sum(path.stat().st_size for path in paths if path.is_file())


def versions(names: Iterable[str]) -> dict[str, str]:
    """The versions of Python and of those packages that tell most of the figures."""
    told = {name: metadata.version(name) for name in sorted(names) if name.lower() in TOLD}
    return {"Python": platform.python_version(), **told}
