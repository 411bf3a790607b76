"""What a release says of itself: the workflow that tests it, its citation, its versions."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

import forecast

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
VERSIONS = [
    name.rpartition(" ")[2] for name in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", name)
]


@pytest.fixture(scope="module")
def workflow():
    return yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())


def test_the_workflow_runs_all_tests_on_every_version_that_is_promised(workflow):
    tests = workflow["jobs"]["tests"]

    assert VERSIONS == ["3.11", "3.12", "3.13"]
    assert tests["strategy"]["matrix"]["python"] == VERSIONS
    assert tests["runs-on"].startswith("ubuntu")
    assert ".ci/run" in [step.get("run") for step in tests["steps"]]


def test_the_workflow_runs_tests_on_the_other_systems(workflow):
    elsewhere = workflow["jobs"]["elsewhere"]["strategy"]["matrix"]

    assert elsewhere == {"os": ["macos-latest", "windows-latest"], "python": VERSIONS}


def test_every_job_of_the_workflow_is_well_formed(workflow):
    assert set(workflow) == {"name", True, "permissions", "concurrency", "env", "jobs"}  # True: on
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 60
        for step in job["steps"]:
            assert ("run" in step) != ("uses" in step)
            assert re.fullmatch(r"actions/[\w-]+@v\d+", step.get("uses", "actions/x@v1"))


def test_the_citation_is_of_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())

    assert str(citation["version"]) == forecast.__version__
    ours, _ = PROJECT["license"].split(" AND ")  # the other is that of a script in the reports
    assert citation["license"] == ours
    assert citation["keywords"] == PROJECT["keywords"]
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    assert all({*author} == {"name"} for author in citation["authors"])


def test_the_oldest_version_of_python_is_the_first_that_is_promised():
    assert PROJECT["requires-python"] == f">={VERSIONS[0]}"
