"""Every example of the documentation is run."""

import doctest
import importlib
import pkgutil
import re
import shlex
import subprocess
import sys
import types
import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from click.testing import CliRunner
from scipy import stats

import forecast
import forecast.datasets
from forecast import Forecaster, load
from forecast.cli import main
from forecast.datasets import load as load_dataset
from forecast.nn import HEADS, NETWORKS
from forecast.training.feedback import REGIMES, Regime

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
FORECAST = Path(sys.executable).with_name("forecast")
README = (ROOT / "README.md").read_text()
VARIES = (
    "Trained",
    "  weights: ",
    "On the held-out",
    "Empirical coverage",
)  # lines of the example whose numbers depend on the machine
SMALL = "--units 2 --steps 2"
FEW = "--steps 2 --trials 2"
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/*.md", "datasets/*.md")
    for path in ROOT.glob(pattern)
)
ENGINE_WARNINGS = pytest.mark.filterwarnings(
    "ignore:PySpark does not yet fully support pandas",
    "ignore::ResourceWarning",
    "ignore::DeprecationWarning:ray",
)
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
    table.to_csv("visits.csv", index=False)
    Path("stores").mkdir()
    for store, rows in table.groupby("store"):
        rows.drop(columns="store").to_csv(f"stores/{store}.csv", index=False)
    priced = table.assign(price=np.arange(len(table)) % 3 + 1.0)
    shops = priced.assign(region=table["store"].str[0], visitors=3 * table["units"])
    shops.to_csv("shops.csv", index=False)
    next_day.assign(price=2.0).to_csv("monday.csv", index=False)
    coming = pd.date_range(days[-1] + days.freq, periods=30)
    pd.DataFrame({"day": coming, "price": 2.0}).to_csv("prices.csv", index=False)


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


@pytest.mark.usefixtures("sales", "untrained", "small_backtests", "ends_at_once")
def test_every_command_in_the_readmes_table_runs():
    commands = [
        command
        for row in re.findall(r"^\| [a-z].*\|$", README, re.M)
        for command in re.findall(r"`(forecast [^`]*)`", row)
    ]
    Path("lake").mkdir()
    pd.read_csv("sales.csv", parse_dates=["day"]).to_parquet("lake/rows.parquet", index=False)
    run(f"forecast train sales.csv {SMALL}")

    for command in commands:
        trains = " train " in command or " backtest " in command
        command += f" {SMALL}" if trains and "pretrained" not in command else ""
        run(f"{command} {FEW}" if " tune " in command else command)

    assert len(commands) == 45


@pytest.mark.usefixtures("sales", "untrained", "small_backtests")
@pytest.mark.parametrize(
    ("page", "count", "table", "rows"),
    [
        ("docs/guide.md", 8, "next-fortnight.csv", 28),
        ("docs/evaluation.md", 8, "forecasts.csv", 11 * 6 * 12),
        ("docs/explanation.md", 3, "effects.csv", 7 * 2 * 14),
        ("docs/pretrained.md", 10, "next-year.csv", 11 * 12),
        ("docs/export.md", 3, "predicted.csv", 2 * 7),
        ("docs/monitoring.md", 3, "jobs.csv", 11 * 120),
    ],
)
def test_the_commands_of_a_guide_run(page, count, table, rows):
    commands = re.findall(r"^\$ forecast (\w+) (.*)$", (ROOT / page).read_text(), re.M)

    for command, words in commands:
        trains = command in ("train", "backtest") and "pretrained" not in words
        small = SMALL if trains and "--steps 0" not in words else ""
        run(f"forecast {command} {small} {words} {FEW if command == 'tune' else ''}")

    assert len(commands) == count
    assert len(pd.read_csv(table)) == rows


@ENGINE_WARNINGS
@pytest.mark.usefixtures("sales", "untrained")
def test_the_commands_of_the_page_on_scale_run():
    table = pd.read_csv("sales.csv", parse_dates=["day"])
    run(f"forecast train sales.csv --model sales.forecast {SMALL}")
    for folder, rows in (("lake", table[:-30]), ("today", table)):
        Path(folder).mkdir()
        rows.to_parquet(f"{folder}/rows.parquet")
    commands = re.findall(r"^\$ (forecast .*)$", (ROOT / "docs/scale.md").read_text(), re.M)

    for command in commands:
        run(command)

    assert len(commands) == 9
    assert len(pd.read_parquet("tonight")) == 2 * 28
    assert len(pd.read_parquet("by-dask")) == len(pd.read_parquet("by-spark")) == 2 * 28


def as_pattern(shown):
    """A pattern of what a page shows, where ... stands for anything."""
    return ".*".join(map(re.escape, shown.split("...")))


@pytest.mark.usefixtures("sales", "untrained")
def test_the_page_on_serving_shows_what_is_answered():
    run(f"forecast train sales.csv --model sales.forecast {SMALL}")
    page = (ROOT / "docs/serving.md").read_text()
    blocks = re.findall(r"```console\n\$ (.*?)\n(.*?)```", page, re.S)
    (command, said), *questions = blocks
    words = shlex.split(command.replace("forecast", str(FORECAST), 1))
    service = subprocess.Popen([*words, "--port", "0"], stderr=subprocess.PIPE, text=True)
    try:
        lines = [service.stderr.readline() for _ in said.splitlines()]
        port = re.search(r":(\d+)/", lines[-1])[1]
        assert "".join(lines).replace(port, "8000") == said

        for command, shown in questions:
            words = shlex.split(command.replace("8000", port))
            patient = [*words, "--retry-connrefused", "--retry", "20", "--retry-delay", "1"]
            answer = subprocess.run(patient, capture_output=True, text=True, check=True).stdout
            assert re.fullmatch(as_pattern(shown.strip()), answer.strip()), answer
    finally:
        service.terminate()
        service.communicate()

    assert len(questions) == 6


def read_in(folder, spark):
    """Let a session of Spark, which may have begun elsewhere, look for files in a folder."""
    hadoop = spark._jvm.org.apache.hadoop.fs
    files = hadoop.FileSystem.get(spark._jsc.hadoopConfiguration())
    files.setWorkingDirectory(hadoop.Path(str(folder)))


# sktime 1.2 says of each of its own forecasters that a default will change
@pytest.mark.filterwarnings("ignore:The default of config:FutureWarning")
@pytest.mark.parametrize(
    "page",
    [
        *("README.md", "docs/tables.md", "docs/guide.md"),
        *("docs/state.md", "docs/training.md", "docs/evaluation.md", "docs/pretrained.md"),
        "docs/serving.md",
        "docs/export.md",
        "docs/explanation.md",
        "docs/monitoring.md",
        pytest.param("docs/scale.md", marks=ENGINE_WARNINGS),
    ],
)
def test_every_python_example_of_a_page_is_true(page, tmp_path, monkeypatch, request):
    monkeypatch.chdir(tmp_path)
    if page == "docs/scale.md":
        read_in(tmp_path, request.getfixturevalue("spark"))
        request.getfixturevalue("ray_data")  # begun quietly
    if page in (
        "docs/guide.md",
        "docs/evaluation.md",
        "docs/explanation.md",
        "docs/pretrained.md",
        "docs/export.md",
        "docs/scale.md",
        "docs/serving.md",
    ):  # which show no result of a training
        request.getfixturevalue("untrained")
    else:
        request.getfixturevalue("trained_once")

    outcome = doctest.testfile(
        str(ROOT / page), module_relative=False, optionflags=doctest.ELLIPSIS
    )

    assert outcome.attempted > 3
    assert outcome.failed == 0


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.usefixtures("small_backtests")
def test_every_docstring_example_is_true(name, request):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries that a heavy module imports first
        module = importlib.import_module(name)
    request.getfixturevalue("untrained")  # no example shows a result of a training

    assert doctest.testmod(module, optionflags=doctest.ELLIPSIS).failed == 0


@pytest.fixture
def added(monkeypatch):
    """The modules of the contributors' guide, each with its entry in a table."""
    page = (ROOT / "CONTRIBUTING.md").read_text()
    blocks = re.findall(r"```python\n# (\S+)\.py\n(.*?)```", page, re.S)
    modules = {}
    for path, code in blocks:
        name = path.replace("/", ".")
        modules[path.rsplit("/", 1)[1]] = module = types.ModuleType(name)
        monkeypatch.setitem(sys.modules, name, module)
        exec(compile(code, f"{path}.py", "exec"), module.__dict__)
    monkeypatch.setitem(HEADS, "laplace", modules["laplace"])
    monkeypatch.setitem(
        REGIMES, "noisy", Regime("forecast.training.feedback.noisy", feeds_back=False)
    )
    monkeypatch.setitem(NETWORKS, "skip", modules["skip"].Skip)
    return modules


@pytest.mark.usefixtures("added")
def test_a_head_a_regime_and_a_network_that_are_added_work_together(tmp_path):
    table = load_dataset("air_passengers")
    tiny = {"steps": 3, "units": 3, "layers": 2, "seed": 1}

    model = Forecaster(network="skip", feedback="noisy", head="laplace", **tiny).fit(table).model_

    forecast = model.rollout(4, levels=80)
    assert forecast.table.notna().all(axis=None)
    assert (forecast.table["forecast-lo-80"] < forecast.table["forecast-hi-80"]).all()
    model.save(tmp_path / "model.forecast")
    assert load(tmp_path / "model.forecast").predict(4).equals(model.predict(4))
    compiled = model.predict(4, runtime="compiled")["forecast"]
    np.testing.assert_allclose(compiled, forecast.table["forecast"], rtol=1e-5)
    part = model.rollout(2)
    rest = model.predict(2, state=part.state)["forecast"]
    np.testing.assert_allclose(rest, forecast.table["forecast"][2:], rtol=1e-5)
    exported = run_exported(model, tmp_path / "graphs", 4)
    np.testing.assert_allclose(exported, forecast.table["forecast"], rtol=1e-5)


def run_exported(model, folder, horizon):
    """The forecast of an exported model of one series, by onnxruntime."""
    model.export(folder)
    session = onnxruntime.InferenceSession(folder / "rollout.onnx")
    features = model.config.calendar(model.state.times_after(horizon)).transpose(1, 0, 2)
    given = {**model.state.arrays(), "horizon": np.array(horizon), "step_features": features}
    names = {one.name for one in session.get_inputs()}
    inputs = {name: np.ascontiguousarray(given[name]) for name in names}
    return session.run(["forecast"], inputs)[0].ravel()


def test_the_added_head_is_the_laplace_distribution(added):
    params, levels = np.array([[1.5, 0.3]]), np.linspace(0.05, 0.95, 7)
    scale = np.logaddexp(0.0, 0.3) + 1e-4
    expected = stats.laplace(1.5, scale)

    found = [added["laplace"].quantile(np, params, level).item() for level in levels]
    loss = added["laplace"].loss(np, params, np.array([[4.0]]))

    np.testing.assert_allclose(found, expected.ppf(levels), rtol=1e-9)
    assert loss.item() == pytest.approx(-expected.logpdf(4.0))


def anchors(page):
    """The anchors of a page's headings, as a code host and the site make them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
    headings = re.findall(r"^#+ (.*)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_a_page_leads_somewhere(page):
    place = ROOT / page

    for link in re.findall(r"\]\((?![a-z]+:)([^)\s]+)\)", place.read_text()):
        path, _, anchor = link.partition("#")
        target = place.parent / path if path else place
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_is_in_the_navigation_of_the_site():
    named = re.findall(r"- [^:\n]+: (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.M)

    assert len(named) == len(set(named)) == len(PAGES)


def test_every_public_name_is_in_the_reference():
    entries = re.findall(r"^::: (\S+)$", (ROOT / "docs/reference.md").read_text(), re.M)

    assert {f"forecast.{name}" for name in forecast.__all__} <= set(entries)
    assert {f"forecast.datasets.{name}" for name in forecast.datasets.__all__} <= set(entries)


def test_the_tree_of_the_architecture_is_that_of_the_package():
    page = (ROOT / "docs/ARCHITECTURE.md").read_text()
    tree = page[page.index("    forecast/\n") : page.index("    cli/, datasets/")]
    stems = {
        path.stem for path in (ROOT / "forecast").rglob("*.py") if not path.stem.startswith("_")
    }

    assert {stem for stem in stems if not re.search(rf"\b{stem}\b", tree)} == set()
    assert {*re.findall(r"(\w+)\.py", tree)} <= stems
