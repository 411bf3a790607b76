"""Every example of the documentation is run."""

import doctest
import importlib
import pkgutil
import re
import shlex
import warnings
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

import forecast
import forecast.datasets
from forecast.cli import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
VARIES = ("Trained", "On the last")  # lines of the example whose numbers depend on the machine
PACKAGES = (forecast, forecast.datasets)
MODULES = sorted(
    {
        module.name
        for package in PACKAGES
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    }
)


@pytest.fixture
def sales(tmp_path, monkeypatch):
    """The tables that the examples speak of, in the current folder."""
    monkeypatch.chdir(tmp_path)
    days = pd.date_range("2024-01-01", periods=60, freq="D")
    stores = ["Bonn", "Ulm"]
    index = pd.MultiIndex.from_product([stores, days], names=["store", "day"])
    table = index.to_frame(index=False)
    table["units"] = [
        10.0 + day % 7 + 5 * (store == "Ulm") for store in stores for day in range(60)
    ]
    table.to_csv("sales.csv", index=False)
    table.to_csv("newer.csv", index=False)
    next_day = table.groupby("store").tail(1).assign(day=days[-1] + days.freq)
    next_day.to_csv("today.csv", index=False)


def run(line):
    """Run one line of a shell example in this process; `> file` is honoured."""
    words = shlex.split(line)
    assert words[0] == "forecast"
    arguments, target = words[1:], None
    if ">" in arguments:
        at = arguments.index(">")
        arguments, target = arguments[:at], arguments[at + 1]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, (line, result.stderr)
    if target:
        Path(target).write_text(result.stdout)
    return result


def test_the_console_example_prints_what_the_readme_shows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    block = re.search(r"```console\n(.*?)```", README, re.S)[1]
    shown, printed = [], []

    for line in block.splitlines():
        if line.startswith("$ "):
            result = run(line[2:])
            printed += result.stderr.splitlines()
        elif not line.startswith(VARIES):
            shown.append(line)

    assert [line for line in printed if not line.startswith(VARIES)] == shown
    assert len(pd.read_csv("next-years.csv")) == 24
    assert Path("air.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("sales")
def test_every_command_in_the_readmes_table_runs():
    commands = [
        command
        for row in re.findall(r"^\| [a-z].*\|$", README, re.M)
        for command in re.findall(r"`(forecast [^`]*)`", row)
    ]
    run("forecast train sales.csv --steps 2")

    for command in commands:
        run(command + (" --steps 2" if " train " in command else ""))

    assert len(commands) == 11


@pytest.mark.parametrize("page", ["README.md", "docs/state.md"])
def test_every_python_example_of_a_page_is_true(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    outcome = doctest.testfile(
        str(ROOT / page), module_relative=False, optionflags=doctest.ELLIPSIS
    )

    assert outcome.attempted > 5
    assert outcome.failed == 0


@pytest.mark.parametrize("name", MODULES)
def test_every_docstring_example_is_true(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries that a heavy module imports first
        module = importlib.import_module(name)

    assert doctest.testmod(module, optionflags=doctest.ELLIPSIS).failed == 0


def test_every_page_that_the_readme_links_to_exists():
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / link).exists(), link
