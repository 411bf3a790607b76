"""`forecast update`: rows are taken in whole or not at all, whoever else writes or kills."""

import functools
import io
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import forecast
from forecast.cli import main
from forecast.data.io.atomic_write import locked
from forecast.data.to_panel import to_panel
from forecast.errors import ArtifactError

PROGRAM = [sys.executable, "-c", "from forecast.cli import main; main()"]
MODEL = Path("model.forecast")
JANUARY = 19_723  # 2024-01-01, in days
POLL = 0.0005  # seconds between two looks for a draft


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def model(make_model, make_random_panel):
    """Saved in the present folder: 'a' until 2024-01-09 and 'b' until 2024-01-07, daily."""
    panel = make_random_panel([9, 7], frequency="D", first=JANUARY)
    model = make_model(panel, lags=(2, 5), layers=2, cycles=("week",))
    model.save(MODEL)
    return model


def update(*words, stdin=None):
    words = ["update", *map(str, words)]
    return CliRunner().invoke(main, words, input=stdin, prog_name="forecast")


def update_well(*words, stdin=None):
    result = update(*words, stdin=stdin)
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    return result.stderr.splitlines()


def error_of(*words):
    """The only line that a refused update prints."""
    result = update(*words)
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")
    assert "bug" not in line
    return line


def start(*words):
    """`forecast update` as a process of its own."""
    return subprocess.Popen(
        [*PROGRAM, "update", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def write(name, *rows):
    """A table of rows such as "a 10 5.5": store, day of January 2024, value."""
    lines = ["store,day,sold"]
    for row in rows:
        store, day, *value = row.split()
        lines.append(f"{store},2024-01-{day},{''.join(value)}")
    Path(name).write_text("\n".join(lines) + "\n")
    return pd.read_csv(io.StringIO("\n".join(lines)), parse_dates=["day"])


def drafts():
    return {path.name for path in Path().iterdir() if path.suffix == ".tmp"}


# What it does and says


def test_an_update_on_the_command_line_is_that_of_python_bit_by_bit(model):
    table = write("t.csv", "b 08 3.25", "a 10 0.1", "a 11 1e-3", "b 09 7")

    update_well("t.csv")

    model.update(table).save("python.forecast")
    assert MODEL.read_bytes() == Path("python.forecast").read_bytes()
    assert forecast.load(MODEL).state == model.update(table).state


@pytest.mark.usefixtures("model")
def test_it_says_what_it_read_and_until_when_the_model_now_is():
    write("t.csv", "a 10 5", "b 08 6", "b 09")

    assert update_well("t.csv") == [
        "Read t.csv: 2 series, 3 rows.",
        "  missing values: 1 of 3",
        "Updated model.forecast, until 2024-01-09 to 2024-01-10. "
        "Forecast with: forecast predict --horizon N",
    ]
    assert forecast.load(MODEL).predict(1)["day"].dt.day.tolist() == [11, 10]


def test_a_model_elsewhere_is_named_in_the_command_that_goes_on(model):
    model.save("my shop")
    write("t.csv", "a 10 5")
    before = MODEL.read_bytes()

    *_, last = update_well("t.csv", "--model", "my shop")

    assert last.endswith("forecast predict --horizon N --model 'my shop'")
    assert MODEL.read_bytes() == before


@pytest.mark.usefixtures("model")
def test_quiet_says_nothing():
    write("t.csv", "a 10 5")

    assert update_well("t.csv", "--quiet") == []


def test_rows_may_come_from_standard_input(model):
    table = write("t.csv", "a 10 5")

    first, *_ = update_well("-", stdin=Path("t.csv").read_text())

    assert first == "Read standard input: 1 series, 1 rows."
    assert forecast.load(MODEL).state == model.update(table).state


def test_the_model_behind_a_link_is_updated_and_the_link_stays(model, tmp_path):
    (tmp_path / "real").mkdir()
    MODEL.rename("real/model.forecast")
    MODEL.symlink_to("real/model.forecast")
    table = write("t.csv", "a 10 5")

    update_well("t.csv")

    assert MODEL.is_symlink()
    assert forecast.load("real/model.forecast").state == model.update(table).state


def test_series_that_are_not_in_the_table_stay_as_they_are(model):
    write("t.csv", "b 08 6")

    update_well("t.csv")

    after = forecast.load(MODEL).state
    assert after.select(["a"]) == model.state.select(["a"])
    assert after.select(["b"]) != model.state.select(["b"])


def test_new_series_are_told_and_come_after_the_others(model):
    table = write("t.csv", "a 10 5", *(f"{name} 10 {k}" for k, name in enumerate("AYZc", 1)))

    lines = update_well("t.csv")

    assert "  new series: 4 ('A', 'Y', 'Z' and 1 more); is 'A' the known 'a'?" in lines
    after = forecast.load(MODEL).state
    assert after.ids.tolist() == ["a", "b", "A", "Y", "Z", "c"]
    assert after == model.update(table).state


def test_ids_written_as_numbers_are_found_where_the_model_knows_text(make_model, make_random_panel):
    model = make_model(make_random_panel([9, 9], ids=["12", "7"], frequency="D", first=JANUARY))
    model.save(MODEL)
    write("t.csv", "7 10 5", "12 10 6")

    lines = update_well("t.csv")

    assert lines[0] == "Read t.csv: 2 series, 2 rows."
    assert not any("new series" in line for line in lines)
    after = forecast.load(MODEL).state
    assert after.ids.tolist() == ["12", "7"]
    assert after == model.observe(model.state, [6.0, 5.0])


@pytest.mark.parametrize("spelling", ["%d/%m/%Y", "%m/%d/%Y"])
def test_dates_that_may_be_day_or_month_first_are_read_as_the_model_spells_them(
    make_model, spelling
):
    days = pd.date_range("2025-01-01", "2025-01-31")
    history = pd.DataFrame({"day": days.strftime(spelling), "sold": np.arange(31.0)})
    model = make_model(to_panel(history))
    model.save(MODEL)
    Path("t.csv").write_text(f"day,sold\n{pd.Timestamp('2025-02-01').strftime(spelling)},7\n")

    *_, last = update_well("t.csv")

    assert last.startswith("Updated model.forecast, until 2025-02-01.")
    assert forecast.load(MODEL).state == model.observe(model.state, [7.0])


def test_gaps_before_and_among_the_rows_are_taken_as_missing_when_asked_for(
    make_model, make_random_panel
):
    model = make_model(make_random_panel([9], frequency="D", first=JANUARY), lags=(2,))
    model.save(MODEL)
    write("t.csv", "a 12 5", "a 14 6")

    update_well("t.csv", "--fill-gaps")

    nan = np.nan
    assert forecast.load(MODEL).state == model.observe(model.state, [[nan, nan, 5, nan, 6]])


# What it refuses

REFUSED = {
    "rows known already": (
        "a,2024-01-09,5",
        "t.csv: the rows of series 'a' begin at 2024-01-09, but the next one is that of "
        "2024-01-10; leave out the rows up to 2024-01-09, which the state knows already",
    ),
    "rows from before the history": (
        "a,2023-12-01,5",
        "series 'a' begin at 2023-12-01, but the next one is that of 2024-01-10; leave out",
    ),
    "a gap before the rows": (
        "b,2024-01-10,5",
        "t.csv: the rows of series 'b' begin at 2024-01-10, but the next one is that of "
        "2024-01-08; add the rows between, or take them as missing with --fill-gaps",
    ),
    "a gap among the rows": (
        "a,2024-01-10,5\na,2024-01-12,5",
        "t.csv, line 3, column 'day': 2024-01-12 follows 2024-01-10, where 2024-01-11 is expected; "
        "add the rows between, or take them as missing with --fill-gaps",
    ),
    "one series of two out of place": (
        "a,2024-01-10,5\nb,2024-01-07,5",
        "t.csv: the rows of series 'b' begin at 2024-01-07, but the next one is that of 2024-01-08",
    ),
    "two series of two out of place": (
        "a,2024-01-09,5\nb,2024-01-07,5",
        "the same holds for 1 more series",
    ),
    "a row twice": ("a,2024-01-10,5\na,2024-01-10,6", "t.csv, line 3, column 'day'", "keep one"),
    "between two steps": ("a,2024-01-10 05:17,5", "t.csv", "2024-01-10 05:17", "daily"),
    "no number": ("a,2024-01-10,five", "t.csv, line 2, column 'sold': found 'five'"),
    "an infinite number": ("a,2024-01-10,inf", "t.csv, line 2, column 'sold': inf is infinite"),
    "no time": ("a,someday,5", "t.csv, line 2, column 'day': 'someday' is not a time"),
    "no id": (",2024-01-10,5", "t.csv, line 2, column 'store': no id"),
    "no rows": ("", "t.csv: a header and no rows"),
}


@pytest.mark.parametrize(("rows", "words"), [(r, w) for r, *w in REFUSED.values()], ids=REFUSED)
@pytest.mark.usefixtures("model")
def test_rows_that_cannot_be_used_change_nothing(rows, words):
    Path("t.csv").write_text(f"store,day,sold\n{rows}\n" if rows else "store,day,sold\n")
    before = MODEL.read_bytes()

    line = error_of("t.csv")

    assert all(word in line for word in words), line
    assert MODEL.read_bytes() == before
    assert drafts() == set()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"store,day,price\na,2024-01-10,5\n", ["t.csv: no column 'sold' for the target", "price"]),
        (b"store,date,sold\na,2024-01-10,5\n", ["t.csv: no column 'day' for the time", "date"]),
        (b"day,sold\n2024-01-10,5\n", ["t.csv: no column 'store' for the id"]),
        (b"", ["t.csv: empty"]),
        (bytes(range(256)) * 4, ["t.csv: binary, not a table"]),
        (b"PAR1" + bytes(100), ["t.csv: damaged Parquet file"]),
        (None, ["t.csv: no such file; check the path"]),
    ],
)
@pytest.mark.usefixtures("model")
def test_a_file_that_is_no_such_table_changes_nothing(content, words):
    if content is not None:
        Path("t.csv").write_bytes(content)
    before = MODEL.read_bytes()

    line = error_of("t.csv")

    assert all(word in line for word in words), line
    assert MODEL.read_bytes() == before


def test_values_that_the_transform_cannot_take_change_nothing(make_model, make_random_panel):
    make_model(make_random_panel([9], frequency="D", first=JANUARY), power=0.0).save(MODEL)
    write("t.csv", "a 10 -5")
    before = MODEL.read_bytes()

    line = error_of("t.csv")

    assert "series 'a' has a value -5, but the model was trained on positive values only" in line
    assert MODEL.read_bytes() == before


@pytest.mark.usefixtures("model")
def test_the_same_update_a_second_time_is_refused_and_does_no_harm():
    write("t.csv", "a 10 5")
    update_well("t.csv")
    before = MODEL.read_bytes()

    line = error_of("t.csv")

    assert "the next one is that of 2024-01-11; leave out the rows up to 2024-01-10" in line
    assert MODEL.read_bytes() == before


def test_without_a_model_nothing_is_made():
    write("t.csv", "a 10 5")

    line = error_of("t.csv")

    assert line == (
        "Error: there is no model file model.forecast; make one with: forecast train TABLE"
    )
    assert not MODEL.exists()


def test_a_file_that_is_no_model_stays_as_it_is():
    write("t.csv", "a 10 5")
    MODEL.write_bytes(b"the model of last week")

    line = error_of("t.csv")

    assert line.startswith("Error: model.forecast: not a model file of forecast")
    assert MODEL.read_bytes() == b"the model of last week"


# Drafts, locks, and other processes


@pytest.mark.usefixtures("model")
def test_a_draft_of_a_process_killed_long_ago_is_removed_and_a_fresh_one_is_not():
    names = [".model.forecast.old.tmp", ".model.forecast.new.tmp", ".other.forecast.old.tmp"]
    for name in names:
        Path(name).write_bytes(b"half a model")
        if "old" in name:
            os.utime(name, (0, 0))
    write("t.csv", "a 10 5")

    update_well("t.csv")

    assert drafts() == set(names[1:])


@pytest.mark.slow
def test_a_process_that_has_to_wait_says_so_and_then_does_its_work(model):
    table = write("t.csv", "a 10 5")

    with locked(MODEL, ArtifactError, lambda: None):
        process = start("t.csv")
        first = process.stderr.readline()
        assert process.poll() is None
        assert forecast.load(MODEL).state == model.state
    _, rest = process.communicate()

    assert first == "Waiting for another process that is changing model.forecast.\n"
    assert rest.startswith("Read t.csv: 1 series, 1 rows.\n")
    assert forecast.load(MODEL).state == model.update(table).state


@pytest.mark.slow
def test_an_update_killed_at_any_moment_leaves_the_old_file_or_the_new_one(model):
    model.update(write("t.csv", "a 10 5", "b 08 6")).save("new.forecast")
    old, new = MODEL.read_bytes(), Path("new.forecast").read_bytes()

    for k in range(10):
        MODEL.write_bytes(old)
        known = drafts()
        with start("t.csv") as process:
            if k % 2:  # once it begins to write
                while process.poll() is None and drafts() <= known:
                    time.sleep(POLL)
            else:
                time.sleep(0.1 * k)
            process.kill()
        assert MODEL.read_bytes() in (old, new)

    MODEL.write_bytes(old)
    update_well("t.csv")  # neither locks nor drafts of the killed ones are in its way
    assert MODEL.read_bytes() == new


@pytest.mark.slow
def test_processes_that_update_different_series_at_once_lose_no_row(make_model, make_random_panel):
    model = make_model(make_random_panel([9] * 8, frequency="D", first=JANUARY), lags=(2,))
    model.save(MODEL)
    tables = [write(f"{name}.csv", f"{name} 10 {k}") for k, name in enumerate("abcdefgh", 1)]

    processes = [start(f"{name}.csv", "--quiet") for name in "abcdefgh"]
    said = [process.communicate() for process in processes]

    assert said == [("", "")] * 8
    expected = functools.reduce(lambda known, table: known.update(table), tables, model)
    assert forecast.load(MODEL).state == expected.state


@pytest.mark.slow
def test_of_two_processes_with_the_same_row_one_wins_and_the_other_is_refused(model):
    table = write("t.csv", "a 10 5")

    processes = [start("t.csv", "--quiet") for _ in range(2)]
    said = {process.communicate()[1]: process.returncode for process in processes}

    refusal = (
        "Error: t.csv: the rows of series 'a' begin at 2024-01-10, but the next one is that of "
        "2024-01-11; leave out the rows up to 2024-01-10, which the state knows already\n"
    )
    assert said == {"": 0, refusal: 1}
    assert forecast.load(MODEL).state == model.update(table).state


# What is worth a word


@pytest.mark.usefixtures("model")
def test_gaps_before_the_new_rows_are_counted():
    write("t.csv", "a 13 5", "b 08 6")

    lines = update_well("t.csv", "--fill-gaps")

    assert "  missing rows inserted before the new ones: 3 ('a')" in lines


@pytest.mark.usefixtures("model")
def test_series_that_stay_away_are_named_and_both_ends_told():
    write("t.csv", "a 10 5")

    lines = update_well("t.csv")

    assert "  series without new rows: 1 of 2 ('b')" in lines
    assert lines[-1].startswith("Updated model.forecast, until 2024-01-07 to 2024-01-10.")


@pytest.mark.usefixtures("model")
def test_a_new_series_that_may_be_a_misspelled_one_is_asked_about():
    write("t.csv", "A 10 5", "zebra 10 6")

    assert "  new series: 2 ('A', 'zebra'); is 'A' the known 'a'?" in update_well("t.csv")


@pytest.mark.usefixtures("model")
def test_values_far_beyond_all_before_are_asked_about():
    write("t.csv", "a 10 1e6", "b 08 6")

    assert "  unusually large values, please check: 'a'" in update_well("t.csv")


def test_kelvin_with_a_slipped_decimal_sign_are_asked_about(make_model, make_panel):
    kelvin = [290.13, 283.2, 297.1, 292.27, 288.4]
    panel = make_panel(kelvin, kelvin, kelvin, frequency="D", first=JANUARY)
    make_model(panel).save(MODEL)
    write("t.csv", "a 06 2880.4", "b 06 28.8", "c 06 299.5")

    lines = update_well("t.csv")

    assert "  unusually large values, please check: 'a'" in lines
    assert "  unusually small values, please check: 'b'" in lines


def test_a_value_that_no_state_can_hold_is_refused_before_it_is_written(model):
    write("t.csv", "a 10 1e300", "b 08 6")

    assert "series 'a' has a value 1e+300, too large" in error_of("t.csv")
    assert forecast.load(MODEL).state == model.state


@pytest.mark.skipif(os.name != "posix", reason="file modes")
def test_who_may_write_the_model_may_take_its_lock(model):
    MODEL.chmod(0o666)
    write("t.csv", "a 10 5")

    update_well("t.csv")

    assert Path(".model.forecast.lock").stat().st_mode & 0o777 == 0o666
    assert model.state != forecast.load(MODEL).state
