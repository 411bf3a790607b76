"""Every bad input is one line that says what, where and what to do; and nothing is lost."""

import errno
import gzip
import io
import itertools
import json
import os
import re
import sys
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from forecast import Model
from forecast.cli import main
from forecast.data.io import tables
from forecast.data.to_panel import to_panel
from forecast.inference.serialization import PARTS

CONFIG, WEIGHTS, HELD, STATE, _, TRAINING = PARTS
DAYS = pd.date_range("2024-01-01", periods=28).strftime("%Y-%m-%d")
TABLE = "ds,y\n" + "".join(f"{day},{n % 7}\n" for n, day in enumerate(DAYS))
BEFORE = b"the model of last week"


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own_without_tensorflow(tmp_path, monkeypatch):
    """Bad input is told before TensorFlow is imported: here the import itself would fail."""
    monkeypatch.chdir(tmp_path)
    for name in ("tensorflow", "keras", "forecast.training.fit"):
        monkeypatch.setitem(sys.modules, name, None)


def error_of(*words, status, stdin=None):
    """The only line that a failing command prints."""
    result = CliRunner().invoke(
        main, [*map(str, words), "--quiet"], input=stdin, prog_name="forecast"
    )

    assert result.exit_code == status, result.output
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    if status == 2 and lines[0].startswith("Usage:"):  # click adds how to use the command
        lines = lines[3:]
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("Error: ")
    assert "Traceback" not in result.stderr
    assert "this is a bug" not in result.stderr
    return lines[0]


def replaced(old, new):
    assert old in TABLE
    return TABLE.replace(old, new)


def rows(count, value="5"):
    return "ds,y\n" + "".join(f"{day},{value}\n" for day in DAYS[:count])


# A table that cannot be trained on

NOT_A_TABLE = {
    "empty": (b"", "table: empty; it needs a header line and rows"),
    "blank lines": (b"\n\n  \n", "table: empty"),
    "header only": (b"ds,y\n", "a header and no rows; it needs some"),
    "header only, cut off": (b"ds,y", "a header and no rows"),
    "no header": (TABLE[5:].encode(), "line 1: '2024-01-01,0', where a header should name"),
    "binary": (bytes(range(256)) * 4, "binary, not a table; give a CSV, Parquet or Excel file"),
    "a picture": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "binary, not a table"),
    "a workbook": (
        b"PK\x03\x04" + bytes(30),
        "damaged or cut-off Excel workbook or zip file",
    ),
    "cut-off Parquet": (b"PAR1" + bytes(100), "damaged Parquet file"),
    "cut-off gzip": (gzip.compress(TABLE.encode())[:60], "damaged or cut-off gzip file"),
    "junk gzip": (b"\x1f\x8b" + b"junk" * 9, "damaged or cut-off gzip file"),
    "cut-off UTF-16": (b"\xff\xfe\x00", "not a text table"),
    "a web page": (b"<!DOCTYPE html>\n<p>404</p>\n", "no time column among '<!DOCTYPE html>'"),
    "cells too many": (replaced("05,4", "05,4,4").encode(), "line 6: found 3 cells"),
    "cells too few": (replaced("05,4", "05").encode(), "line 6: found 1 cells"),
}

BAD_CELLS = {
    "text among numbers": (replaced("05,4", "05,four"), "line 6, column 'y': found 'four', where"),
    "decimal comma": (
        replaced("05,4", '05,"1.234,5"').replace("06,5", "06,5.5"),
        "line 6, column 'y'",
        "'1.234,5', beside 5.5; write all with one decimal sign",
    ),
    "infinity": (replaced("05,4", "05,inf"), "line 6, column 'y': inf is infinite"),
    "minus infinity": (replaced("05,4", "05,-Infinity"), "line 6, column 'y': -inf is infinite"),
    "too large for a float": (replaced("05,4", "05,1e999"), "line 6, column 'y': inf is infinite"),
    "no time": (replaced("2024-01-05", "someday"), "line 6, column 'ds': 'someday' is not a time"),
    "no such day": (replaced("2024-01-05", "2024-02-30"), "line 6, column 'ds': '2024-02-30'"),
    "missing time": (replaced("2024-01-05", ""), "line 6, column 'ds': no time; every row needs"),
    "repeated time": (TABLE + "2024-01-05,9\n", "line 30, column 'ds': 2024-01-05 is in line 6"),
    "time of day": (replaced("2024-01-05", "2024-01-05 05:17"), "line 6", "not evenly spaced"),
    "a mistyped year": (replaced("2024-01-28", "2924-01-28"), "line 29", "correct a mistyped time"),
    "mixed time zones": (
        "ds,y\n2024-01-01T00:00:00+01:00,1\n2024-01-02T00:00:00,2\n",
        "line 3, column 'ds': '2024-01-02T00:00:00' has another time zone than",
        "write all times in one zone",
    ),
    "day or month first": (
        "ds,y\n01/02/2024,1\n02/02/2024,2\n",
        "line 2, column 'ds': '01/02/2024' may be day/month/year (2024-02-01) or month/day/year",
        "say --date-format day-first or --date-format month-first",
    ),
    "missing id": ("shop,ds,y\nA,2024-01-01,1\n,2024-01-02,2\n", "line 3, column 'shop': no id"),
}

UNCLEAR_COLUMNS = {
    "two of one name": ("ds,y,y\n2024-01-01,1,2\n", "two columns are called 'y'; rename one"),
    "no time": ("a,b\nx,1\ny,2\n", "no time column among 'a', 'b'", "say which with --time"),
    "two times": (
        "sent,arrived,y\n2024-01-01,2024-01-02,1\n2024-01-02,2024-01-03,2\n",
        "the time column may be any of 'sent', 'arrived'; say which with --time",
    ),
    "two ids": (
        "shop,item,ds,y\nA,x,2024-01-01,1\nB,z,2024-01-01,2\n",
        "the id column may be any of 'shop', 'item'; say which with --id",
    ),
    "two targets": (
        "shop,ds,sold,lost\nA,2024-01-01,1,2\nA,2024-01-02,1,2\n",
        "the target column may be any of 'sold', 'lost'; say which with --target",
    ),
}

TOO_LITTLE = {
    "one row": (rows(1), "cannot infer the frequency: no series has two rows"),
    "two rows": (rows(2), "the longest series has 2 rows; training needs one with at least 12"),
    "eleven rows": (
        rows(11),
        "the longest series has 11 rows; training needs one with at least 12",
    ),
    "all missing": (rows(28, ""), "'y'"),
}


def as_cases(*tables):
    return [
        pytest.param(content, words, id=name)
        for table in tables
        for name, (content, *words) in table.items()
    ]


@pytest.mark.parametrize(
    ("content", "words"), as_cases(NOT_A_TABLE, BAD_CELLS, UNCLEAR_COLUMNS, TOO_LITTLE)
)
@pytest.mark.parametrize("place", ["a file", "standard input"])
def test_a_table_that_cannot_be_used_says_where_and_why(tmp_path, content, words, place):
    content = content if isinstance(content, bytes) else content.encode()
    (tmp_path / "table").write_bytes(content)
    (tmp_path / "model.forecast").write_bytes(BEFORE)

    if place == "a file":
        line = error_of("train", "table", status=1)
    else:
        line = error_of("train", "-", stdin=content, status=1)
        words = [word.replace("table: ", "standard input: ") for word in words]

    assert all(word in line for word in words), line
    assert (tmp_path / "model.forecast").read_bytes() == BEFORE


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("nowhere.csv", "nowhere.csv: no such file; check the path"),
        (".", ".: a folder; name a file"),
    ],
)
def test_a_file_that_is_not_there_is_named(path, words):
    assert words in error_of("train", path, status=1)


# Choices of `train` that are out of range or do not fit the data

CHOICES = [
    (["--budget", "soon"], 2, 'budget is \'soon\'; give seconds, or text such as "90s", "5m"'),
    (["--budget", "0"], 2, "budget is '0'"),
    (["--budget=-5m"], 2, "budget is '-5m'"),
    (["--budget", ""], 2, "budget is ''"),
    (["--frequency", "fortnight"], 2, "frequency 'fortnight' is not known. Use"),
    (["--frequency", ""], 2, "frequency '' is not known"),
    (["--frequency", "0D"], 2, "frequency '0D' is not known"),
    (["--frequency", "2D"], 1, "table, line 3, column 'ds': 2024-01-02 follows 2024-01-01, not in"),
    (["--frequency", "MS"], 1, "table, line 3, column 'ds': 2024-01-02 is not a time of"),
    (["--frequency", "s"], 1, "table, line 3, column 'ds'"),
    (["--time", "when"], 1, "table: no column 'when' for the time; it has 'ds', 'y'"),
    (["--id", "Y"], 1, "no column 'Y' for the id"),
    (["--target", "sold"], 1, "no column 'sold' for the target"),
    (["--target", "y", "--id", "y"], 1, "column 'y' is given for two roles"),
    (["--head", "cauchy"], 2, "'cauchy' is not one of 'point', 'normal', 'student_t'"),
    (["--transform", "boxcox"], 2, "'boxcox' is not one of 'auto', 'none', 'sqrt', 'log'"),
    (["--transform", "log"], 2, "transform is 'log', which needs values above 0, but there is 0"),
    (["--windows", "sliding"], 2, "'sliding' is not one of 'random', 'contiguous'"),
    (["--network", "gru"], 2, "'gru' is not one of 'lstm', 'seq2seq', 'attention', 'repeat'"),
    (["--cell", "rnn"], 2, "'rnn' is not one of 'lstm', 'gru'"),
    (["--attention-score", "cosine"], 2, "'cosine' is not one of 'dot', 'additive'"),
    (["--feedback", "pupil"], 2, "feedback is 'pupil'; it must be one of teacher, scheduled, free"),
    (["--feedback", "teacher>"], 2, "feedback is 'teacher>'; it must be one of"),
    (["--feedback", "free", "--network", "repeat"], 2, "network 'repeat' is not fed its own"),
    (["--feedback", "free", "--windows", "contiguous"], 2, "need network 'lstm' and a feedback"),
    (["--network", "seq2seq", "--windows", "contiguous"], 2, "contiguous windows carry the state"),
    (["--schedule", "stairs"], 2, "'stairs' is not one of 'constant', 'linear'"),
    (["--teacher-forcing-ratio", "1.5"], 2, "'1.5' is neither a share from 0 to 1 nor a pair"),
    (["--teacher-forcing-ratio", "1,0,0"], 2, "'1,0,0' is neither a share from 0 to 1 nor a pair"),
    (["--teacher-forcing-ratio", "half"], 2, "'half' is neither a share from 0 to 1"),
    (["--teacher-forcing-ratio", "0.5"], 2, "teacher_forcing_ratio is for scheduled sampling"),
    (["--attention-score", "dot"], 2, "attention_score is for attention, but network is 'lstm'"),
    (["--dropout", "0.1"], 2, "dropout is 0.1, but acts between layers, and there is one"),
    (["--mixing", "half"], 2, "'half' is not one of 'exact', 'parallel'"),
    (["--mix-by", "row"], 2, "'row' is not one of 'step', 'sequence'"),
    (["--steps", "-1"], 2, "-1 is not in the range x>=0"),
    (["--steps", "many"], 2, "'many' is not a valid integer"),
    (["--units", "0"], 2, "0 is not in the range x>=1"),
    (["--dropout", "1"], 2, "1.0 is not in the range 0<=x<1"),
    (["--dropout", "nan"], 2, "dropout is nan; it must lie from 0 to below 1"),
    (["--learning-rate", "nan"], 2, "learning_rate is nan; it must be a positive number"),
    (["--seed", "-1"], 2, "-1 is not in the range"),
    (["--seed", str(2**32)], 2, "4294967296 is not in the range"),
    (["--holdout", "13"], 2, "a holdout of 13 steps needs 30 rows, the longest series has 28"),
    (["--holdout", "13", "--start", "scratch"], 2, "a context of 7 need 42 rows", "has 28"),
    (["--context", "100"], 2, "a context of 100 need", "choose a smaller --holdout or --context"),
    (["--season", "29"], 2, "season is 29 steps, but the longest series has 28 rows"),
    (["--mdel", "x"], 2, "No such option '--mdel'"),
    (["too.csv", "many.csv"], 1, "too.csv: no such file"),
]


@pytest.mark.parametrize(("options", "status", "words"), [(o, s, w) for o, s, *w in CHOICES])
def test_a_choice_that_makes_no_sense_says_what_would(tmp_path, options, status, words):
    (tmp_path / "table").write_text(TABLE)
    (tmp_path / "model.forecast").write_bytes(BEFORE)

    line = error_of("train", "table", *options, status=status)

    assert all(word in line for word in words), line
    assert (tmp_path / "model.forecast").read_bytes() == BEFORE


@pytest.mark.parametrize("transform", ["sqrt", "log"])
def test_negative_values_and_a_transform_that_cannot_take_them(tmp_path, transform):
    (tmp_path / "table").write_text(replaced("05,4", "05,-4"))

    line = error_of("train", "table", "--transform", transform, status=2)

    assert f"transform is '{transform}'" in line
    assert "but there is -4; use --transform none" in line


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("no/such/folder/model.forecast", "there is no folder"),
        (".", "it is a folder; name a file with --model"),
        ("", "it is a folder; name a file with --model"),
        ("table/model.forecast", "there is no folder"),
    ],
)
def test_a_place_for_the_model_that_cannot_be_written_is_told_before_training(
    tmp_path, model, words
):
    (tmp_path / "table").write_text(TABLE)

    assert words in error_of("train", "table", "--model", model, status=1)


@pytest.mark.parametrize("model", ["table", "./table", "link"])
def test_a_model_never_takes_the_place_of_the_table_it_is_trained_on(tmp_path, model):
    (tmp_path / "table").write_text(TABLE)
    (tmp_path / "link").symlink_to(tmp_path / "table")

    line = error_of("train", "table", "--model", model, status=2)

    assert "would overwrite the table itself; name another file" in line
    assert (tmp_path / "table").read_text() == TABLE


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["train"], "Missing argument 'TABLE...'"),
        (["predict"], "Missing option '--horizon'"),
        (["forecats"], "No such command 'forecats'"),
        (["datasets", "passengers"], "no dataset 'passengers'; there are air_passengers, traffic"),
        (["datasets", ""], "no dataset ''; there are air_passengers"),
    ],
)
def test_a_wrong_command_line_says_what_is_wrong(words, expected):
    quiet = [] if words == ["forecats"] else ["--quiet"]
    result = CliRunner().invoke(main, [*words, *quiet], prog_name="forecast")

    assert result.exit_code == 2
    assert [expected in line for line in result.stderr.splitlines() if line[:6] == "Error:"] == [
        True
    ]


# A model file that cannot be used


@pytest.fixture
def model(make_model, make_random_panel):
    """Two daily stores; a point forecast."""
    panel = make_random_panel([20, 9], ids=["north", "south"], frequency="D", first=19_723)
    return make_model(panel, lags=(2, 7), units=2)


@pytest.fixture
def saved(tmp_path, model):
    model.save(tmp_path / "model.forecast")
    return tmp_path / "model.forecast"


def rewrite(path, part, change):
    """Change one part of a model file."""
    with zipfile.ZipFile(path) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    with zipfile.ZipFile(path, "w") as file:
        for name, content in parts.items():
            file.writestr(name, change(content) if name == part else content)


def cut_off(path):
    path.write_bytes(path.read_bytes()[:-300])


def empty(path):
    path.write_bytes(b"")


def text(path):
    path.write_text(TABLE)


def foreign(path):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("readme.txt", "hello")


def remove(path):
    path.unlink()


def folder(path):
    path.unlink()
    path.mkdir()


def of_the_future(path):
    rewrite(path, CONFIG, lambda old: json.dumps({**json.loads(old), "format": 99}).encode())


def edited(path):
    rewrite(path, CONFIG, lambda old: old.replace(b'"context": 8', b'"context": 9'))


def with_broken_weights(path):
    def spoil(old):
        weights = load_arrays(old)
        return save_arrays({**weights, "head.bias": weights["head.bias"] * np.float32(np.nan)})

    rewrite(path, WEIGHTS, spoil)


def with_other_weights(path):
    def nudge(old):
        weights = load_arrays(old)
        return save_arrays({**weights, "head.bias": weights["head.bias"] + np.float32(1)})

    rewrite(path, WEIGHTS, nudge)


def with_one_id_twice(path):
    whole = Model.load(path)
    twice = replace(whole.state, ids=np.array(["north", "north"], dtype=object))
    replace(whole, state=twice).save(path)


def with_ids_of_no_kind(path):
    rewrite(path, HELD, lambda old: old.replace(b'"south"', b'["south"]'))


def with_other_ids(path):
    rewrite(path, HELD, lambda old: old.replace(b'"south"', b'"north"'))


def with_another_state(path):
    def nudge(old):
        arrays = load_arrays(old)
        return save_arrays({**arrays, "time": arrays["time"] + 1})

    rewrite(path, STATE, nudge)


def with_a_billion_layers(path):
    rewrite(path, CONFIG, lambda old: old.replace(b'"layers": 1', b'"layers": 1000000000'))


def with_a_broken_record(path):
    rewrite(path, TRAINING, lambda _: b'{"rounds": 1}')


def nested_without_end(path):
    rewrite(path, TRAINING, lambda _: b"[" * 100_000)


@pytest.mark.parametrize("command", [["predict", "--horizon", "2", "--model"], ["inspect"]])
@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (remove, "there is no model file model.forecast; make one with: forecast train TABLE"),
        (folder, "cannot read model.forecast: Is a directory"),
        (empty, "model.forecast: not a model file of forecast, or a damaged one; train again"),
        (text, "model.forecast: not a model file of forecast, or a damaged one; train again"),
        (cut_off, "model.forecast: not a model file of forecast, or a damaged one; train again"),
        (foreign, "model.forecast: not a model file of forecast, or a damaged one; train again"),
        (nested_without_end, "model.forecast: not a model file of forecast"),
        (of_the_future, "the file has format 99, this version of forecast"),
        (edited, "model.forecast: its parts do not belong together; train again"),
        (with_other_weights, "model.forecast: its parts do not belong together; train again"),
        (with_broken_weights, "weights head.bias holds numbers that are not finite; train again"),
        (with_one_id_twice, "its ids are not all different; train again"),
        (with_ids_of_no_kind, "its ids are neither text nor numbers; train again"),
        (with_other_ids, "model.forecast: its state is not as it was written; train again"),
        (with_another_state, "model.forecast: its state is not as it was written; train again"),
        (with_a_billion_layers, "fewer than 1000000000 layers; train again"),
        (with_a_broken_record, "model.forecast: its training record is damaged; train again"),
    ],
)
def test_a_model_file_that_cannot_be_used_says_so(saved, damage, words, command):
    damage(saved)

    assert words in error_of(*command, "model.forecast", status=1)


# Requests to `predict` that cannot be met

REQUESTS = [
    (["--horizon", "0"], 2, "0 is not in the range x>=1"),
    (["--horizon", "-1"], 2, "-1 is not in the range x>=1"),
    (["--horizon", "1.5"], 2, "'1.5' is not a valid integer"),
    (["--horizon", "soon"], 2, "'soon' is not a valid integer"),
    (["--horizon", str(10**30)], 2, "time can be counted for"),
    (["--series", "east"], 1, "no series", "east", "north"),
    (["--series", ""], 1, "no series"),
    (["--levels", "80"], 2, "the model has no calibrated intervals, since nothing was held out"),
    (["--levels", "0"], 2, "'0' is not a list of percents such as 80,95"),
    (["--levels", "100"], 2, "'100' is not a list of percents such as 80,95, from 1 to below 100"),
    (["--levels", "80,"], 2, "'80,' is not a list of percents"),
    (["--levels", "nan"], 2, "'nan' is not a list of percents"),
    (["--levels", "most"], 2, "'most' is not a list of percents"),
    (["--seed", "-1"], 2, "-1 is not in the range"),
    (["--runtime", "gpu"], 2, "'gpu' is not one of 'auto', 'numpy', 'compiled'"),
    (["--out", "."], 2, "--out FOLDER/ takes a model file, and Parquet files or --states"),
    (["--out", "no/folder.csv"], 1, "cannot write no/folder.csv: there is no folder"),
    (["--out", "future.xls"], 1, "future.xls: unknown file type; name it .csv"),
    (["--plot", "future.jpg"], 2, "future.jpg: a picture's name must end in .png, .svg, .pdf"),
]


@pytest.mark.parametrize(("options", "status", "words"), [(o, s, w) for o, s, *w in REQUESTS])
@pytest.mark.usefixtures("saved")
def test_a_forecast_that_cannot_be_made_says_why(options, status, words):
    line = error_of("predict", "--horizon", "2", *options, status=status)

    assert all(word in line for word in words), line


@pytest.mark.parametrize(
    "command",
    [
        ("predict", "--horizon", "2", "--out"),
        ("predict", "--horizon", "2", "--paths", "2", "--paths-out"),
        ("backtest", "table.csv", "--horizon", "2", "--model", "model.forecast", "--out"),
        ("explain", "table.csv", "--horizon", "2", "--model", "model.forecast", "--out"),
        ("tune", "table.csv", "--out"),
    ],
)
@pytest.mark.usefixtures("saved")
def test_a_table_that_cannot_be_written_is_told_before_it_is_computed(command, monkeypatch):
    monkeypatch.setattr(tables, "read_table", None)
    monkeypatch.setattr(Model, "rollout", None)
    monkeypatch.setattr("forecast.data.io.parquet.is_pyarrow_installed", lambda: False)

    line = error_of(*command, "result.parquet", status=1)

    assert line.startswith("Error: result.parquet: a Parquet file needs PyArrow: pip install ")


def test_a_lock_that_cannot_be_had_is_told_before_training(tmp_path):
    (tmp_path / ".model.forecast.lock").mkdir()
    (tmp_path / "table.csv").write_text(TABLE)

    line = error_of("train", "table.csv", status=1)

    assert re.search(r"its lock .*\.model\.forecast\.lock cannot be taken: Is a directory", line)


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        ("no/folder.png", "cannot write no/folder.png: there is no folder"),
        ("folder.png", "cannot write 'folder.png': it is a folder; name a file with --plot"),
    ],
)
@pytest.mark.usefixtures("saved")
def test_a_picture_that_cannot_be_written_is_told_before_anything_is(tmp_path, picture, words):
    (tmp_path / "folder.png").mkdir()

    line = error_of("predict", "--horizon", "2", "--out", "x.csv", "--plot", picture, status=1)

    assert words in line
    assert not (tmp_path / "x.csv").exists()


# A table to continue that does not fit the model

CONTINUED = "store,day,sold\n" + "".join(f"east,{day},{n % 5}\n" for n, day in enumerate(DAYS))

MISFITS = {
    "empty": ("", "table: empty; it needs a header line and rows"),
    "header only": ("store,day,sold\n", "a header and no rows"),
    "no target": (CONTINUED.replace("sold", "lost"), "no column 'sold' for the target; it has"),
    "no id": (CONTINUED.replace("store", "shop"), "no column 'store' for the id; it has"),
    "no time": (CONTINUED.replace("day", "date"), "no column 'day' for the time; it has"),
    "hours": (
        "store,day,sold\n" + "".join(f"east,2024-01-01 {hour:02}:00,5\n" for hour in range(24)),
        "line 3, column 'day': 2024-01-01 01:00:00 follows 2024-01-01, not in whole steps",
    ),
    "numbered steps": (
        "store,day,sold\n" + "".join(f"east,{n},5\n" for n in range(20)),
        "column 'day': a frequency of 'D' does not fit",
    ),
    "no value": ("store,day,sold\neast,2024-01-01,\neast,2024-01-02,\n", "'sold' has no value"),
    "a series without a value": (
        CONTINUED + "west,2024-01-01,\nwest,2024-01-02,\n",
        "series 'west' has no observed value; leave it out",
    ),
    "text among numbers": (CONTINUED + "west,2024-01-01,four\n", "line 30, column 'sold'"),
    "infinity": (CONTINUED + "west,2024-01-01,inf\n", "line 30, column 'sold'"),
}


@pytest.mark.parametrize(("content", "words"), as_cases(MISFITS))
@pytest.mark.usefixtures("saved")
def test_a_table_to_continue_that_does_not_fit_says_where(tmp_path, content, words):
    (tmp_path / "table").write_text(content)

    line = error_of("predict", "table", "--horizon", "2", status=1)

    assert all(word in line for word in words), line


@pytest.mark.usefixtures("saved")
def test_a_forecast_never_takes_the_place_of_the_table_that_it_continues(tmp_path):
    (tmp_path / "table.csv").write_text(CONTINUED)

    line = error_of("predict", "table.csv", "-n", "2", "--out", "./table.csv", status=2)

    assert line == "Error: --out ./table.csv would overwrite the table itself; name another file"
    assert (tmp_path / "table.csv").read_text() == CONTINUED


@pytest.mark.usefixtures("saved")
def test_a_series_of_the_model_that_the_table_to_continue_lacks_is_unknown(tmp_path):
    (tmp_path / "table").write_text(CONTINUED)

    line = error_of("predict", "table", "--horizon", "2", "--series", "north", status=1)

    assert line == "Error: no series 'north'; there are 'east'"


def test_many_series_for_a_model_of_one_are_refused(make_model, tmp_path):
    model = make_model(to_panel(pd.read_csv(io.StringIO(TABLE))))
    model.save("one.forecast")
    (tmp_path / "table").write_text("shop,ds,y\nA,2024-01-01,1\nB,2024-01-01,2\n")

    line = error_of("predict", "table", "--model", "one.forecast", "--horizon", "2", status=1)

    assert (
        "table: 2 series, distinguished by 'shop', but the model was trained on a table of" in line
    )


def test_values_that_the_models_transform_cannot_take_are_refused(make_model, make_random_panel):
    panel = make_random_panel([20], ids=["north"], frequency="D", first=19_723)
    make_model(panel, power=0.0).save("log.forecast")
    table = CONTINUED.encode()  # it has zeros

    line = error_of("predict", "-", "-m", "log.forecast", "-n", "2", stdin=table, status=1)

    assert "series 'east' has a value 0, but the model was trained on positive values only" in line


# The disk


def full_disk(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("words", "file", "files_before"),
    [
        (["predict", "--horizon", "2", "--out", "old.csv"], "old.csv", 0),
        (["predict", "--horizon", "2", "--out", "new.csv", "--plot", "old.png"], "old.png", 1),
        (["datasets", "air_passengers", "--out", "old.csv"], "old.csv", 0),
    ],
)
@pytest.mark.usefixtures("saved")
def test_a_full_disk_leaves_the_old_file_and_no_other(
    tmp_path, monkeypatch, words, file, files_before
):
    (tmp_path / file).write_bytes(BEFORE)
    answers = itertools.chain([os.fsync] * files_before, itertools.repeat(full_disk))
    monkeypatch.setattr(os, "fsync", lambda stream: next(answers)(stream))

    line = error_of(*words, status=1)

    assert file in line
    assert "No space left on device" in line
    assert (tmp_path / file).read_bytes() == BEFORE
    assert {path.name for path in tmp_path.iterdir()} <= {"model.forecast", file, "new.csv"}
