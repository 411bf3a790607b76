"""`forecast serve` as a process: its start, its end, and what a kill leaves."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from forecast.engines.state_store import StateStore

pytestmark = pytest.mark.slow

FORECAST = Path(sys.executable).with_name("forecast")
PATIENCE = 60


@pytest.fixture(scope="module")
def model(make_model, make_random_panel):
    return make_model(make_random_panel([12] * 6, frequency="D"))


@pytest.fixture
def folder(tmp_path, model):
    model.save(tmp_path / "stores.forecast")
    return tmp_path


@contextmanager
def serving(folder, *options):
    """A service as a process, and its address."""
    command = [FORECAST, "serve", "stores.forecast", "--port", "0", *options]
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)
    try:
        lines = iter(process.stderr.readline, "")
        place = next(found[0] for line in lines if (found := re.findall(r"http://[^,]+/", line)))
        wait_for(place)
        yield process, place
    finally:
        process.kill()
        process.communicate()


def wait_for(place):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            return ask(place, "health")
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(place)


def ask(place, address, body=None):
    content = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(place + address, content, headers)
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.loads(answer.read())


def row(name, day):
    return {"store": name, "day": f"1970-{1 + day // 28:02}-{1 + day % 28:02}", "sold": 5.0}


def run(folder, *words):
    command = [FORECAST, "serve", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE)


@pytest.mark.parametrize(
    ("ending", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, -signal.SIGTERM)]
)
def test_it_says_where_it_is_and_ends_quietly_on_a_signal(folder, ending, status):
    with serving(folder) as (process, place):
        assert ask(place, "health")["models"] == ["stores"]
        process.send_signal(ending)
        _, errors = process.communicate(timeout=PATIENCE)

    assert errors == ""
    assert process.returncode == status


def test_several_processes_answer_as_one(folder):
    with serving(folder, "--workers", "2") as (process, place):
        for day in range(12, 20):
            assert ask(place, "observe", {"rows": [row("a", day)]})["rows"] == 1
            (end,) = ask(place, "series?search=a")["series"]
            assert end["last_time"] == f"1970-01-{day + 1}"
        with urllib.request.urlopen(place + "metrics", timeout=PATIENCE) as answer:
            metrics = answer.read().decode()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)

    assert 'forecast_rows_observed_total{model="stores"} 8.0' in metrics


def test_every_acknowledged_row_is_there_after_a_kill(folder, model):
    done = dict.fromkeys("abcdef", 11)

    def send(place, name):
        try:
            while True:
                ask(place, "observe", {"rows": [row(name, done[name] + 1)]})
                done[name] += 1
        except (OSError, urllib.error.URLError):
            return

    for _ in range(3):
        with serving(folder) as (process, place):
            threads = [threading.Thread(target=send, args=(place, name)) for name in done]
            for thread in threads:
                thread.start()
            time.sleep(0.3)
            process.kill()
            for thread in threads:
                thread.join()
        with StateStore(folder / "stores.states", model) as store:
            last = store.last_times()
            state = store.states([*done])

        step = model.config.frequency.step
        kept = {name: time // step for name, time in last.items()}
        assert all(kept[name] - done[name] in (0, 1) for name in done)  # 1: before its answer
        done = kept
    for name, day in done.items():
        one = model.observe(model.state.select([name]), [[5.0] * (day - 11)])
        np.testing.assert_allclose(
            model.predict(3, state=state.select([name]))["forecast"],
            model.predict(3, state=one)["forecast"],
            rtol=1e-6,  # rows observed one by one, or all at once
        )
    assert min(done.values()) > 13


def test_a_port_that_is_taken_is_said_in_one_line(folder):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()

        result = run(folder, "stores.forecast", "--port", str(other.getsockname()[1]))

    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: cannot listen at 127.0.0.1, port ")
    assert line.endswith("Address already in use; name another --host or --port")


@pytest.mark.parametrize(
    ("words", "status", "problem"),
    [
        (["nothing.forecast"], 1, "nothing.forecast"),
        (["stores.forecast", "other/stores.forecast"], 2, "would both be served as 'stores'"),
        (["stores.forecast", "--host", "no.such.host.example"], 2, "cannot listen at no.such"),
        (["stores.forecast", "--host", "a..b"], 2, "cannot listen at a..b"),
        (["stores.forecast", "--token", ""], 2, "the token is empty"),
        (["stores.forecast", "--monitor", "--workers", "2"], 2, "leave --workers out"),
        (["broken.forecast"], 1, "broken.forecast"),
    ],
)
def test_what_keeps_it_from_starting_is_said_in_one_line(folder, words, status, problem):
    shutil.copytree(folder, folder / "other")
    (folder / "broken.forecast").write_bytes(b"nothing")

    result = run(folder, *words, "--port", "0", "--quiet")

    assert result.returncode == status
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")
    assert re.search(problem, line)


def test_the_states_of_another_model_are_not_served(folder, make_model, make_random_panel):
    other = make_model(make_random_panel([12] * 6, frequency="D"), seed=5)
    StateStore(folder / "stores.states", other).close()

    result = run(folder, "stores.forecast", "--port", "0")

    assert result.returncode == 1
    assert "its states belong to model" in result.stderr.splitlines()[-1]


def test_an_empty_token_in_the_environment_is_no_token(folder, monkeypatch):
    monkeypatch.setenv("FORECAST_TOKEN", "")

    result = run(folder, "stores.forecast", "--port", "0")

    assert result.returncode == 2
    assert "the token is empty" in result.stderr


def test_the_token_may_come_from_the_environment(folder, monkeypatch):
    monkeypatch.setenv("FORECAST_TOKEN", "secret")

    with serving(folder) as (_, place), pytest.raises(urllib.error.HTTPError, match="401"):
        ask(place, "observe", {"rows": [row("a", 12)]})


def test_requests_made_up_from_its_own_description_find_no_fault(folder):
    checks = "not_a_server_error,content_type_conformance,response_schema_conformance"
    checks += ",status_code_conformance,unsupported_method"
    with serving(folder, "--max-body", "1") as (process, place):
        tool = Path(sys.executable).with_name("schemathesis")
        words = ["run", f"{place}openapi.json", "--checks", checks, "--max-examples", "20"]
        environment = {**os.environ, "NO_COLOR": "1"}
        found = subprocess.run(
            [tool, *words, "--suppress-health-check", "all"],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert found.returncode == 0, found.stdout
        assert ask(place, "observe", {"rows": [row("a", 12)]})["rows"] == 1
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=PATIENCE)

    assert "Traceback" not in errors
