"""What commands that use a model read: its file, a history and future covariates.

In place of a file the model may be the pretrained network, which needs no training.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from click.core import ParameterSource

from forecast.errors import ArtifactError, OptionError

from .output import PRETRAINED, Say, print_notes
from .training_options import READING, flag_of, flags_given, reading_roles

if TYPE_CHECKING:
    from forecast.data.future_covariates import FutureCovariates
    from forecast.data.io.tables import Table
    from forecast.data.panel import Panel
    from forecast.model import Model


class Files(NamedTuple):
    """Where a model and what it forecasts from lie.

    Attributes:
        model: path of the model, or PRETRAINED.
        table: paths of the history, one table together; none for the model's own state.
        future: path of the future covariates.
        reading: how the pretrained network reads the table, see `reading_options`; a model in a
            file knows it.
    """

    model: str
    table: tuple[str, ...] = ()
    future: str | None = None
    reading: Mapping[str, Any] = MappingProxyType({})

    @property
    def is_pretrained(self) -> bool:
        """Whether the model is the pretrained network."""
        return self.model == PRETRAINED

    def check(self) -> dict[str, list[str | None]]:
        """The paths by what lies there, for messages.

        Raises:
            OptionError: if standard input would be read twice, or an option does not suit the
                model.
        """
        from forecast.data.io.multi_file import files_of

        if self.future == "-" and "-" in self.table:
            raise OptionError(
                "TABLE and --future cannot both be standard input; name a file for one"
            )
        if self.is_pretrained:
            self._refuse_what_needs_training()
        elif given := flags_given(self.reading):
            raise OptionError(
                f"{given[0]} tells the pretrained network how to read TABLE; the model "
                f"{self.model} knows it from its training: leave {given[0]} out"
            )
        return {
            "the table itself": [*files_of(*self.table)],
            "the future": [] if self.future is None else [*files_of(self.future)],
            "the model": [] if self.is_pretrained else [self.model],
        }

    def _refuse_what_needs_training(self) -> None:
        if not self.table:
            raise OptionError("the pretrained network knows no series of its own; give a TABLE")
        if self.future is not None:
            raise OptionError(
                "--future has the future covariates of a model; the pretrained network takes none: "
                "train with --known COLUMN, or leave --future out"
            )

    @property
    def words(self) -> str:
        """The table and how it is read, as words of a command."""
        if "-" in self.table:
            return "TABLE"
        given = [(flag_of(name), self.reading.get(name)) for name in READING]
        options = [
            word for flag, value in given if value is not None for word in (flag, str(value))
        ]
        return shlex.join([*self.table, *options])


class Inputs(NamedTuple):
    """A model and what it forecasts from.

    Attributes:
        model: the model.
        history: the rows of the table; None where the model's own state is continued.
        future: of the covariates.
        notes: on how the tables were read, as sentences for people.
        headline: what to say before them; None where there is nothing.
        is_encoded: whether the model's state is that after the history.
    """

    model: Model
    history: Panel | None
    future: FutureCovariates | None
    notes: list[str]
    headline: str | None = None
    is_encoded: bool = False

    @property
    def to_encode(self) -> Panel | None:
        """The history, where the model's state is another one."""
        return None if self.is_encoded else self.history

    def tell(self, say: Say) -> None:
        """Print the headline and the notes."""
        if self.headline is not None:
            say(self.headline)
        print_notes(self.notes, say)


class Untrained(NamedTuple):
    """A table that was read for the pretrained network, and what is to be said about it."""

    panel: Panel
    model: Model
    notes: list[str]


def or_pretrained(model: str, table: tuple[str, ...]) -> str:
    """The model to use: the pretrained network where a table comes without a model file.

    Args:
        model: of the option --model.
        table: paths of the history.
    """
    source = click.get_current_context().get_parameter_source("model")
    is_default = source == ParameterSource.DEFAULT
    return PRETRAINED if table and is_default and not os.path.lexists(model) else model


def read_inputs(files: Files, series: list[str] | None = None, calibrated: bool = True) -> Inputs:
    """Read a model, the history of some series or of all, and future covariates.

    Args:
        files: where they lie.
        series: ids; by default all.
        calibrated: whether intervals will be wanted, see `Model.untrained`.
    """
    from forecast.data.io.tables import read_table

    if files.is_pretrained:
        return _read_for_pretrained(files, series, calibrated)
    model = load_model(files.model)
    history = future = None
    notes: list[str] = []
    if files.future is not None:
        table = read_table(files.future, id=model.config.schema.id)
        future = model.future_covariates(table.frame, table.origin)
        notes += future.panel.notes
    if files.table:
        table = read_table(*files.table, id=model.config.schema.id)
        history = model.panel(table.frame, table.origin)
        history = history if series is None else history.select(series)
        notes += history.notes
    return Inputs(model, history, future, notes)


def load_model(path: str) -> Model:
    """Read a model file.

    Raises:
        ArtifactError: if there is none, or it is damaged.
    """
    from forecast.inference.serialization import MODEL_FILE
    from forecast.model import Model

    if not os.path.lexists(path):
        raise ArtifactError(
            f"there is no model file {path}; {MODEL_FILE.how_to_make}, or give a TABLE and "
            f"--model {PRETRAINED}, which needs no training"
        )
    return Model.load(path)


def _read_for_pretrained(files: Files, series: list[str] | None, calibrated: bool) -> Inputs:
    """The pretrained network with the state of all series, and the history of some."""
    from forecast.data.io.tables import read_table
    from forecast.pretrained.zero_shot import evidence

    table = read_table(*files.table, id=files.reading["id"])
    read = untrained(table, files.reading, calibrated)
    headline = no_training(read.model, files)
    history = read.panel if series is None else read.panel.select(series)
    calibration = read.model.calibration
    notes = [*read.notes, evidence(calibration)] if calibration else read.notes
    return Inputs(read.model, history, None, notes, headline, is_encoded=True)


def untrained(
    table: Table, reading: Mapping[str, Any], calibrated: bool, bounds: Any = "auto"
) -> Untrained:
    """The pretrained network for a table.

    Args:
        table: as it was read.
        reading: how to read its columns, see `reading_options`.
        calibrated, bounds: see `Model.untrained`.
    """
    from forecast.data.to_panel import to_panel
    from forecast.model import Model
    from forecast.pretrained.zero_shot import shortcomings, zero_shot

    panel = to_panel(table.frame, table.origin, **reading_roles(reading)).drop_unobserved()
    model = Model.of(zero_shot(panel, reading["season"], bounds, calibrated))
    return Untrained(panel, model, [*panel.notes, *shortcomings(panel, model.config)])


def no_training(model: Model, files: Files) -> str:
    """Says that nothing was trained, what is assumed, and how training might do better."""
    config, who = model.config, "the pretrained network forecasts"
    if model.others:
        who = "the pretrained network and the theta method forecast"
    seasons = [f"{steps:,}" for steps in config.seasons if steps > 1]
    assumed = {
        0: "without a season",
        1: f"with a season of {''.join(seasons)} steps",
        2: f"with seasons of {' and '.join(seasons)} steps",
    }[len(seasons)]
    return (
        f"No training: {who} {assumed} ({config.frequency.label}). "
        f"Training may do better: forecast train {files.words}"
    )
