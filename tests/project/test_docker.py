"""The Dockerfile, without Docker: its commands in a folder, and what its options mean."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from forecast.cli import main

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "Dockerfile").read_text()
STEPS = re.sub(r"\\\n\s*", "", TEXT).splitlines()


def steps(kind):
    """The arguments of all instructions of a kind."""
    return [step.removeprefix(kind).strip() for step in STEPS if step.startswith(f"{kind} ")]


def test_the_service_runs_as_a_user_and_keeps_states_in_a_volume():
    assert steps("USER") == ["forecast"]
    assert steps("VOLUME") == steps("WORKDIR") == ["/states"]
    assert "install --directory --owner forecast /states" in steps("RUN")[-1]
    assert all("--no-cache-dir" in run for run in steps("RUN") if "pip install" in run)


def test_the_health_is_asked_where_the_service_listens():
    (check,) = (step for step in STEPS if step.startswith("HEALTHCHECK"))
    program = json.loads(check.partition(" CMD ")[2])
    command = json.loads(steps("CMD")[0])
    port = command[command.index("--port") + 1]

    assert steps("ENTRYPOINT") == ['["forecast"]']
    assert steps("EXPOSE") == [port]
    assert program[:2] == ["python", "-c"]
    assert f"http://127.0.0.1:{port}/health" in program[2]
    compile(program[2], "health", "exec")


def test_all_that_is_copied_is_in_the_context():
    context = (ROOT / ".dockerignore").read_text().splitlines()

    wanted = {line.removeprefix("!") for line in context if line.startswith("!")}
    assert wanted == {
        "LICENSE",
        "constraints.txt",
        "pyproject.toml",
        "small",
        "forecast",
        "cli",
        "datasets",
    }
    assert all((ROOT / name).exists() for name in wanted)


def test_the_command_has_the_options_that_it_is_given():
    command = json.loads(steps("CMD")[0])
    known = {option for param in main.commands[command[0]].params for option in param.opts}

    assert {part for part in command if part.startswith("--")} <= known


@pytest.mark.slow
@pytest.mark.usefixtures("has_index")
def test_the_commands_of_the_build_make_an_environment_of_the_service(source, tmp_path):
    commands = [run for run in steps("RUN") if "/opt/forecast" in run]
    place = tmp_path / "forecast"

    assert len(commands) == 2
    for command in commands:
        for name, here in (("/opt/forecast", place), ("/source", source)):
            command = command.replace(name, str(here))
        command = re.sub(r"^python\b", sys.executable, command)
        command = command.replace("pip install", "pip install --dry-run")  # all but the copying
        done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    told = done.stdout.splitlines()[-1]
    assert all(name in told for name in ("Would install", "fastapi", "uvicorn", "rollout-small"))
