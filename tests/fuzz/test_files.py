"""The fuzzer of files: its damage reaches the code, and what it finds is a fault; a short run."""

import json
import zipfile
from random import Random
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.errors import ArtifactError
from fuzz import __main__ as command
from fuzz import damage, loading, runs
from fuzz.damage import Damaged
from fuzz.originals import originals

pytestmark = pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
FILES = 10


def sound(kind):
    """The last of the sound files of a kind."""
    return {one.kind: one for one in originals()}[kind]


@pytest.mark.parametrize("place", range(FILES))
def test_a_sound_file_is_equal_to_itself(place):
    original = originals()[place]

    assert len(originals()) == FILES
    assert loading.check(Damaged(original, original.data, "nothing", False)) == ("right", "equal")


@pytest.mark.parametrize("name", damage.BYTES)
def test_damage_to_bytes_changes_them(name):
    data = bytes(range(200))
    damaged = [damage.BYTES[name](Random(seed), data) for seed in range(20)]

    assert any(one != data for one in damaged)
    assert damaged == [damage.BYTES[name](Random(seed), data) for seed in range(20)]


@pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, name) for kind, ways in damage.DEEPER.items() for name in ways if name != "bomb"],
)
def test_damage_inside_a_zip_leaves_a_zip_whose_sums_are_right(kind, name):
    data = damage.DEEPER[kind][name](Random(1), sound(kind).data)

    assert [content for _, content in damage.members_of(data)]


def test_a_packed_zip_holds_what_it_was_given_twins_too():
    members = [("a", b"1"), ("b", b"2"), ("a", b"3")]

    assert damage.members_of(damage.packed(members)) == members
    assert damage.members_of(damage.packed(members, zipfile.ZIP_DEFLATED)) == members


def test_a_bomb_is_small_until_it_is_unpacked():
    data = damage.bomb(Random(0), sound("xlsx").data)

    assert len(data) < damage.BOMB // 500
    assert sum(len(content) for _, content in damage.members_of(data)) > damage.BOMB


def test_an_edit_changes_a_plain_value_at_one_place():
    value = {"a": {"b": [1, 2, 3]}, "c": "text"}
    texts = {json.dumps(damage.edited(Random(seed), value)) for seed in range(200)}

    assert len(texts) > 100
    assert value == {"a": {"b": [1, 2, 3]}, "c": "text"}


def test_sealed_damage_passes_the_digests():
    def other_scale(_, content):
        arrays = damage.load_arrays(content)
        return damage.save_arrays({**arrays, "scale": 2 * arrays["scale"]})

    model = sound("model")
    plain, sealed = (
        make(other_scale, "state.safetensors")(Random(0), model.data)
        for make in (damage._content, damage.sealed)
    )

    assert loading.check(Damaged(model, plain, "", False)).kind == "refused as it should be"
    assert loading.check(Damaged(model, sealed, "", True)) == ("right", "another forecast")
    assert loading.check(Damaged(model, sealed, "", False)).kind == "wrong values"


def test_sealed_damage_of_the_config_passes_the_digests():
    def other_horizon(_, content):
        about = json.loads(content)
        return json.dumps({**about, "model": {**about["model"], "horizon": 5}}).encode()

    data = damage.sealed(other_horizon, "config.json")(Random(0), sound("model").data)

    assert loading.check(Damaged(sound("model"), data, "", False)) == ("right", "equal")


@pytest.mark.parametrize("error", [KeyError("a"), ArtifactError("two\nlines"), MemoryError()])
def test_an_error_that_is_not_one_line_of_ours_is_a_fault(monkeypatch, error):
    def load(*_):
        raise error

    monkeypatch.setitem(loading.LOADERS, "model", load)

    assert loading.check(Damaged(sound("model"), b"", "cut", False)).kind == "error"


# A short run


@pytest.mark.slow
@given(number=st.integers(0, 10**9))
@settings(deadline=None, max_examples=150, derandomize=True, database=None)
def test_damaged_files_are_refused_in_one_line_or_as_good_as_sound_ones(number):
    damaged = damage.draw(Random(number))

    outcome = loading.check(damaged)

    assert not outcome.is_fault, (outcome, f"python -m fuzz replay files {number}")


# Long runs


@pytest.fixture
def job(monkeypatch, tmp_path):
    monkeypatch.setattr(runs, "BATCH", 4)
    monkeypatch.setitem(runs.EXAMINE, "files", even_numbers_are_wrong)
    return runs.Run.of("files", 10, tmp_path)


def even_numbers_are_wrong(number, _):
    if number % 2:
        return "right", None
    return "error", runs.Fault(number, "error", f"KeyError: {number}", ["xlsx", "flip"])


def finish(job, numbers):
    job.folder.mkdir(parents=True, exist_ok=True)
    found = runs.batch(job.what, numbers)
    runs._write(job.path(numbers.start), [found.counts, found.faults])


def test_a_run_consists_of_batches_whose_results_are_kept(job):
    assert job.batches() == [range(4), range(4, 8), range(8, 10)]

    finish(job, job.batches()[1])

    (result,) = job.results()
    assert result.counts == {"error": 2, "right": 2}
    assert [fault.number for fault in result.faults] == [4, 6]


def test_the_summary_counts_outcomes_and_groups_faults(job):
    for numbers in job.batches():
        finish(job, numbers)

    assert runs.summary(job) == [
        "files: 10 examples",
        "  error: 5",
        "  right: 5",
        "5 × error: xlsx, flip (such as 0, 2, 4)",
        "    KeyError: 0",
    ]


def test_another_state_of_the_code_begins_a_run_of_its_own(monkeypatch, tmp_path):
    before = runs.Run.of("files", 10, tmp_path).folder
    (tmp_path / "fuzz").mkdir()
    (tmp_path / "fuzz/more.py").write_text("more = 1")
    monkeypatch.setattr(runs, "ROOT", tmp_path)

    assert runs.Run.of("files", 10, tmp_path).folder != before


@pytest.mark.slow
def test_a_long_run_is_done_in_processes_and_goes_on_where_it_was(tmp_path):
    job, lines = runs.Run("tables", 2_002, tmp_path), []
    for begin in (0, 1_000):
        runs._write(job.path(begin), [{"right": 1_000}, []])

    runs.run(job, 2, lines.append)
    runs.run(job, 2, lines.append)

    assert sum(sum(result.counts.values()) for result in job.results()) == 2_002
    assert lines[0].startswith("tables: 2,000 of 2,002, 0 faults")
    assert lines[-1].startswith("tables: 2,002 of 2,002, ")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "00000000.json",
        "00001000.json",
        "00002000.json",
    ]


@pytest.mark.slow
def test_an_example_that_ends_its_process_is_a_fault_and_the_others_go_on(tmp_path):
    job = runs.Run("files", 3, tmp_path)
    runs._write(tmp_path / "00000000.lost", [runs.Fault(1, "crash", "it ended with -11", [])])

    runs.run(job, 1, lambda _: None)

    (result,) = job.results()
    assert result.counts["crash"] == 1
    assert sum(result.counts.values()) == 3
    assert result.faults[0].number == 1


class DeadProcess:
    """A context of multiprocessing whose only process has crashed at the third example."""

    exitcode = -11
    kills = 0

    def Value(self, _, start):  # noqa: N802 - as in multiprocessing
        return SimpleNamespace(value=start + 2)

    def Process(self, **_):  # noqa: N802
        return self

    def start(self):
        pass

    join = start

    def kill(self):
        self.kills += 1

    def is_alive(self):
        return not self.kills


def test_an_example_that_ends_its_process_is_noted(job):
    job.folder.mkdir(parents=True)

    runs._Worker(DeadProcess(), job, range(4, 8)).note_crash()
    runs._Worker(DeadProcess(), job, range(4, 8)).note_crash()

    fault = runs.Fault(6, "crash", "the process ended with -11", [])
    assert runs._lost(job, range(4, 8)) == [fault, fault]


def test_a_process_that_is_stuck_is_ended(job, monkeypatch):
    worker = runs._Worker(DeadProcess(), job, range(4))
    assert worker.is_running()
    assert worker.is_running()

    monkeypatch.setattr(runs, "STUCK_SECONDS", -1.0)

    assert not worker.is_running()
    assert worker.process.kills == 1


def test_an_example_is_replayed_from_its_number(capsys, tmp_path):
    path = tmp_path / "example"

    statuses = {command.main(["replay", what, "5", "--out", str(path)]) for what in runs.EXAMINE}

    shown = capsys.readouterr().out
    assert shown.startswith("special: ")
    assert "damage: " in shown
    assert statuses <= {0, 1}
    assert path.read_bytes() == damage.draw(Random(5)).data


def test_the_arrays_that_are_poked_keep_their_type():
    array = np.arange(6, dtype="float32").reshape(2, 3)
    poked = [damage._poked(Random(seed), array) for seed in range(20)]

    assert {one.dtype for one in poked} == {array.dtype}
    assert any(np.isnan(one).any() for one in poked)
    assert array.tolist() == [[0, 1, 2], [3, 4, 5]]
