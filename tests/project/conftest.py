"""The two distributions for the tests: their source, what is built from it, an environment."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("forecast", "cli", "datasets", "small")
FILES = ("pyproject.toml", "README.md", "LICENSE", "MANIFEST.in", "constraints.txt")


class Environment:
    """Programs of a virtual environment, run in a folder beside it."""

    def __init__(self, folder):
        self.folder = folder
        self.work = folder.with_name(f"{folder.name}-work")
        self.work.mkdir()

    def run(self, program, *arguments):
        clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        command = [self.folder / "bin" / program, *map(str, arguments)]
        return subprocess.run(
            command, cwd=self.work, env=clean, capture_output=True, text=True, check=False
        )

    def forecast(self, *arguments):
        """What the command prints; it must succeed."""
        done = self.run("forecast", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def python(self, code):
        """What a program prints; it must succeed."""
        done = self.run("python", "-c", code)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def size(self):
        """Bytes on the disk."""
        files = (path.lstat() for path in self.folder.rglob("*") if not path.is_symlink())
        return sum(stat.st_blocks * 512 for stat in files)


@pytest.fixture(scope="session")
def source(tmp_path_factory):
    """The files that wheels are built from, in a folder of their own."""
    folder = tmp_path_factory.mktemp("source")
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", "build")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for name in FILES:
        shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="session")
def build(tmp_path_factory):
    """Make a file by `python -m build`, without an index."""

    def make(folder, kind):
        target = tmp_path_factory.mktemp("built")
        command = [sys.executable, "-m", "build", kind, "--no-isolation", "--outdir", target]
        done = subprocess.run([*command, folder], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        (made,) = target.iterdir()
        return made

    return make


@pytest.fixture(scope="session")
def full_wheel(source, build):
    return build(source, "--wheel")


@pytest.fixture(scope="session")
def small_wheel(source, build):
    return build(source / "small", "--wheel")


@pytest.fixture(scope="session")
def sdist(source, build):
    return build(source, "--sdist")


@pytest.fixture(scope="session")
def has_index(tmp_path_factory):
    """Skip the test where no package index can be reached."""
    folder = tmp_path_factory.mktemp("index")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--retries", "1"]
    command += ["--timeout", "10", "--dest", folder, "threadpoolctl"]  # a small one
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no package index can be reached: {done.stderr.splitlines()[-1]}")


@pytest.fixture(scope="session")
def small(request, small_wheel, tmp_path_factory):
    """An environment with the small installation, and nothing else; pip neither."""
    request.getfixturevalue("has_index")
    folder = tmp_path_factory.mktemp("environment") / "small"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    command = [sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "install"]
    command += ["--quiet", "--constraint", ROOT / "constraints.txt", small_wheel]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Environment(folder)
