import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SHIPPED = (".py", ".csv", ".md", ".typed", ".html", ".css", ".js", ".txt", ".forecast")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in ("forecast", "cli", "datasets"):
        copy = [path for path in (ROOT / name).rglob("*") if "__pycache__" not in path.parts]
        for path in filter(Path.is_file, copy):
            target = source / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        (source / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder]
    subprocess.run([*command, source], check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Run Python with the wheel unpacked and its dependencies, but not this checkout."""
    folder = tmp_path_factory.mktemp("installed")
    zipfile.ZipFile(wheel).extractall(folder / "site")
    paths = [folder / "site", sysconfig.get_path("purelib")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}

    def run(*arguments):
        command = [sys.executable, "-S", *arguments]
        return subprocess.run(
            command, cwd=folder, env=environment, check=True, capture_output=True, text=True
        ).stdout

    return run


def test_the_wheel_holds_no_generic_top_level_names(wheel):
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}

    assert tops == {"forecast", "forecast_rollout-0.1.0.dist-info"}


def test_the_wheel_holds_every_module_and_data_file_of_the_repository(wheel):
    places = {"forecast": "forecast", "cli": "forecast/cli", "datasets": "forecast/datasets"}
    expected = {
        f"{place}/{path.relative_to(ROOT / name).as_posix()}"
        for name, place in places.items()
        for path in (ROOT / name).rglob("*")
        if path.suffix in SHIPPED
    }

    held = {name for name in zipfile.ZipFile(wheel).namelist() if "dist-info" not in name}

    assert held == expected


def test_the_wheel_names_the_command(wheel):
    entry_points = zipfile.ZipFile(wheel).read("forecast_rollout-0.1.0.dist-info/entry_points.txt")

    assert entry_points.decode().split() == [
        "[console_scripts]",
        "forecast",
        "=",
        "forecast.cli:main",
    ]


def test_the_installed_package_is_the_wheels_and_its_command_works(installed):
    home = installed("-c", "import forecast; print(forecast.__file__)")
    listing = installed("-c", "from forecast.cli import main; main(['datasets'])")
    rows = installed("-c", "from forecast.datasets import load; print(len(load('co2')))")

    assert "installed" in home
    assert "air_passengers" in listing
    assert rows.strip() == "2284"
