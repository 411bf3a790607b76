"""The measurements of `benchmarks.peers` as a page: every figure, also those where we lose."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks._common import MET
from benchmarks._peer_entries import ENTRIES, NAIVE, OURS
from benchmarks._peer_figures import (
    Measure,
    Measurements,
    Run,
    decimals,
    measures,
    time_text,
    whole,
)
from benchmarks.m4_hourly import HORIZON

ABSENT = "–"
MAX_OWA_RATIO = 0.8  # aim, our OWA relative to that of the best peer


def cpu_name(information: Path = Path("/proc/cpuinfo")) -> str:
    """The name of the processor."""
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def machine() -> str:
    """Cores, processor and memory."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return f"{os.cpu_count()} cores of {cpu_name()}, {memory / 2**30:.0f} GiB, {platform.system()}"


def markdown(run: Run, measured: dict[str, Measurements]) -> str:
    """The page, from what was measured of ours, the peers and the seasonal naive forecast."""
    methods = {name: method for name, method in measured.items() if name != NAIVE}
    return "\n".join(
        [
            *opening(run),
            *accuracy(run, measured),
            *speed(run, methods),
            *settings(methods),
            *explanation(run),
        ]
    )


def opening(run: Run) -> Iterator[str]:
    """What this page is, and where its figures come from."""
    yield "# Benchmarks against peers"
    yield ""
    yield "Same data, networks of the same size, one run. Figures where we lose are included."
    yield ""
    yield f"- Command: `{run.command}`"
    yield f"- Date: {run.date}"
    yield f"- Machine: {run.machine}"
    yield ""


def accuracy(run: Run, measured: dict[str, Measurements]) -> Iterator[str]:
    """The table of accuracy, and its verdict."""
    yield "## Accuracy at equal training time"
    yield ""
    repeats = (
        f"{run.repeats} trainings of each: medians" if run.repeats > 1 else "one training of each"
    )
    yield f"M4 hourly, {run.series} series, {HORIZON} hours, {run.seconds:g} s; {repeats}."
    yield ""
    yield "| method | sMAPE | MASE | OWA | OWA, lowest to highest | training took | steps |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    notes: list[str] = []
    for name, method in measured.items():
        cells = [
            cell_text(method, "smape", decimals, notes),
            cell_text(method, "mase", decimals, notes),
        ]
        cells += [
            f"{statistics.median(method.owa):.3f}" if method.owa else ABSENT,
            spread(method.owa),
        ]
        cells += [
            cell_text(method, "seconds", time_text, notes),
            cell_text(method, "steps", whole, notes),
        ]
        yield f"| {name} | {' | '.join(cells)} |"
    yield ""
    yield from listed(notes)
    yield verdict(measured)
    yield ""


def verdict(measured: dict[str, Measurements]) -> str:
    """Our OWA relative to that of the best peer, and whether it meets the aim."""
    medians = {
        n: statistics.median(method.owa)
        for n, method in measured.items()
        if n != NAIVE and method.owa
    }
    peers = {name: owa for name, owa in medians.items() if name != OURS}
    if OURS not in medians or not peers:
        return "There are not two OWA to compare."
    best = min(peers, key=lambda name: peers[name])
    share = medians[OURS] / peers[best]
    outcome = MET[share <= MAX_OWA_RATIO]
    aim = f"At least {1 - MAX_OWA_RATIO:.0%} below was the aim: {outcome}."
    text = f"Our OWA is {beside(share)} that of the best peer, {best}. {aim}"
    networks = [name for name in peers if ENTRIES[name].is_recurrent]
    if networks and best not in networks:
        best = min(networks, key=lambda name: peers[name])
        share = medians[OURS] / peers[best]
        text += f" It is {beside(share)} that of the best recurrent network of a peer, {best}."
    return text


def beside(share: float) -> str:
    """A ratio as a percentage above or below."""
    return f"{abs(1 - share):.0%} {'below' if share <= 1 else 'above'}"


def speed(run: Run, measured: dict[str, Measurements]) -> Iterator[str]:
    """The table of everything else, with its notes."""
    yield "## Speed, memory and size"
    yield ""
    yield f"| | {' | '.join(measured)} | forecast compared with the best peer |"
    yield f"|---|{'---:|' * (len(measured) + 1)}"
    notes: list[str] = []
    for name, measure in measures(run).items():
        cells = [cell_text(method, name, measure.text, notes) for method in measured.values()]
        ours = measured[OURS].median(name) if OURS in measured else None
        values = [method.median(name) for key, method in measured.items() if key != OURS]
        cells.append(comparison(ours, [v for v in values if v], measure.more_is_better))
        yield f"| {measure.label} | {' | '.join(cells)} |"
    yield ""
    yield from listed(notes)
    yield noise(measured, measures(run))
    yield ""


def comparison(ours: float | None, peers: Sequence[float], more_is_better: bool) -> str:
    """How many times better or worse our figure is than that of the best peer."""
    if not ours or not peers:
        return ABSENT
    factor = ours / max(peers) if more_is_better else min(peers) / ours
    return f"{factor:.2f}x better" if factor >= 1 else f"**{1 / factor:.2f}x worse**"


def cell_text(
    method: Measurements, measure: str, text: Callable[[float], str], notes: list[str]
) -> str:
    """The median of a figure, and the number of its note, which is added to the notes."""
    value = method.median(measure)
    cell = ABSENT if value is None else text(value)
    note = method.notes.get(measure)
    if note is None:
        return cell
    if note not in notes:
        notes.append(note)
    return f"{cell} ({notes.index(note) + 1})"


def listed(notes: Sequence[str]) -> Iterator[str]:
    """The notes of a table."""
    for number, note in enumerate(notes, 1):
        yield f"({number}) {note}."
        yield ""


def noise(measured: dict[str, Measurements], lines: dict[str, Measure]) -> str:
    """The largest spread of repetitions, by measure."""
    parts = []
    for name, measure in lines.items():
        samples = [method.figures.get(name, []) for method in measured.values()]
        spans = [(max(v) - min(v)) / statistics.median(v) for v in samples if len(v) > 1]
        if spans:
            parts.append(f"{measure.label.split(',')[0]} {max(spans):.0%}")
    spreads = "; ".join(parts) or "none was repeated"
    return f"Noise, (largest - smallest) / median, of the noisiest method: {spreads}."


def settings(measured: dict[str, Measurements]) -> Iterator[str]:
    """The settings of each method, and its versions."""
    yield "## How each was set"
    yield ""
    for name, method in measured.items():
        versions = ", ".join(f"{package} {version}" for package, version in method.versions.items())
        yield f"- **{name}**: {method.description}. {versions or 'versions unknown'}."
    yield ""


def explanation(run: Run) -> Iterator[str]:
    """How each figure was measured."""
    yield "## What was measured"
    yield ""
    yield from (f"- {line}" for line in EXPLAINED)
    yield f"- Times other than of training and of the backtest are medians of {run.rounds} runs."
    yield ""


EXPLAINED = (
    "Training time runs from raw rows to a model that can forecast, without imports. Settings of "
    "the peers were chosen on the last 48 rows of the training file, from as many as listed "
    "above, by one run of 60 s each on a machine that was not idle. Ours are its defaults, chosen "
    "by many more tries on those rows (docs/EXPERIMENTS.md). The test file was not used to choose.",
    "OWA varies from training to training: two of ours were 4% apart on the validation.",
    "sMAPE, MASE (season 24) and OWA are computed by the same code for all, from saved forecasts.",
    "Observations per second: values that enter the loss, divided by the seconds of the training.",
    "Rollout: a call in a running process, with the histories in the library's own format. Only "
    "forecast keeps a state from which it can continue without the histories.",
    "Cold forecast: from the start of the process to a CSV file; ours is the command line, the "
    "peers' a script that loads the saved model. They also need the histories, read from a NumPy "
    "file, which takes next to no time.",
    "New row: ours observes it; the others forecast from the rows that they need, including the "
    "new one, given as arrays, NeuralForecast all 48 steps that it was trained for.",
    "Backtest: each library's own, without refitting, one cutoff after each row.",
    "Peak memory is that of the process that trains, imports included. Size: the files of the "
    "packages and of all their dependencies.",
)


def spread(values: Sequence[float]) -> str:
    """The lowest and the highest of some scores."""
    return f"{min(values):.3f} to {max(values):.3f}" if len(values) > 1 else ABSENT
