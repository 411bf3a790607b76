"""Results that took long to compute are not lost where they cannot be written."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import forecast
from forecast.cli import main
from forecast.cli.kept_results import keep, kept_unless_written
from forecast.cli.train import sigterm_as_control_c
from forecast.errors import DataError, ForecastError

resource = pytest.importorskip("resource", reason="limits of a process as POSIX has them")

PROGRAM = [sys.executable, "-c", "from forecast.cli import main; main()"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The present folder, and another one for temporary files."""
    (tmp_path / "work").mkdir()
    (tmp_path / "temporary").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    return tmp_path


def write_result(place):
    Path(place).write_text("result")


def fail(*_):
    raise DataError("out.csv: cannot be written: No space left on device")


def test_a_result_that_is_written_is_not_kept_elsewhere(folder):
    with kept_unless_written("out.csv", write_result, "the forecast"):
        write_result("out.csv")

    assert sorted(one.name for one in folder.rglob("*.csv")) == ["out.csv"]


def test_a_result_that_cannot_be_written_is_kept_beside_and_the_advice_moves_it():
    Path("out.csv").write_text("old")
    with (
        pytest.raises(ForecastError) as raised,
        kept_unless_written("out.csv", write_result, "the forecast"),
    ):
        fail()

    assert Path("out.csv").read_text() == "old"
    reason, advice = str(raised.value).split("; the forecast is kept in ")
    assert reason == "out.csv: cannot be written: No space left on device"
    kept, command = advice.split("; once that is mended, move it with: ")
    assert Path(kept) == Path("kept-1-out.csv").resolve()
    move, *places = shlex.split(command)
    assert move == "mv"
    shutil.move(*places)
    assert Path("out.csv").read_text() == "result"


def test_an_interrupt_while_waiting_for_the_place_keeps_the_result():
    with (
        pytest.raises(ForecastError, match=r"^interrupted; the model is kept in .*kept-1-m\.x; "),
        kept_unless_written("m.x", write_result, "the model"),
    ):
        raise KeyboardInterrupt

    assert Path("kept-1-m.x").read_text() == "result"


def test_a_reader_that_has_enough_is_left_alone(folder):
    with pytest.raises(BrokenPipeError), kept_unless_written("m.x", write_result, "the model"):
        raise BrokenPipeError

    assert list(folder.rglob("kept*")) == []


def test_what_is_kept_never_replaces_another_file():
    Path("kept-1-out.csv").write_text("another")

    assert keep("out.csv", write_result) == Path("kept-2-out.csv").resolve()
    assert Path("kept-1-out.csv").read_text() == "another"


def test_where_the_folder_is_gone_or_takes_nothing_the_result_is_kept_among_temporary_files(folder):
    in_temporary = folder / "temporary" / "kept-1-out.csv"
    assert keep("gone/out.csv", write_result) == in_temporary
    in_temporary.unlink()

    def only_temporary(place):
        if Path(place).parent.name != "temporary":
            raise OSError(28, "No space left on device")
        write_result(place)

    assert keep("out.csv", only_temporary) == in_temporary
    assert list(Path().iterdir()) == []  # no empty file is left where it failed


def test_a_result_that_no_folder_takes_is_lost_and_that_is_said(folder):
    with (
        pytest.raises(ForecastError, match="the forecast could not be kept elsewhere either"),
        kept_unless_written("out.csv", fail, "the forecast"),
    ):
        fail()

    assert [one for one in folder.rglob("*") if one.is_file()] == []


@contextmanager
def largest_file(size):
    """No file of this process can become larger, as on a full disk: bytes."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_disk_that_is_full_everywhere_leaves_no_parts_of_files(folder):
    frame = pd.DataFrame({"y": np.arange(10_000)})
    from forecast.data.io.tables import write_table

    def save(place):
        write_table(frame, place)

    with (
        largest_file(1000),
        pytest.raises(ForecastError, match=r"out.csv: cannot be written: File too large; .*either"),
        kept_unless_written("out.csv", save, "the forecast"),
    ):
        save("out.csv")

    assert [one for one in folder.rglob("*") if one.is_file()] == []


# The commands


def kept_in(result):
    """The file that a failed command names."""
    assert result.exit_code == 1, result.output
    errors = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    return Path(re.search(r" is kept in (\S+); once that is mended", errors[0])[1])


def run(*words):
    return CliRunner().invoke(main, [*map(str, words)])


@pytest.fixture
def vanishing(monkeypatch):
    """The folder "results", which makes way for a file while a model is trained."""
    from types import SimpleNamespace

    Path("results").mkdir()
    fit = sys.modules["forecast.training.fit"].fit

    def fit_and_remove(*given):
        if Path("results").is_dir():
            shutil.rmtree("results")
            Path("results").touch()
        return fit(*given)

    monkeypatch.setitem(sys.modules, "forecast.training.fit", SimpleNamespace(fit=fit_and_remove))


@pytest.mark.usefixtures("untrained", "vanishing")
def test_a_model_whose_folder_has_vanished_is_kept(sales, folder):
    sales.to_csv("sales.csv", index=False)

    result = run("train", "sales.csv", "--model", "results/model.forecast")

    kept = kept_in(result)
    assert kept == folder / "temporary" / "kept-1-model.forecast"
    assert forecast.load(kept).record.rows == 120


@pytest.mark.usefixtures("untrained")
def test_a_model_that_another_process_locks_is_kept_beside(sales, monkeypatch):
    from filelock import FileLock

    sales.to_csv("sales.csv", index=False)
    lock = FileLock(Path(".model.forecast.lock").resolve())
    monkeypatch.setattr("forecast.data.io.atomic_write.LOCK_TIMEOUT_SECONDS", 0.1)
    trained = sys.modules["forecast.training.fit"].fit

    def fit_and_lock(*given):
        lock.acquire()
        return trained(*given)

    monkeypatch.setattr(sys.modules["forecast.training.fit"], "fit", fit_and_lock)
    try:
        result = run("train", "sales.csv")
    finally:
        lock.release()

    assert "another process has not finished changing it" in result.stderr
    kept = kept_in(result)
    assert kept == Path("kept-1-model.forecast").resolve()
    assert forecast.load(kept).record.rows == 120
    assert not Path("model.forecast").exists()


@pytest.mark.usefixtures("untrained", "vanishing")
def test_a_backtest_that_cannot_be_written_is_kept_and_its_measures_are_printed(sales, folder):
    sales.to_csv("sales.csv", index=False)

    words = ["backtest", "sales.csv", "--horizon", 3, "--cutoffs", 2, "--baseline", "naive"]
    result = run(*words, "--out", "results/backtest.csv")

    kept = kept_in(result)
    assert kept == folder / "temporary" / "kept-1-backtest.csv"
    assert len(pd.read_csv(kept)) == 2 * 2 * 3  # series, cutoffs, steps
    assert result.stdout.startswith("4 forecasts of 3 steps: 2 series")


# SIGTERM


def test_sigterm_acts_like_control_c_where_nobody_handles_it():
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        with pytest.raises(KeyboardInterrupt), sigterm_as_control_c():
            signal.raise_signal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL

        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        with sigterm_as_control_c():
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.slow
@pytest.mark.parametrize("background", [False, True])
def test_sigterm_keeps_the_best_weights_also_in_the_background_where_control_c_is_ignored(
    sales, background
):
    sales.to_csv("sales.csv", index=False)
    words = ["train", "sales.csv", "--units", "2", "--batch-size", "2", "--steps", "100000"]
    ignore = (lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)) if background else None
    process = subprocess.Popen(
        [*PROGRAM, *words, "--feedback", "teacher"], stderr=subprocess.PIPE, preexec_fn=ignore
    )
    try:
        while b"Training" not in process.stderr.readline():
            pass
        wait_until_trained_for(process, 20.0)
        if background:
            process.send_signal(signal.SIGINT)
            time.sleep(1.0)
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        errors = process.communicate(timeout=120)[1].decode()
    finally:
        process.kill()
        process.wait()

    assert process.returncode == 0, errors
    assert "interrupted: the best weights so far are kept" in errors
    assert forecast.load("model.forecast").record.ended == "interrupted"


def wait_until_trained_for(process, seconds):
    """Wait until a process has computed for so long since now, whatever else the machine does."""
    start = computed_by(process)
    while computed_by(process) - start < seconds:
        assert process.poll() is None
        time.sleep(0.2)


def computed_by(process):
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
