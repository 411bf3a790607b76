"""Panels and models for the tests: random but small, and made without TensorFlow."""

import gc
import hashlib
import json
import logging
import os
import pickle
import re
import shutil
import signal
import string
import sys
import warnings
import zipfile
import zlib
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from forecast.data.frequency import parse
from forecast.data.panel import Panel
from forecast.data.schema import Schema
from forecast.evaluation.rolling_origin import MAX_ROLLOUTS
from forecast.inference.bounds import Bounds
from forecast.inference.config import Config
from forecast.inference.encoding import encode
from forecast.inference.members import Core
from forecast.inference.network_rollout import make_step
from forecast.inference.state import ids_array
from forecast.model import Model
from forecast.nn import NETWORKS, seasonal
from forecast.training.progress import Progress

SCHEMA = Schema(
    layout="long",
    id="store",
    time="day",
    targets=("sold",),
    id_dtype="str",
    time_dtype="int64",
)
WITHOUT = Bounds()
SEASONS = (4, 12)  # of the network that looks at seasons
FEW_STEPS = 4  # of a training, which take less time than tracing its graph does
DATED = {"time_dtype": "datetime64[us]"}
SLOW_FILE = re.compile(r"^pytestmark = (\[\s*)?pytest\.mark\.slow\b", re.M)
SLOW_FIXTURES = {
    *("browser", "watched_page", "eager", "make_learner", "tensors"),
    *("trained", "trained_once"),
}
SLOW_LIBRARIES = ("tensorflow", "keras", "sktime", "statsforecast")


def pytest_addoption(parser):
    parser.addoption(
        "--quick",
        action="store_true",
        help="leave out what is marked slow, and block slow libraries and new processes",
    )


def pytest_configure(config):
    # A shell script starts its background jobs with SIGINT ignored, which children inherit.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.getoption("quick"):
        config.option.markexpr = "not slow"
        sys.modules.update(dict.fromkeys(SLOW_LIBRARIES))  # as if none was installed


def pytest_ignore_collect(collection_path, config):
    """Under --quick, a file that is slow as a whole is not even imported."""
    if config.getoption("quick") and collection_path.suffix == ".py":
        return bool(SLOW_FILE.search(collection_path.read_text())) or None
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if SLOW_FIXTURES & {*item.fixturenames}:
            item.add_marker(pytest.mark.slow)


def pytest_collection_finish(session):
    gc.freeze()  # the many modules imported by now need no look at every collection
    if session.config.getoption("quick"):
        sys.addaudithook(refuse_process)


def refuse_process(event, _):
    """An audit hook: what starts a process has to be marked slow."""
    if event in ("subprocess.Popen", "os.fork", "os.posix_spawn"):
        pytest.fail("this starts a process: mark the test slow")


def panel_of(*series, ids=None, frequency="1", first=0):
    """A panel of series (T,), of several targets (T, D); steps are counted from `first`."""
    spacing = parse(frequency)
    values = [np.asarray(one, dtype=np.float64) for one in series]
    names = [*string.ascii_lowercase, *(f"z{k:03}" for k in range(len(values)))]
    dated = DATED if spacing.unit != "integer" else {}
    return Panel(
        ids=ids_array(ids or names[: len(values)]),
        indptr=np.cumsum([0, *map(len, values)]).astype(np.int64),
        start=np.broadcast_to(np.asarray(first, np.int64), len(values)) * spacing.step,
        target=(target := np.concatenate(values).reshape(sum(map(len, values)), -1)),
        frequency=spacing,
        schema=Schema(**{**vars(SCHEMA), **dated, **targets_of(target)}),
    )


def targets_of(target):
    """The names and dtypes of targets (N, D)."""
    names = ("sold", "came", "left")[: target.shape[1]]
    return {"targets": names, "target_dtypes": ("float64",) * len(names)}


def random_panel(lengths, seed=0, missing=0.0, targets=1, **where):
    """Positive series of the given lengths; each has a value in its first and in its last row."""
    rng = np.random.default_rng(seed)
    series = []
    for length in lengths:
        shape = (length,) if targets == 1 else (length, targets)
        values = rng.gamma(4.0, 2.5, shape)
        gaps = rng.random(shape) < missing
        gaps[[0, -1]] = False
        series.append(np.where(gaps, np.nan, values))
    return panel_of(*series, **where)


def config_for(panel, power=1.0, bounds=WITHOUT, **choices):
    """A small configuration; any field can be given, those of targets for all of them."""
    chosen = {
        "schema": panel.schema,
        "frequency": panel.frequency,
        "season": 1,
        "network": "lstm",
        "head": "point",
        "cell": "lstm",
        "score": "dot",
        "residual": False,
        "layers": 1,
        "units": 4,
        "lags": (),
        "cycles": (),
        "holidays": None,
        "known": (),
        "static": (),
        "powers": (power,) * len(panel.schema.targets),
        "context": 8,
        "horizon": 4 if choices.get("network") == "repeat" else 1_000,  # else all is practised
        "bounds": (bounds,) * len(panel.schema.targets),
    }
    if choices.get("network") == "seasonal":  # which has lags of its own
        choices = {"seasons": SEASONS, **choices, "lags": seasonal.lags(SEASONS)}
    return Config(**{**chosen, **choices})


def random_weights(config, seed=0, size=0.4):
    """Weights that no training has touched."""
    rng = np.random.default_rng(seed)
    shapes = NETWORKS[config.network].shapes(config.blueprint.sizes)
    return {name: rng.normal(0, size, shape).astype(np.float32) for name, shape in shapes.items()}


def random_model(panel, seed=0, size=0.4, **choices):
    """A model of random weights that has seen the panel."""
    config = config_for(panel, **choices)
    weights = random_weights(config, seed, size)
    state = encode(panel, config, make_step(config, weights), Core(config, weights).fingerprint)
    return Model(config=config, weights=weights, state=state)


def parts_of(path):
    """The bytes of each part of a model or state file, by name."""
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def write_parts(path, parts):
    """Zip parts again: the checksums of the zip are those of the new content."""
    with zipfile.ZipFile(path, "w") as file:
        for name, content in parts.items():
            file.writestr(name, content)


def change_part(path, part, change, sealed=False):
    """Change the values of a JSON part or the arrays of another, in place.

    Sealed, the file also carries the digest of its state as changed.
    """
    parts = parts_of(path)
    is_json = part.endswith(".json")
    content = (json.loads if is_json else load_arrays)(parts[part])
    change(content)
    parts[part] = json.dumps(content).encode() if is_json else save_arrays(content)
    if sealed:
        held = json.loads(parts["state.json"])
        held["digest"] = digest_of(held, load_arrays(parts["state.safetensors"]))
        parts["state.json"] = json.dumps(held).encode()
    write_parts(path, parts)


def digest_of(held, arrays):
    """The digest that a file with these parts of a state carries."""
    names = [held[name] for name in ("ids", "frequency", "network", "fingerprint")]
    digest = hashlib.blake2b(json.dumps(names).encode(), digest_size=16)
    for name in sorted(arrays):
        digest.update(name.encode() + arrays[name].tobytes())
    return digest.hexdigest()


class Trap:
    """Unpickled, it leaves a mark."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


def trap(mark):
    """A pickle that makes a file where it is loaded."""
    return pickle.dumps(Trap(mark))


@pytest.fixture(scope="session")
def archive():
    """Ways into a model or state file: its parts, how to write or change them, and a trap."""
    return SimpleNamespace(parts=parts_of, write=write_parts, change=change_part, trap=trap)


@pytest.fixture(scope="module")
def browser():
    """Chromium, without a window."""
    from playwright.sync_api import sync_playwright

    place = shutil.which("chromium")
    if place is None:
        if os.environ.get("CI"):
            pytest.fail("there is no chromium; .ci/run installs it")
        pytest.skip("there is no chromium; install it to open pages in a browser")
    with sync_playwright() as playwright:
        # a root user, as in a container, has no sandbox
        yield (opened := playwright.chromium.launch(executable_path=place, args=["--no-sandbox"]))
        opened.close()


@pytest.fixture(params=[1280, 390], ids=["desktop", "phone"])
def watched_page(request, browser):
    """A page at desktop and phone width; afterwards no script of the data may have run.

    It notes the messages of its console and the addresses that it asks for.
    """
    page = browser.new_page(viewport={"width": request.param, "height": 800})
    messages, requests = [], []
    page.on("console", lambda message: messages.append((message.type, message.text)))
    page.on("pageerror", lambda error: messages.append(("error", str(error))))
    page.on("request", lambda asked: requests.append(asked.url))
    yield SimpleNamespace(page=page, width=request.param, messages=messages, requests=requests)
    hacked = page.evaluate("window.hacked")
    page.close()
    assert hacked is None


@pytest.fixture(scope="session")
def make_panel():
    return panel_of


@pytest.fixture(scope="session")
def make_random_panel():
    return random_panel


@pytest.fixture(scope="session")
def make_config():
    return config_for


@pytest.fixture(scope="session")
def make_weights():
    return random_weights


@pytest.fixture(scope="session")
def make_model():
    return random_model


@pytest.fixture(scope="session")
def assert_equal_states():
    """Compares two states: values and times exactly, what a network has summed up to 1e-6."""

    def compare(state, expected):
        assert state.ids.tolist() == expected.ids.tolist()
        assert state.fingerprint == expected.fingerprint
        for name, array in expected.arrays().items():
            tolerance = 1e-6 if name.startswith("network.") else 0
            np.testing.assert_allclose(
                state.arrays()[name], array, rtol=tolerance, atol=tolerance, err_msg=name
            )

    return compare


@pytest.fixture(scope="session")
def make_record():
    """Makes the record of a training of 40 gradient steps; any field can be given."""
    from forecast import TrainingRecord
    from forecast.training.plan import Plan
    from forecast.training.progress import Progress

    plan = Plan(
        layers=1,
        units=4,
        dropout=0.0,
        context=8,
        windows="random",
        feedback=("teacher", "free"),
        schedule="linear",
        teacher_forcing_ratio=(1.0, 0.0),
        mixing="exact",
        mix_by="step",
        train_horizon=4,
        holdout=0,
        batch_size=32,
        steps=40,
        rounds=2,
        patience=2,
        learning_rate=0.01,
        gradient_clip=1.0,
    )

    def make(**fields):
        rounds = (Progress(10, 40, 1.0, 3.0, None), Progress(40, 40, 3.2, 1.0, 2.0))
        chosen = {
            "library": "0.1.0",
            "series": 1,
            "rows": 60,
            "last": 0,
            "plan": plan,
            "rounds": rounds,
            "ended": "planned",
            "kept_step": 40,
            "phases": ("teacher", "free"),
            "phase_starts": (0, 30),
            "comparison": None,
            "also": {},
            "exposure": None,
            "coverage": None,
        }
        return TrainingRecord(**{**chosen, **fields})

    return make


@pytest.fixture(scope="session")
def sales():
    """Two stores, 60 days, a week's rhythm: a table as a user has it."""
    days = np.arange(60)
    rng = np.random.default_rng(5)
    stores = [
        pd.DataFrame(
            {
                "store": name,
                "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(days, unit="D"),
                "sold": level * (10 + 3 * np.sin(2 * np.pi * days / 7) + rng.normal(0, 0.5, 60)),
            }
        )
        for name, level in (("north", 1.0), ("south", 20.0))
    ]
    return pd.concat(stores, ignore_index=True)


@pytest.fixture(scope="session")
def trained(sales):
    """A forecaster after six steps of training, with sample paths; treat it as read-only."""
    from forecast import Forecaster

    choices = {"head": "student_t", "feedback": "teacher", "units": 4, "steps": 6, "seed": 1}
    return Forecaster(**choices).fit(sales)


@pytest.fixture
def untrained(monkeypatch):
    """Fits give random weights, others for another seed or other rows, without TensorFlow."""

    def fit(config, plan, windows, seed, *_):
        rows = getattr(windows, "windows", windows)  # of histories
        ends = np.maximum(rows.indptr[1:] - 2 * plan.holdout, rows.indptr[:-1])
        seen = [rows.target[a:b].tobytes() for a, b in zip(rows.indptr, ends, strict=False)]
        return SimpleNamespace(
            weights=random_weights(config, [seed, zlib.crc32(b"".join(seen))]),
            rounds=(Progress(step=1, steps=1, seconds=0.1, loss=1.0, validation_loss=None),),
            ended="planned",
            kept_step=1,
            phases=plan.feedback,
            phase_starts=(0,) * len(plan.feedback),
            changes=(),
        )

    monkeypatch.setitem(sys.modules, "forecast.training.fit", SimpleNamespace(fit=fit))
    monkeypatch.setattr("forecast.fitting.gc.collect", lambda: 0)  # there is no Keras model


@pytest.fixture
def ends_at_once(monkeypatch):
    """`forecast serve` says where it is, and ends."""
    monkeypatch.setattr("forecast.service.server._run", lambda *_: None)


@pytest.fixture
def small_backtests(monkeypatch):
    """Backtests by default have two levels, and no baseline that is fitted to each series.

    The measures of five levels take four times as long; fitting takes longer than all the rest.
    """
    monkeypatch.setattr("forecast.evaluation.rolling_origin.DEFAULT_LEVELS", (80.0, 95.0))
    for name in ("auto_ets", "auto_theta"):
        monkeypatch.setitem(MAX_ROLLOUTS, name, 0)


@contextmanager
def eagerly():
    """Within this context fits run operation by operation."""
    from forecast.training.keras_model import TrainableNetwork

    compile_graph = TrainableNetwork.compile
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(
            TrainableNetwork,
            "compile",
            lambda self, **options: compile_graph(self, **options, run_eagerly=True),
        )
        yield


@pytest.fixture
def eager():
    """Fits run operation by operation: before few steps, tracing a graph takes far longer."""
    with eagerly():
        yield


@pytest.fixture
def trained_once(monkeypatch):
    """Equal trainings run once, and those of few steps operation by operation."""
    from forecast.training import fit as training

    run, outcomes = training.fit, {}

    def fit(config, plan, windows, seed, *rest):
        rows = getattr(windows, "windows", windows)  # of histories
        arrays = rows.target, rows.step_features, rows.indptr
        key = repr((config, plan, seed)), *(array.tobytes() for array in arrays)
        if key not in outcomes:
            with eagerly() if plan.steps <= FEW_STEPS else nullcontext():
                outcomes[key] = run(config, plan, windows, seed, *rest)
        return outcomes[key]

    monkeypatch.setattr(training, "fit", fit)


@pytest.fixture(scope="session")
def make_shops():
    """Makes daily sales of shops, as a long table of shop, day and sold."""

    def make(count, rows=20, seed=0):
        names, days = [f"shop {k}" for k in range(count)], pd.date_range("2024-01-01", periods=rows)
        index = pd.MultiIndex.from_product([names, days], names=["shop", "day"])
        sold = np.random.default_rng(seed).gamma(4.0, 2.5, len(index))
        return index.to_frame(index=False).assign(sold=sold)

    return make


@pytest.fixture(scope="session")
def spark():
    """A session of two workers, whose local clock is not UTC."""
    from pyspark.sql import SparkSession

    settings = {
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "3",
        "spark.sql.session.timeZone": "Europe/Berlin",
        "spark.driver.memory": "1g",
        "spark.log.level": "OFF",
    }
    builder = SparkSession.builder.master("local[2]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        session = builder.getOrCreate()
        yield session
        session.stop()


@pytest.fixture(scope="session")
def ray_data():
    """Ray Data with two workers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Ray is not free of them
        import ray
        from ray import data

        ray.init(
            num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level=logging.CRITICAL
        )
        context = data.DataContext.get_current()
    context.default_hash_shuffle_parallelism = 3
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    yield data
    ray.shutdown()


@pytest.fixture(scope="session")
def tensors():
    """TensorFlow under NumPy's names; only tests that ask for it import TensorFlow."""
    from forecast.nn import tensorflow_namespace as tensors

    return tensors


@pytest.fixture(scope="session")
def plan_of():
    """Makes the plan of a training on a panel, under teacher forcing; any field can be given."""
    from forecast.training.options import TrainingOptions
    from forecast.training.plan import make_plan

    def make(panel, **fields):
        names = fields.keys() & TrainingOptions.__dataclass_fields__
        options = {"feedback": "teacher", **{name: fields.pop(name) for name in names}}
        return replace(make_plan(TrainingOptions(**options), panel, season=1), **fields)

    return make


@pytest.fixture(scope="session")
def make_learner():
    """Makes a network in training, given weights by name, under teacher forcing or as given."""
    from forecast.training.feedback import teacher_forcing
    from forecast.training.keras_model import TrainableNetwork

    def make(config, weights=None, regimes=None, window_length=None, context=None, **choices):
        if window_length is None:
            window_length = config.context + config.horizon
        learner = TrainableNetwork(
            config.blueprint,
            regimes or [teacher_forcing.parameters],
            choices.pop("validation_regime", teacher_forcing.parameters),
            window_length=window_length,
            context=window_length - config.horizon if context is None else context,
            **choices,
        )
        for name, variable in learner.variables_by_name().items():
            if weights is not None:
                variable.assign(weights[name])
        return learner

    return make
