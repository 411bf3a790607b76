"""Build the wheel of the small installation: the same packages, with fewer dependencies.

A build backend (PEP 517). It brings the packages of the folder above, with what that folder's
pyproject.toml says of them, next to the pyproject.toml of this folder, where setuptools builds.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from setuptools import build_meta

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent

Settings = dict[str, Any] | None


class UnsupportedOperation(Exception):  # noqa: N818 - its name in PEP 517
    """There is no such file of this distribution."""


def build_wheel(
    wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None
) -> str:
    """Build the wheel, and give its name."""
    target = str(Path(wheel_directory).resolve())
    with tempfile.TemporaryDirectory() as name:
        bring_together(Path(name))
        with contextlib.chdir(name):
            return str(build_meta.build_wheel(target, config_settings, metadata_directory))


def build_sdist(sdist_directory: str, config_settings: Settings = None) -> str:
    """Refuse: the source is that of forecast-rollout, whose sdist has this folder."""
    del sdist_directory, config_settings
    raise UnsupportedOperation("forecast-rollout-small is a wheel only: python -m build --wheel")


def bring_together(folder: Path) -> None:
    """Copy all that setuptools needs into an empty folder."""
    options = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    for package in options["package-dir"].values():
        shutil.copytree(
            ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    for document in (ROOT / "LICENSE", HERE / "README.md", HERE / "pyproject.toml"):
        shutil.copy(document, folder)
    given = {name.replace("-", "_"): value for name, value in options.items() if name != "dynamic"}
    (folder / "setup.py").write_text(
        f"import setuptools\n\nsetuptools.setup(**{given!r})\n", "utf-8"
    )
