"""Many examples in batches and processes; what is done is kept, so that a run goes on later.

A batch is a range of numbers, and an example is made from its number alone. What was found lies in
`.fuzz/`, in a folder for the code that was examined: another state of the code begins anew.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing as mp
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from fuzz import damage, loading, reading, simplify

ROOT = Path(__file__).parents[1]
BATCH = 1_000  # examples
PROCESSES = 2
STUCK_SECONDS = 120.0  # an example takes milliseconds; only C code can escape its own limit
MEMORY = 8 << 30  # bytes of address space of a process
SIMPLIFIED = 20  # faults of a batch that are made plain, which takes a while


class Fault(NamedTuple):
    """What went wrong with one example."""

    number: int
    kind: str
    detail: str
    features: list[str]  # what is special about the example

    @property
    def group(self) -> str:
        """Faults of a group probably have one cause."""
        return f"{self.kind}: {', '.join(self.features) or 'nothing special'}"


class Result(NamedTuple):
    """What a batch has found."""

    counts: dict[str, int]  # examples by the kind of their outcome
    faults: list[Fault]


def examine_table(number: int, plainly: bool) -> tuple[str, Fault | None]:
    """Write and read one table.

    Args:
        number: that it is made from.
        plainly: whether the example of a fault is made as plain as possible.
    """
    table = reading.draw(Random(number))
    outcome = reading.check(table)
    if not outcome.is_fault:
        return outcome.kind, None
    if plainly:
        table, outcome = simplify.simplest(table, outcome)
    fault = Fault(number, outcome.kind, outcome.detail, simplify.features(table))
    return outcome.kind, fault


def examine_file(number: int, _: bool) -> tuple[str, Fault | None]:
    """Load one damaged file."""
    damaged = damage.draw(Random(number))
    outcome = loading.check(damaged)
    if not outcome.is_fault:
        return outcome.kind, None
    fault = Fault(number, outcome.kind, outcome.detail, [damaged.original.kind, damaged.how])
    return outcome.kind, fault


EXAMINE: dict[str, Callable[[int, bool], tuple[str, Fault | None]]] = {
    "tables": examine_table,
    "files": examine_file,
}


def batch(what: str, numbers: range, begun: Callable[[int], object] = lambda _: None) -> Result:
    """Examine a range of examples.

    Args:
        what: an entry of EXAMINE.
        numbers: of the examples.
        begun: called with each number before its example.
    """
    counts: Counter[str] = Counter()
    faults: list[Fault] = []
    for number in numbers:
        begun(number)
        kind, fault = EXAMINE[what](number, len(faults) < SIMPLIFIED)
        counts[kind] += 1
        faults += [fault] if fault else []
    return Result(dict(counts), faults)


class Run(NamedTuple):
    """A long run: so many examples of a kind."""

    what: str  # an entry of EXAMINE
    examples: int
    folder: Path

    @classmethod
    def of(cls, what: str, examples: int, folder: Path | None = None) -> Run:
        """A run on the code as it is, at first or gone on with."""
        return cls(what, examples, (folder or ROOT / ".fuzz") / signature() / what)

    def path(self, begin: int) -> Path:
        """The results of the batch that begins with a number."""
        return self.folder / f"{begin:08}.json"

    def batches(self) -> list[range]:
        """All of the run, done or not."""
        return [
            range(begin, min(begin + BATCH, self.examples))
            for begin in range(0, self.examples, BATCH)
        ]

    def results(self) -> Iterator[Result]:
        """Of the batches that are done."""
        for numbers in self.batches():
            if self.path(numbers.start).exists():
                counts, faults = json.loads(self.path(numbers.start).read_text())
                yield Result(counts, [Fault(*fault) for fault in faults])


def signature() -> str:
    """A name for the state of the code: of the package, its command line and this fuzzer."""
    digest = hashlib.blake2b(digest_size=6)
    for name in ("forecast", "cli", "fuzz"):
        for path in sorted((ROOT / name).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def run(job: Run, processes: int, say: Callable[[str], None]) -> None:
    """Do the batches of a run that are not done yet.

    Args:
        job: the run.
        processes: at a time.
        say: shows a line about the progress.
    """
    job.folder.mkdir(parents=True, exist_ok=True)
    context = mp.get_context("forkserver")
    context.set_forkserver_preload(["fuzz.runs"])
    todo = [numbers for numbers in job.batches() if not job.path(numbers.start).exists()]
    done, begun = len(job.batches()) - len(todo), time.monotonic()
    first, active = done, list[_Worker]()
    say(_progress(job, done, first, begun))
    try:
        while todo or active:
            while todo and len(active) < processes:
                active.append(_Worker(context, job, todo.pop(0)))
            time.sleep(0.2)
            ended = [worker for worker in active if not worker.is_running()]
            active = [worker for worker in active if worker not in ended]
            for worker in ended:
                if worker.is_done():
                    done += 1
                    say(_progress(job, done, first, begun))
                else:  # it crashed or was stuck
                    worker.note_crash()
                    todo.insert(0, worker.numbers)
    finally:  # after an interrupt
        for worker in active:
            worker.process.kill()


class _Worker:
    """A process with one batch."""

    def __init__(self, context: Any, job: Run, numbers: range) -> None:
        self.job, self.numbers = job, numbers
        self.at = context.Value("q", numbers.start)
        self.seen, self.since = numbers.start, time.monotonic()
        self.process = context.Process(target=_work, args=(job, numbers, self.at))
        self.process.start()

    def is_running(self) -> bool:
        """Whether it goes on; one that is stuck is ended."""
        if self.at.value != self.seen:
            self.seen, self.since = self.at.value, time.monotonic()
        elif time.monotonic() - self.since > STUCK_SECONDS:
            self.process.kill()
            self.process.join()
        return bool(self.process.is_alive())

    def is_done(self) -> bool:
        """Whether its results are there."""
        return self.job.path(self.numbers.start).exists()

    def note_crash(self) -> None:
        """Note the example that ended the process, which the batch leaves out from then on."""
        lost = _lost(self.job, self.numbers)
        how = f"the process ended with {self.process.exitcode}"
        fault = Fault(self.at.value, "crash", how, [])
        _write(_lost_path(self.job, self.numbers), [*lost, fault])


def _lost_path(job: Run, numbers: range) -> Path:
    return job.folder / f"{numbers.start:08}.lost"


def _lost(job: Run, numbers: range) -> list[Fault]:
    path = _lost_path(job, numbers)
    return [Fault(*fault) for fault in json.loads(path.read_text())] if path.exists() else []


def _work(job: Run, numbers: range, at: Any) -> None:
    """The work of a process: examine a batch and write its results."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    import resource  # which Windows does not have

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    os.nice(5)
    lost = _lost(job, numbers)
    faults, counts = [*lost], Counter({"crash": len(lost)} if lost else {})
    begin = numbers.start
    for end in (*sorted(fault.number for fault in lost), numbers.stop):
        found = batch(job.what, range(begin, end), lambda number: setattr(at, "value", number))
        faults, begin = faults + found.faults, end + 1
        counts.update(found.counts)
    _write(job.path(numbers.start), [dict(counts), faults])
    reading.clean()


def _write(path: Path, value: Any) -> None:
    draft = path.with_suffix(".tmp")
    draft.write_text(json.dumps(value, indent=1))
    draft.replace(path)


def _progress(job: Run, done: int, first: int, begun: float) -> str:
    faults = sum(len(result.faults) for result in job.results())
    examples = min(done * BATCH, job.examples)
    rate = (done - first) * BATCH / max(time.monotonic() - begun, 1e-9)
    left = f", {(job.examples - examples) / rate / 60:.0f} min left" if done > first else ""
    return f"{job.what}: {examples:,} of {job.examples:,}, {faults:,} faults{left}"


def summary(job: Run, shown: int = 3) -> list[str]:
    """What a run has found, in lines: the counts, and the groups of faults, most common first."""
    results = [*job.results()]
    counts: Counter[str] = Counter()
    groups: dict[str, list[Fault]] = {}
    for result in results:
        counts.update(result.counts)
        for fault in result.faults:
            groups.setdefault(fault.group, []).append(fault)
    total = sum(counts.values())
    lines = [f"{job.what}: {total:,} examples"]
    lines += [f"  {kind}: {count:,}" for kind, count in counts.most_common()]
    for group, faults in sorted(groups.items(), key=lambda item: -len(item[1])):
        numbers = ", ".join(str(fault.number) for fault in faults[:shown])
        lines.append(f"{len(faults):,} × {group} (such as {numbers})")
        lines.append(f"    {faults[0].detail[:200]}")
    return lines
