"""The trials of a tuning in Optuna (Akiba et al. 2019), in memory or in a file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from forecast.data.io.atomic_write import locked
from forecast.errors import ArtifactError, ForecastError
from forecast.tuning.space import Choices, Range, Space, combinations
from forecast.tuning.tuning_result import Trial, TrialState

if TYPE_CHECKING:
    import optuna

NAME = "forecast tune"  # of the study in a file
FIRST_BYTES = b'{"op_code"'  # of every line that Optuna's journal writes
DAMAGED = (ValueError, KeyError, TypeError, IndexError, AttributeError, AssertionError)
RUNGS = (0.5, 0.75)  # shares of a training after which it may be pruned; errors before say little
UNPRUNED = 5  # complete trials before any is pruned
SETUP, LIMIT, REFERENCE = "setup", "limit", "reference"  # what a file says of all its trials
TEST_ERROR, SECONDS, PROBLEM, OPTIONS = "test_error", "seconds", "problem", "options"
STATES: dict[str, TrialState] = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}


@dataclass(frozen=True)
class RunningTrial:
    """A trial that has begun.

    Attributes:
        study: Optuna's own.
        trial: Optuna's own.
        options: that it tries.
    """

    study: optuna.Study
    trial: optuna.Trial
    options: dict[str, Any]

    def is_worse(self, rung: int, error: float) -> bool:
        """Note its error after a part of its training; whether it should end here.

        It should where its smallest error by then is above the median of the others'.
        """
        self.trial.report(error, rung)
        return bool(self.trial.should_prune())

    def complete(self, error: float, test_error: float | None, seconds: float) -> None:
        """End it with its errors."""
        self.trial.set_user_attr(TEST_ERROR, test_error)
        self._end(seconds, "COMPLETE", error)

    def prune(self, seconds: float) -> None:
        """End it, since others were better."""
        self._end(seconds, "PRUNED")

    def fail(self, problem: str, seconds: float) -> None:
        """End it, since its options cannot be used."""
        self.trial.set_user_attr(PROBLEM, problem)
        self._end(seconds, "FAIL")

    def end_like(self, twin: Trial) -> None:
        """End it as another one of the same options did, which takes no time."""
        if twin.error is not None:
            self.complete(twin.error, twin.test_error, 0.0)
        elif twin.state == "pruned":
            self.prune(0.0)
        else:
            self.fail(twin.problem, 0.0)

    def _end(self, seconds: float, state: str, error: float | None = None) -> None:
        from optuna.trial import TrialState

        self.trial.set_user_attr(SECONDS, round(seconds, 2))
        self.study.tell(self.trial, error, state=TrialState[state])


@dataclass(frozen=True)
class Study:
    """Trials of one space of options.

    Attributes:
        study: Optuna's own.
        space: of all trials.
        seed: of what is tried: the same seed and the same errors lead to the same trials, whether
            or not they were stopped in between.
    """

    study: optuna.Study
    space: Space
    seed: int

    @property
    def trials(self) -> tuple[Trial, ...]:
        """Those that came to an end, not those that were interrupted, in their order."""
        ended = [
            trial
            for trial in self.study.get_trials(deepcopy=False)
            if trial.state.name in ("COMPLETE", "PRUNED") or PROBLEM in trial.user_attrs
        ]
        return tuple(
            Trial(
                number=number,
                options=trial.user_attrs[OPTIONS],
                state=STATES[trial.state.name],
                error=trial.value if trial.state.name == "COMPLETE" else None,
                test_error=trial.user_attrs.get(TEST_ERROR),
                seconds=trial.user_attrs[SECONDS],
                problem=trial.user_attrs.get(PROBLEM, ""),
            )
            for number, trial in enumerate(ended, 1)
        )

    def limit(self, seconds: float) -> float:
        """The seconds that a training may take: those of the first run, or else these."""
        limit = self.study.user_attrs.get(LIMIT)
        if limit is None:
            self.study.set_user_attr(LIMIT, seconds)
            return seconds
        return float(limit)

    @property
    def reference(self) -> tuple[float, str]:
        """The error of the seasonal naive forecast, and what errors are called."""
        naive_error, measure = self.study.user_attrs[REFERENCE]
        return naive_error, measure

    def note_reference(self, naive_error: float, measure: str) -> None:
        """Keep the error of the seasonal naive forecast, and what errors are called."""
        self.study.set_user_attr(REFERENCE, [naive_error, measure])

    def begin(self, options: Mapping[str, Any]) -> RunningTrial:
        """Begin the trial of some options, whose values may lie outside the space."""
        inside = {name: value for name, value in options.items() if value in self.space[name]}
        self.study.enqueue_trial(inside)
        return self._begun({name: self.space[name] for name in inside}, options)

    def propose(self, trials: int) -> RunningTrial | None:
        """Begin the next trial; None where all combinations were tried.

        Where there are fewer combinations than trials, each is tried once, in random order.
        Otherwise the tree-structured Parzen estimator proposes (Bergstra et al. 2011).

        Args:
            trials: how many there may be in all.
        """
        ended = self.trials
        if combinations(self.space) < trials:
            untried = self._untried(ended)
            return None if untried is None else self.begin(untried)
        from optuna.samplers import TPESampler

        seed = np.random.SeedSequence([self.seed, len(ended)]).generate_state(1)
        self.study.sampler = TPESampler(seed=int(seed[0]))
        return self._begun(self.space)

    def abandon(self) -> None:
        """Forget the trial that was interrupted, or that a killed process has left."""
        from optuna.trial import TrialState

        open_states = (TrialState.RUNNING, TrialState.WAITING)
        for trial in self.study.get_trials(deepcopy=False, states=open_states):
            self.study.tell(trial.number, state=TrialState.FAIL)

    def _begun(self, space: Space, options: Mapping[str, Any] | None = None) -> RunningTrial:
        """Begin a trial in a part of the space; its options are by default what is sampled."""
        trial = self.study.ask({name: distribution(entry) for name, entry in space.items()})
        own = dict(trial.params if options is None else options)
        trial.set_user_attr(OPTIONS, own)
        return RunningTrial(self.study, trial, own)

    def _untried(self, ended: tuple[Trial, ...]) -> dict[str, Any] | None:
        """A combination of choices that no trial had."""
        lists = [entry.values for entry in self.space.values() if isinstance(entry, Choices)]
        tried = [trial.options for trial in ended]
        every = [dict(zip(self.space, values, strict=True)) for values in product(*lists)]
        order = np.random.default_rng(self.seed).permutation(len(every))
        return next((every[place] for place in order if every[place] not in tried), None)


@contextmanager
def opened(
    storage: str | Path | None, setup: Mapping[str, Any], space: Space, seed: int
) -> Iterator[Study]:
    """The study in a file, which is made or continued, or one in memory.

    Args:
        storage: Optuna's journal, a file of JSON lines; None for memory.
        setup: what must be the same for all trials, as plain values that JSON knows.
        space: of options.
        seed: of what is tried.

    Raises:
        ForecastError: if Optuna is not installed.
        ArtifactError: if the file cannot be used, is not such a one, is in use, or has trials of
            another setup.
    """
    library = package()
    with _quiet(library), _in_use(storage):
        study = Study(_study(library, storage, setup), space, seed)
        study.abandon()
        yield study


def package() -> ModuleType:
    """The optional package Optuna.

    Raises:
        ForecastError: it is not installed.
    """
    try:
        import optuna
    except ImportError:
        raise ForecastError(
            "tuning needs the package optuna; install it with: pip install 'forecast-rollout[tune]'"
        ) from None
    return optuna


@contextmanager
def _quiet(library: ModuleType) -> Iterator[None]:
    """Keep Optuna from writing about itself; afterwards it is as it was."""
    before = library.logging.get_verbosity()
    library.logging.set_verbosity(library.logging.WARNING)
    try:
        yield
    finally:
        library.logging.set_verbosity(before)


@contextmanager
def _in_use(storage: str | Path | None) -> Iterator[None]:
    """Hold the lock of a file; none is needed for memory."""
    if storage is None:
        yield
        return

    def refuse() -> None:
        raise ArtifactError(f"{storage}: another process is tuning with it; name another file")

    with locked(storage, ArtifactError, refuse):
        yield


def _study(
    library: ModuleType, storage: str | Path | None, setup: Mapping[str, Any]
) -> optuna.Study:
    """Optuna's study of a setup, new or from a file."""
    plain = json.loads(json.dumps(setup))  # as it is read again
    pruner = library.pruners.MedianPruner(n_startup_trials=UNPRUNED)
    try:
        study: optuna.Study = library.create_study(
            storage=None if storage is None else _journal(library, Path(storage)),
            pruner=pruner,
            study_name=NAME,
            load_if_exists=True,
        )
        before = study.user_attrs.get(SETUP)
    except OSError as problem:
        raise ArtifactError(
            f"{storage}: cannot be used: {problem.strerror or problem}; name another file with "
            "--storage"
        ) from None
    except DAMAGED:
        raise _not_ours(storage) from None
    if before is None:
        study.set_user_attr(SETUP, plain)
    elif before != plain:
        raise _other_setup(storage, before, plain)
    return study


def _journal(library: ModuleType, path: Path) -> Any:
    """The journal in a file; what a killed process has written by half is removed."""
    if path.exists():
        content = path.read_bytes()
        if content and not content.startswith(FIRST_BYTES):
            raise _not_ours(path)
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            with path.open("r+b") as file:
                file.truncate(whole)
    journal = library.storages.journal
    lock = journal.JournalFileOpenLock(str(path))
    return library.storages.JournalStorage(journal.JournalFileBackend(str(path), lock_obj=lock))


def _not_ours(storage: str | Path | None) -> ArtifactError:
    return ArtifactError(
        f"{storage}: is not a file of forecast tune, or is damaged; name another file with "
        "--storage"
    )


def _other_setup(
    storage: str | Path | None, before: Mapping[str, Any], now: Mapping[str, Any]
) -> ArtifactError:
    """Which parts of the setup differ, in words."""
    differing = [name for name in now if before.get(name) != now[name]]
    return ArtifactError(
        f"{storage}: its trials are of another {' and '.join(differing)}; their errors cannot be "
        "compared with new ones: name another file with --storage"
    )


def distribution(entry: Choices | Range) -> Any:
    """A part of the space as Optuna has it."""
    from optuna import distributions

    if isinstance(entry, Choices):
        return distributions.CategoricalDistribution(entry.values)
    if entry.whole:
        return distributions.IntDistribution(int(entry.low), int(entry.high), log=entry.log)
    return distributions.FloatDistribution(entry.low, entry.high, log=entry.log)
