import doctest
import functools
import math
import re
import subprocess
import sys
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import solve_ivp

from forecast import datasets
from forecast.errors import OptionError

FOLDER = Path(__file__).parents[2] / "datasets"
GENERATED = ["mackey_glass", "lorenz"]


def by_name(name):
    return next(dataset for dataset in datasets.describe() if dataset.name == name)


def first_and_last(table):
    rows = table.iloc[[0, -1]]
    return [(f"{ds:%Y-%m-%d %H:%M}", y) for ds, y in zip(rows["ds"], rows["y"], strict=True)]


# The catalogue


def test_the_catalogue_lists_five_real_and_two_generated_datasets():
    assert datasets.names() == [
        "air_passengers",
        "traffic",
        "co2",
        "seattle_temperature",
        "us_employment",
        *GENERATED,
    ]


def test_the_public_names_are_there():
    assert datasets.__all__ == sorted(datasets.__all__)
    assert all(hasattr(datasets, name) for name in datasets.__all__)


loaded = functools.cache(datasets.load)  # for tests that change nothing


@pytest.mark.parametrize("name", datasets.names())
def test_every_listed_dataset_loads_as_described(name):
    table, dataset = loaded(name), by_name(name)

    assert len(table) == dataset.rows
    assert list(table.columns) == ["unique_id"] * (dataset.series > 1) + ["ds", "y"]
    assert table.get("unique_id", pd.Series(["only"])).nunique() == dataset.series
    assert pd.api.types.is_numeric_dtype(table["y"])


@pytest.mark.parametrize("name", datasets.names())
def test_every_series_is_regular_at_the_stated_frequency(name):
    table, frequency = loaded(name), by_name(name).frequency
    series = table["unique_id"] if "unique_id" in table else pd.Series("all", table.index)

    for _, time in table["ds"].groupby(series):
        if frequency == "step":
            assert time.tolist() == list(range(len(time)))
        else:
            expected = pd.date_range(time.iloc[0], periods=len(time), freq=frequency)
            assert time.tolist() == expected.tolist()


def test_a_caller_may_change_the_table_without_changing_the_next_one():
    table = datasets.load("air_passengers")
    table["y"] = 0

    assert datasets.load("air_passengers")["y"].iloc[0] == 112


def test_a_record_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        datasets.describe()[0].rows = 1


def test_an_unknown_name_is_answered_with_those_that_exist():
    with pytest.raises(OptionError) as error:
        datasets.load("airpassengers")

    assert (
        str(error.value) == f"no dataset 'airpassengers'; there are {', '.join(datasets.names())}"
    )


# The files


def test_there_is_one_file_for_each_real_dataset_and_no_other():
    files = {path.stem for path in FOLDER.glob("*.csv")}

    assert files == set(datasets.names()) - set(GENERATED)


def test_the_files_stay_under_two_megabytes_together():
    assert 500_000 < sum(path.stat().st_size for path in FOLDER.glob("*.csv")) < 2_000_000


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.csv")), ids=lambda path: path.stem)
def test_the_numbers_read_are_those_written_to_the_last_digit(path):
    written = [line.rsplit(",", 1)[1] for line in path.read_text().splitlines()[1:]]

    np.testing.assert_array_equal(
        datasets.load(path.stem)["y"], [float(text or "nan") for text in written]
    )


@pytest.mark.parametrize("name", datasets.names())
def test_the_readme_has_an_entry_with_source_and_licence_for_each(name):
    entry = re.search(rf"^## {name}\n(.*?)^## ", (FOLDER / "README.md").read_text(), re.M | re.S)

    assert entry, f"no entry for {name}"
    assert "**Source**" in entry[1]
    assert "**Licence**" in entry[1]
    assert f"| [`{name}`](#{name}) |" in (FOLDER / "README.md").read_text()
    assert f" {by_name(name).rows:,} |" in (FOLDER / "README.md").read_text()


def test_the_attribution_that_creative_commons_asks_for_travels_with_the_code():
    record = by_name("traffic")

    assert record.licence == "CC BY 4.0, https://creativecommons.org/licenses/by/4.0/"
    assert "https://doi.org/10.5281/zenodo.4656132" in record.source
    assert "column renamed" in record.source


# The real data


def test_air_passengers_run_from_112_to_432_thousand():
    table = datasets.load("air_passengers")

    assert first_and_last(table) == [("1949-01-01 00:00", 112), ("1960-12-01 00:00", 432)]
    assert table["y"].sum() == 40_363
    assert table["y"].max() == 622


def test_traffic_covers_every_hour_of_two_years():
    table = datasets.load("traffic")

    assert len(table) == (365 + 366) * 24
    assert first_and_last(table) == [("2015-01-01 00:00", 0.0048), ("2016-12-31 23:00", 0.009)]
    assert table["y"].between(0, 1).all()


def test_traffic_peaks_at_seven_on_workdays_but_not_at_weekends():
    table = datasets.load("traffic")
    weekend = table["ds"].dt.day_of_week >= 5
    by_hour = table["y"].groupby([weekend, table["ds"].dt.hour]).mean()

    assert by_hour[False].idxmax() == 7
    assert by_hour[False, 7] > 6 * by_hour[True, 7]
    assert table["y"].autocorr(168) > table["y"].autocorr(24) > table["y"].autocorr(96)


def test_traffic_is_zero_in_one_outage_and_where_the_clocks_go_back():
    table = datasets.load("traffic")

    assert table.loc[table["y"] == 0, "ds"].tolist() == [
        *pd.date_range("2015-02-28 11:00", "2015-02-28 23:00", freq="h"),
        pd.Timestamp("2015-11-01 01:00"),
        pd.Timestamp("2016-11-06 01:00"),
    ]


def test_co2_keeps_its_59_missing_weeks_as_empty_rows():
    table = datasets.load("co2")
    missing = table["y"].isna()
    gaps = missing.groupby((~missing).cumsum()).sum()

    assert first_and_last(table) == [("1958-03-29 00:00", 316.1), ("2001-12-29 00:00", 371.5)]
    assert missing.sum() == 59
    assert (gaps > 0).sum() == 22
    assert gaps.max() == 18
    assert table.loc[missing, "ds"].iloc[0] == pd.Timestamp("1958-05-10")
    assert table["y"].sum() == pytest.approx(756_816.5)


def test_seattle_temperature_has_all_days_of_four_years():
    table = datasets.load("seattle_temperature")

    assert len(table) == 366 + 3 * 365
    assert first_and_last(table) == [("2012-01-01 00:00", 12.8), ("2015-12-31 00:00", 5.6)]
    assert table["y"].agg(["min", "max"]).tolist() == [-1.6, 35.6]
    assert table["y"].sum() == pytest.approx(24_017.5)


def test_the_eleven_sectors_add_up_to_the_official_total_of_us_jobs():
    table = datasets.load("us_employment")
    total = table.groupby("ds")["y"].sum()

    assert table["unique_id"].drop_duplicates().tolist() == sorted(set(table["unique_id"]))
    assert total.iloc[[0, -1]].tolist() == [135_450, 143_093]
    assert total.idxmin() == pd.Timestamp("2010-02-01")
    assert total.min() == 129_726


# The Mackey-Glass equation


def test_mackey_glass_rests_at_its_fixed_point():
    assert datasets.mackey_glass(50, start=1.0)["y"].tolist() == [1.0] * 50


def test_mackey_glass_follows_the_closed_form_until_the_delay_has_passed():
    # With a constant past the delayed term is constant too, and the equation is linear.
    rest = 0.2 * 1.2 / (1 + 1.2**10) / 0.1
    expected = [rest + (1.2 - rest) * math.exp(-0.1 * t) for t in range(18)]

    assert datasets.mackey_glass(18, start=1.2)["y"].tolist() == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize(("tau", "steps"), [(1, 20), (17, 120), (30, 120)])
def test_mackey_glass_agrees_with_solving_one_delay_after_the_other(tau, steps):
    y = [0.9]
    past = lambda _: [0.9]  # noqa: E731
    for begin in range(0, steps, tau):
        interval = solve_ivp(
            lambda t, y, past=past: 0.2 * past(t - tau)[0] / (1 + past(t - tau)[0] ** 10) - 0.1 * y,
            (begin, begin + tau),
            y[-1:],
            method="DOP853",
            rtol=1e-11,
            atol=1e-12,
            dense_output=True,
        )
        past = interval.sol
        y.extend(past(range(begin + 1, begin + tau + 1))[0])

    np.testing.assert_allclose(
        datasets.mackey_glass(steps, tau, start=0.9)["y"], y[:steps], atol=2e-6
    )


def test_mackey_glass_visits_the_attractor_that_reservoir_computing_knows():
    # The 10,000 values published with pyESN are tanh(y - 1).
    values = np.tanh(datasets.mackey_glass(10_000)["y"] - 1)

    assert values.mean() == pytest.approx(-0.0658, abs=0.002)
    assert values.std() == pytest.approx(0.2159, abs=0.002)
    assert values.min() == pytest.approx(-0.528, abs=0.01)
    assert values.max() == pytest.approx(0.311, abs=0.01)
    assert values.autocorr(25) == pytest.approx(-0.822, abs=0.02)


def test_mackey_glass_with_a_short_delay_comes_to_rest_and_with_seventeen_does_not():
    assert datasets.mackey_glass(200, tau=2)["y"].std() < 1e-6
    assert datasets.mackey_glass(200, tau=17)["y"].std() > 0.1


# Lorenz's equations


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("coordinate", "place"), [("x", 0), ("y", 1), ("z", 2)])
def test_lorenz_rests_at_the_centres_of_its_wings(sign, coordinate, place):
    centre = [sign * math.sqrt(72), sign * math.sqrt(72), 27.0]

    path = datasets.lorenz(50, start=centre, coordinate=coordinate)["y"]

    assert path.tolist() == pytest.approx([centre[place]] * 50, abs=1e-9)


def test_lorenz_on_the_z_axis_decays_at_the_rate_beta():
    expected = [25 * math.exp(-8 / 3 * 0.02 * t) for t in range(40)]

    path = datasets.lorenz(40, start=[0, 0, 25], coordinate="z")["y"]

    assert path.tolist() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("coordinate", "place"), [("x", 0), ("y", 1), ("z", 2)])
def test_lorenz_agrees_with_a_solver_of_high_order(coordinate, place):
    def slope(_, p):
        return [10 * (p[1] - p[0]), p[0] * (28 - p[2]) - p[1], p[0] * p[1] - 8 / 3 * p[2]]

    time = np.arange(250) * 0.02
    exact = solve_ivp(slope, (0, 5), [1, 1, 1], "DOP853", time, rtol=1e-12, atol=1e-12)

    path = datasets.lorenz(250, start=[1, 1, 1], coordinate=coordinate)["y"]

    np.testing.assert_allclose(path, exact.y[place], atol=1e-5)


def test_lorenz_visits_both_wings_and_stays_on_its_attractor():
    path = datasets.lorenz(5_000)["y"]

    assert (path > 0).mean() == pytest.approx(0.5, abs=0.1)
    assert 16 < path.max() < 21
    assert -21 < path.min() < -16


# Both generators


@pytest.mark.parametrize("generate", [datasets.mackey_glass, datasets.lorenz])
def test_a_seed_gives_one_path_always_and_another_seed_another(generate):
    pd.testing.assert_frame_equal(generate(100, seed=3), generate(100, seed=3))
    assert not np.allclose(generate(100, seed=3)["y"], generate(100, seed=4)["y"], atol=1e-3)


@pytest.mark.parametrize("generate", [datasets.mackey_glass, datasets.lorenz])
def test_a_longer_path_begins_with_the_shorter_one(generate):
    pd.testing.assert_frame_equal(generate(100).head(30), generate(30))


@pytest.mark.parametrize("generate", [datasets.mackey_glass, datasets.lorenz])
def test_one_step_is_the_start(generate):
    start = 0.7 if generate is datasets.mackey_glass else [0.7, 0, 0]

    assert generate(1, start=start).to_dict("list") == {"ds": [0], "y": [0.7]}


def test_load_gives_what_the_generators_give():
    pd.testing.assert_frame_equal(loaded("mackey_glass"), datasets.mackey_glass(5_000))
    pd.testing.assert_frame_equal(loaded("lorenz"), datasets.lorenz(5_000))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: datasets.mackey_glass(0), "steps is 0; it must be at least 1"),
        (lambda: datasets.mackey_glass(5, tau=0), "tau is 0; it must be at least 1"),
        (lambda: datasets.lorenz(-1), "steps is -1; it must be at least 1"),
        (lambda: datasets.lorenz(5, dt=0.0), "dt is 0.0; it must be above 0"),
        (
            lambda: datasets.lorenz(5, coordinate="w"),
            "coordinate is 'w'; it must be 'x', 'y' or 'z'",
        ),
        (lambda: datasets.lorenz(5, start=[1.0]), "start has 1 numbers; it must have x, y and z"),
    ],
)
def test_an_impossible_choice_is_an_error_that_says_what_is_possible(call, message):
    with pytest.raises(OptionError) as error:
        call()

    assert str(error.value) == message


# The package


@pytest.mark.parametrize("module", [datasets, datasets.generators, datasets.catalogue])
def test_the_examples_in_the_docstrings_are_true(module):
    assert doctest.testmod(module).failed == 0


@pytest.mark.slow
def test_importing_the_datasets_does_not_import_pandas():
    code = "import sys, forecast.datasets; print('pandas' in sys.modules)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)

    assert printed.stdout.split() == [b"False"]
