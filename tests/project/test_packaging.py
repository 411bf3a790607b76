"""The two distributions: their metadata, and what is in their files."""

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

import forecast

ROOT = Path(__file__).parents[2]
FULL = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SMALL = tomllib.loads((ROOT / "small" / "pyproject.toml").read_text())["project"]
DIFFERENT = {"name", "description", "dependencies", "optional-dependencies"}
SHIPPED = (".py", ".csv", ".md", ".typed", ".html", ".css", ".js", ".txt", ".forecast")
TRAINING = {"keras", "scikit-learn", "tensorflow"}
AS_EXTRAS = {"matplotlib": "plot", "pyarrow": "parquet", "scipy": "monitor"}  # of the small one
VERSION = forecast.__version__


def names_of(requirements):
    return {re.match(r"[\w-]+", requirement)[0] for requirement in requirements}


# What the two say of themselves


def test_the_distributions_say_the_same_of_themselves_but_for_their_names():
    assert FULL.keys() == SMALL.keys()
    for key in FULL.keys() - DIFFERENT:
        assert FULL[key] == SMALL[key], key


def test_the_small_one_lacks_what_a_training_needs_and_has_the_rest_as_extras():
    missing = {*FULL["dependencies"]} - {*SMALL["dependencies"]}

    assert {*SMALL["dependencies"]} < {*FULL["dependencies"]}
    assert names_of(missing) == TRAINING | AS_EXTRAS.keys()
    for name, extra in AS_EXTRAS.items():
        assert {*SMALL["optional-dependencies"][extra]} <= missing
        assert names_of(SMALL["optional-dependencies"][extra]) == {name}


def test_an_extra_of_both_is_the_same():
    full, small = FULL["optional-dependencies"], SMALL["optional-dependencies"]

    assert small.items() <= full.items()
    assert full.keys() - small.keys() == {"dev", "docs", "mlflow", "sktime", "tune"}


def test_every_package_is_listed():
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    folders = tools["package-dir"]
    found = {
        ".".join((package, *path.parent.relative_to(ROOT / folder).parts))
        for package, folder in folders.items()
        for path in (ROOT / folder).rglob("*.py")
    }

    assert sorted(tools["packages"]) == sorted(found)


# What is in the wheels


@pytest.fixture(params=["full", "small"])
def wheel(request):
    return request.getfixturevalue(f"{request.param}_wheel")


@pytest.mark.slow
def test_a_wheel_holds_no_generic_top_level_names(wheel):
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    distribution = wheel.name.split("-")[0]

    assert tops == {"forecast", f"{distribution}-{VERSION}.dist-info"}


@pytest.mark.slow
def test_a_wheel_holds_every_module_and_data_file_of_the_repository(wheel):
    places = {"forecast": "forecast", "cli": "forecast/cli", "datasets": "forecast/datasets"}
    expected = {
        f"{place}/{path.relative_to(ROOT / name).as_posix()}"
        for name, place in places.items()
        for path in (ROOT / name).rglob("*")
        if path.suffix in SHIPPED
    }

    held = {name for name in zipfile.ZipFile(wheel).namelist() if "dist-info" not in name}

    assert held == expected


@pytest.mark.slow
def test_a_wheel_names_the_command_and_its_requirements(wheel):
    archive, distribution = zipfile.ZipFile(wheel), wheel.name.split("-")[0]
    folder = f"{distribution}-{VERSION}.dist-info"
    told = message_from_string(archive.read(f"{folder}/METADATA").decode())
    project = SMALL if distribution.endswith("small") else FULL
    required = [line for line in told.get_all("Requires-Dist") if "extra ==" not in line]

    assert archive.read(f"{folder}/entry_points.txt").decode().split() == [
        "[console_scripts]",
        "forecast",
        "=",
        "forecast.cli:main",
    ]
    assert (told["Name"], told["Version"]) == (project["name"], VERSION)
    assert (told["Summary"], told["License-Expression"]) == (
        project["description"],
        project["license"],
    )
    assert names_of(required) == names_of(project["dependencies"])
    assert told.get_all("Classifier") == project["classifiers"]


@pytest.mark.slow
def test_the_files_pass_the_checks_of_a_release(full_wheel, small_wheel, sdist):
    for check in (
        ["twine", "check", "--strict", full_wheel, small_wheel, sdist],
        ["check_wheel_contents", full_wheel, small_wheel],
    ):
        done = subprocess.run(
            [sys.executable, "-m", *check], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_the_same_wheels_can_be_built_from_the_sdist(
    full_wheel, small_wheel, sdist, build, tmp_path
):
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.iterdir()

    for wheel, place in ((full_wheel, folder), (small_wheel, folder / "small")):
        again = build(place, "--wheel")
        assert again.name == wheel.name
        assert contents(again) == contents(wheel)


def contents(wheel):
    """The checksums of the files in a wheel, by name."""
    return {info.filename: info.CRC for info in zipfile.ZipFile(wheel).infolist()}


# The full installation


@pytest.fixture(scope="module")
def installed(full_wheel, tmp_path_factory):
    """Run Python with the wheel unpacked and its dependencies, but not this checkout."""
    folder = tmp_path_factory.mktemp("installed")
    zipfile.ZipFile(full_wheel).extractall(folder / "site")
    paths = [folder / "site", *(path for path in sys.path if "site-packages" in path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}

    def run(*arguments):
        command = [sys.executable, "-S", *arguments]
        return subprocess.run(
            command, cwd=folder, env=environment, check=True, capture_output=True, text=True
        ).stdout

    return run


@pytest.mark.slow
def test_the_installed_package_is_the_wheels_and_its_command_works(installed):
    home = installed("-c", "import forecast; print(forecast.__file__)")
    listing = installed("-c", "from forecast.cli import main; main(['datasets'])")
    rows = installed("-c", "from forecast.datasets import load; print(len(load('co2')))")

    assert "installed" in home
    assert "air_passengers" in listing
    assert rows.strip() == "2284"
