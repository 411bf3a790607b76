"""`TrainingRecord`: how a training went, kept with its model."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from forecast.data.io.field_types import check_fields
from forecast.evaluation.comparison import Comparison, Exposure
from forecast.training.plan import Plan
from forecast.training.progress import Ending, PlanChange, Progress

if TYPE_CHECKING:
    from forecast.plotting import TrainingCurves


@dataclass(frozen=True)
class TrainingRecord:
    """How a training went.

    Attributes:
        library: version that has trained.
        series, rows: how many there were.
        last: ordinal of the last row.
        plan: of the run.
        rounds: the progress after each round.
        ended: "planned", "early" (validation loss no longer fell), "budget" or "interrupted".
        kept_step: the gradient step whose weights were kept.
        phases: the feedback regimes that were active, one after another.
        phase_starts: gradient steps before each of these phases.
        comparison: of the target with the seasonal naive forecast on the held-out steps; None where
            nothing was held out or observed there.
        also: the same of each additional target, by name.
        exposure: the exposure gap on the validation rows.
        coverage: empirical coverage of intervals on the held-out steps, in percent by level.
        notes: on how the table was read, as sentences for people.
        changes: when and how far the time budget has lowered the planned steps.
        steps_on_all_rows: gradient steps of a repetition on all rows, held-out ones included, that
            made the weights of the model; 0 if there was none.
    """

    library: str
    series: int
    rows: int
    last: int
    plan: Plan
    rounds: tuple[Progress, ...]
    ended: Ending
    kept_step: int
    phases: tuple[str, ...]
    phase_starts: tuple[int, ...]
    comparison: Comparison | None
    also: dict[str, Comparison | None]
    exposure: Exposure | None
    coverage: dict[str, float] | None
    notes: tuple[str, ...] = ()
    changes: tuple[PlanChange, ...] = ()
    steps_on_all_rows: int = 0

    def curves(self) -> TrainingCurves:
        """The losses of the training, for `plotting.plot_training`."""
        from forecast.plotting import FeedbackPhase, TrainingCurves

        losses = {
            "training": [progress.loss for progress in self.rounds],
            "validation": [progress.validation_loss for progress in self.rounds],
        }
        phases = zip(self.phases, self.phase_starts, strict=True)
        return TrainingCurves(
            steps=np.array([progress.step for progress in self.rounds]),
            losses={name: np.array(values, float) for name, values in losses.items()},
            seconds=self.rounds[-1].seconds,
            kept_step=self.kept_step,
            phases=tuple(FeedbackPhase(name, start) for name, start in phases),
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values under the names that they have in a model file."""
        also = {name: _plain(comparison) for name, comparison in self.also.items()}
        return {
            "library": self.library,
            "series": self.series,
            "rows": self.rows,
            "last": self.last,
            "plan": self.plan.to_json(),
            "ended": self.ended,
            "kept": self.kept_step,
            "regimes": list(self.phases),
            "turns": list(self.phase_starts),
            "rounds": [asdict(progress) for progress in self.rounds],
            "changes": [asdict(change) for change in self.changes],
            "comparison": _plain(self.comparison),
            "also": also,
            "exposure": _plain(self.exposure),
            "coverage": self.coverage,
            "notes": list(self.notes),
            "all_rows": self.steps_on_all_rows,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """The inverse of `to_json`.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: if they are not those of a record.
        """
        comparison, exposure = values["comparison"], values["exposure"]
        also = {name: value and Comparison(**value) for name, value in values["also"].items()}
        record = cls(
            library=values["library"],
            series=values["series"],
            rows=values["rows"],
            last=values["last"],
            plan=Plan.from_json(values["plan"]),
            rounds=tuple(Progress(**progress) for progress in values["rounds"]),
            ended=values["ended"],
            kept_step=values["kept"],
            phases=tuple(values["regimes"]),
            phase_starts=tuple(values["turns"]),
            comparison=comparison and Comparison(**comparison),
            also=also,
            exposure=exposure and Exposure(**exposure),
            coverage=values["coverage"],
            notes=tuple(values["notes"]),
            changes=tuple(PlanChange(**change) for change in values.get("changes", ())),
            steps_on_all_rows=values.get("all_rows", 0),
        )
        check_fields(record)
        if not record.rounds or len(record.phases) != len(record.phase_starts):
            raise ValueError("a training has rounds, and each of its phases a start")
        return record


def _plain(value: Comparison | Exposure | None) -> dict[str, Any] | None:
    return None if value is None else asdict(value)
