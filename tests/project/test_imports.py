import ast
import functools
import json
import re
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

import forecast

ROOT = Path(__file__).parents[2]
HEAVY = {"tensorflow", "keras", "sklearn", "matplotlib"}

# The layers, from the ground up; those of a row do not know each other. A package is its files.
LAYERS = (
    ("_version", "errors"),
    ("data", "nn", "classical"),
    ("inference",),
    ("training", "evaluation"),
    ("engines", "export", "plotting", "pretrained"),
    ("training_record", "monitoring"),
    ("backtest", "explanation"),
    ("model",),
    ("tuning",),
    ("fitting",),
    ("forecaster",),
    ("report",),
    ("integrations", "service"),
)
RANK = {name: rank for rank, row in enumerate(LAYERS) for name in row}
TOP = {
    *("backtest", "errors", "explanation", "fitting", "forecaster", "model", "training_record"),
}  # files


def module_files():
    """Module names inside the package, without its own name, and their files."""
    for path in sorted((ROOT / "forecast").rglob("*.py")):
        parts = path.relative_to(ROOT / "forecast").with_suffix("").parts
        yield ".".join(part for part in parts if part != "__init__"), path


MODULES = dict(module_files())


def is_for_types_only(node):
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def statements(tree, inside_functions=True, for_types=False):
    """All statements that run; with `for_types` also what type checkers alone see."""
    for node in ast.iter_child_nodes(tree):
        if is_for_types_only(node) and not for_types:
            continue
        if not inside_functions and isinstance(node, ast.FunctionDef):
            continue
        yield node
        yield from statements(node, inside_functions, for_types)


def tree_of(name):
    return ast.parse(MODULES[name].read_text())


@functools.cache
def imported(name, inside_functions=True, for_types=False):
    """Full names that a module imports; names imported from a package count as well."""
    names = set()
    for node in statements(tree_of(name), inside_functions, for_types):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively"
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def imported_modules(name, for_types=False):
    """The modules of the package that a module imports; also those for type checkers alone."""
    names = {full.removeprefix("forecast.") for full in imported(name, for_types=for_types)}
    return names & MODULES.keys() - {"", name}


def layer_of(name):
    return name.partition(".")[0]


def is_in(name, package):
    return name == package or name.startswith(f"{package}.")


def importers_of(*libraries, inside_functions=True):
    return {
        name
        for name in MODULES
        if {full.partition(".")[0] for full in imported(name, inside_functions)} & {*libraries}
    }


# The direction of imports


def test_every_module_lies_in_a_layer():
    assert {layer_of(name) for name in MODULES if name} == RANK.keys()


def test_the_files_at_the_top_are_few():
    tops = {name for name, path in MODULES.items() if name and path.parent.name == "forecast"}

    assert tops - {"_version"} == TOP


def test_a_module_imports_from_its_own_layer_and_those_below():
    against = {
        (name, other)
        for name in MODULES.keys() - {""}
        for other in imported_modules(name, for_types=True)
        if layer_of(other) != layer_of(name) and RANK[layer_of(other)] >= RANK[layer_of(name)]
    }

    assert against == set()


def test_no_modules_know_each_other_in_a_circle():
    graph = {name: imported_modules(name, for_types=True) for name in MODULES if name}
    graph = {name: {*own} - packages_around(name) for name, own in graph.items()}

    with_cycle = [name for name in graph if name in reachable(graph, graph[name])]

    assert with_cycle == []


def packages_around(name):
    """The packages that a module lies in: importing a sibling names them too."""
    parts = name.split(".")
    return {".".join(parts[:end]) for end in range(1, len(parts))}


def reachable(graph, start):
    """All modules that can be reached from some."""
    seen, todo = set(), [*start]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += graph[name]
    return seen


def test_networks_import_nothing_of_ours_but_networks():
    for name in MODULES:
        if is_in(name, "nn"):
            assert {layer_of(other) for other in imported_modules(name, for_types=True)} <= {"nn"}


def test_classical_methods_import_nothing_of_ours_and_no_library_but_numpy():
    classical = {name for name in MODULES if is_in(name, "classical")}

    for name in classical:
        assert {layer_of(other) for other in imported_modules(name, for_types=True)} <= {
            "classical"
        }
    assert not classical & importers_of("pandas", "scipy", "statsforecast", "tensorflow", "keras")


def test_the_package_itself_imports_nothing_of_its_own_until_asked():
    assert imported_modules("") <= {"_version"}


def test_nothing_in_the_package_imports_the_command_line():
    for name in MODULES:
        assert not {full for full in imported(name) if re.match(r"(forecast\.)?cli\b", full)}, name
    assert not importers_of("click", "rich")


def test_the_rollout_loop_and_the_inputs_of_a_step_know_nothing_else():
    assert imported_modules("inference.loop") == set()
    assert imported_modules("nn.step_inputs") == set()
    assert imported_modules("inference.random_streams") == set()


# Libraries


def test_tensorflow_and_keras_are_imported_by_training_and_the_compiled_runtime_only():
    importers = importers_of("tensorflow", "keras")

    outside = {name for name in importers if not is_in(name, "training")}
    assert outside == {"inference.loop_xla", "nn.tensorflow_namespace"}
    assert not importers & {"training", "training.feedback", "training.options", "training.plan"}


def test_scikit_learn_is_imported_by_the_estimator_only():
    assert importers_of("sklearn") == {"forecaster"}


def test_matplotlib_is_imported_when_a_picture_is_drawn():
    importers = importers_of("matplotlib")

    assert "plotting.style" in importers
    assert all(name.startswith("plotting.") for name in importers)
    assert importers_of("matplotlib", inside_functions=False) == set()


@pytest.mark.parametrize(
    ("package", "importers"),
    [
        ("holidays", {"data.holidays"}),
        ("openpyxl", {"data.io.excel"}),
        ("narwhals", {"data.dataframes"}),
        ("polars", set()),
    ],
)
def test_what_few_tables_need_is_imported_by_one_file_inside_its_functions(package, importers):
    assert importers_of(package) == importers
    assert importers_of(package, inside_functions=False) == set()


def test_pyarrow_is_imported_where_it_is_needed_only():
    at_once = importers_of("pyarrow", inside_functions=False)
    without = {"engines.parts", "engines.state_store"}

    assert {name for name in at_once if not is_in(name, "engines")} == {"data.io.arrow_cells"}
    assert not at_once & without
    assert not {name for name in imported("engines.parts") if "batches" in name}


def test_scipy_is_imported_inside_functions_only():
    assert importers_of("scipy", inside_functions=False) == set()
    assert importers_of("scipy") == {
        "nn.heads.negative_binomial",
        "nn.heads.student_t",
        "pretrained.prior.disturbances",
        *(f"monitoring.{name}" for name in ("findings", "self_starting", "thresholds")),
    }


def test_sktime_is_imported_by_its_adapter_only():
    assert importers_of("sktime") == {"integrations.sktime"}
    assert importers_of("statsforecast") == {"evaluation.statsforecast_baselines"}
    assert importers_of("statsforecast", inside_functions=False) == set()


def test_onnx_is_imported_when_a_model_is_exported():
    importers = importers_of("onnx", inside_functions=False)

    assert importers == {"export.loop", "export.ports", "export.trace"}
    assert "export" in importers_of("onnx")


def test_mlflow_is_imported_by_its_flavour_only():
    assert importers_of("mlflow") == {
        f"integrations.mlflow.{part}" for part in ("autologging", "flavor", "signature")
    }


def test_optuna_is_imported_by_the_study_of_a_tuning_only_when_it_is_opened():
    assert importers_of("optuna") == {"tuning.study"}
    assert importers_of("optuna", inside_functions=False) == set()


@pytest.mark.parametrize("engine", ["spark", "dask", "ray"])
def test_an_engine_is_imported_by_its_own_file_only(engine):
    package = {"spark": "pyspark"}.get(engine, engine)

    assert importers_of(package, inside_functions=False) == {f"engines.{engine}"}


def test_networks_know_no_array_library_but_the_one_they_are_given():
    own = {"nn.tensorflow_namespace", "nn.heads.incomplete_beta"}  # a namespace; for lack of SciPy
    networks = {name for name in MODULES if is_in(name, "nn")} - own

    assert not networks & importers_of("numpy", "pandas", "tensorflow", "keras")


def test_inference_knows_no_pandas_but_in_tables_for_users():
    tables = {"inference.aggregation"}
    inference = {name for name in MODULES if is_in(name, "inference")} - tables

    assert not inference & importers_of("pandas", "pyarrow")
    assert not {"data.scaling", "training.windows"} & importers_of("pandas", "pyarrow")


def test_no_module_can_unpickle():
    unsafe = {"pickle", "dill", "joblib", "cloudpickle", "marshal", "shelve"}

    assert importers_of(*unsafe) == set()
    for name, path in MODULES.items():
        assert "allow_pickle" not in path.read_text(), name


# What is loaded, in a fresh process


def loaded_by(code):
    """Names of all modules that a fresh Python has loaded after some code."""
    code = f"{code}\nimport json, sys; print('\\n' + json.dumps(list(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return set(json.loads(run.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def saved(make_model, sales, tmp_path_factory):
    from forecast.data.to_panel import to_panel

    folder = tmp_path_factory.mktemp("light")
    model = make_model(to_panel(sales), head="student_t", lags=(7,), cycles=("week",))
    model.save(folder / "model.forecast")
    sales.to_csv(folder / "sales.csv", index=False)
    return folder


@pytest.mark.slow
def test_importing_the_package_loads_next_to_nothing():
    loaded = loaded_by("import forecast; forecast.__version__")

    assert not loaded & {*HEAVY, "pandas", "numpy"}


@pytest.mark.slow
def test_importing_the_model_loads_no_library_for_training():
    loaded = loaded_by("import forecast.model; from forecast import load, Model, State, DataError")

    assert {"numpy", "forecast.model"} <= loaded
    assert not loaded & {*HEAVY, "forecast.training.fit", "forecast.inference.loop_xla"}


@pytest.mark.slow
def test_loading_a_model_and_forecasting_loads_no_library_for_training(saved):
    loaded = loaded_by(
        f"""
import pandas as pd
from forecast import load
model = load({str(saved / "model.forecast")!r})
history = pd.read_csv({str(saved / "sales.csv")!r}, parse_dates=["day"])
table = model.predict(30, history, levels=(80, 95))
assert len(table) == 60 and table.notna().all().all()
state = model.rollout(5, paths=10).state
model.predict(5, state=state, series=["south"])
"""
    )

    assert "forecast.inference.loop" in loaded
    assert not loaded & {
        *HEAVY,
        "forecast.training.fit",
        "forecast.inference.loop_xla",
        "narwhals",
        "polars",
    }


@pytest.mark.slow
def test_exporting_a_model_loads_no_library_for_training(saved):
    loaded = loaded_by(
        f"""
from forecast import load
load({str(saved / "model.forecast")!r}).export({str(saved / "graphs")!r})
"""
    )

    assert "onnx" in loaded
    assert not loaded & HEAVY


@pytest.mark.slow
def test_making_a_forecaster_loads_scikit_learn_but_not_yet_tensorflow():
    loaded = loaded_by("from forecast import Forecaster; Forecaster(units=8).get_params()")

    assert "sklearn" in loaded
    assert not loaded & {"tensorflow", "keras", "matplotlib", "optuna"}


@pytest.mark.slow
def test_the_command_lines_help_loads_no_library_for_training():
    loaded = loaded_by(
        """
from click.testing import CliRunner
from forecast.cli import main
for command in ("--help", *(f"{name} --help" for name in main.commands)):
    assert CliRunner().invoke(main, command).exit_code == 0
"""
    )

    assert not loaded & HEAVY


@pytest.mark.slow
def test_forecasting_on_the_command_line_loads_no_library_for_training(saved):
    loaded = loaded_by(
        f"""
from click.testing import CliRunner
from forecast.cli import main
path = {str(saved / "model.forecast")!r}
result = CliRunner().invoke(main, ["predict", "--horizon", "3", "--model", path])
assert result.exit_code == 0, result.output
assert len(result.stdout.splitlines()) == 7, result.stdout
"""
    )

    assert "forecast.inference.loop" in loaded
    assert not loaded & HEAVY


# Public names


def test_the_public_names_are_these():
    assert sorted(forecast.__all__) == [
        "ArtifactError",
        "Backtest",
        "DataError",
        "Explanation",
        "Forecast",
        "ForecastError",
        "ForecastWarning",
        "Forecaster",
        "Model",
        "Monitoring",
        "OptionError",
        "RollingOrigin",
        "State",
        "Step",
        "TrainingRecord",
        "Tuning",
        "above",
        "below",
        "between",
        "load",
        "non_negative",
        "unchanged",
    ]


def test_the_public_names_are_the_ones_that_can_be_reached():
    namespace = {}
    exec("from forecast import *", namespace)

    assert namespace.keys() - {"__builtins__"} == {*forecast.__all__}
    assert {*forecast.__all__} <= {*dir(forecast)}
    assert all(getattr(forecast, name).__doc__ for name in forecast.__all__)


def test_without_scikit_learn_the_public_names_are_those_that_can_be_reached(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    spec = spec_from_file_location("small", forecast.__file__)

    small = module_from_spec(spec)
    spec.loader.exec_module(small)

    assert {*forecast.__all__} - {*small.__all__} == {"Forecaster"}


def test_type_checkers_see_the_same_public_names():
    tree = ast.parse(MODULES[""].read_text())
    for_types = next(node for node in tree.body if is_for_types_only(node))
    seen = {alias.name for node in for_types.body for alias in node.names}

    assert seen == {*forecast.__all__}


def test_a_public_name_is_the_object_of_its_own_module():
    for name in forecast.__all__:
        thing = getattr(forecast, name)
        assert thing is getattr(sys.modules[thing.__module__], name)
        assert thing.__module__.startswith("forecast.")


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'forecast' has no attribute 'Forcaster'"):
        forecast.Forcaster  # noqa: B018 - the access is the test


def test_names_that_the_pages_import_can_be_imported():
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    text = "\n".join(page.read_text() for page in pages)
    found = re.findall(r"^\s*(?:>>> )?from forecast import (.+?)(?:\s*#.*)?$", text, re.M)
    names = {name.strip() for names in found for name in names.split(",")}

    assert names
    assert names <= {*forecast.__all__}


def test_every_error_is_a_forecast_error_and_a_value_error():
    for name in ("ArtifactError", "DataError", "OptionError"):
        assert issubclass(getattr(forecast, name), (forecast.ForecastError, ValueError))
        assert issubclass(getattr(forecast, name), ValueError)
    assert not issubclass(forecast.ForecastError, ValueError)
