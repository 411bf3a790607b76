"""What commands that use a model read: its file, a history and future covariates."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from forecast.errors import OptionError

if TYPE_CHECKING:
    from forecast.data.future_covariates import FutureCovariates
    from forecast.data.panel import Panel
    from forecast.model import Model


class Files(NamedTuple):
    """Where a model and what it forecasts from lie.

    Attributes:
        model: path of the model.
        table: paths of the history, one table together; none for the model's own state.
        future: path of the future covariates.
    """

    model: str
    table: tuple[str, ...] = ()
    future: str | None = None

    def check(self) -> dict[str, list[str | None]]:
        """The paths by what lies there, for messages.

        Raises:
            OptionError: if standard input would be read twice.
        """
        from forecast.data.io.multi_file import files_of

        if self.future == "-" and "-" in self.table:
            raise OptionError(
                "TABLE and --future cannot both be standard input; name a file for one"
            )
        return {
            "the table itself": [*files_of(*self.table)],
            "the future": [] if self.future is None else [*files_of(self.future)],
            "the model": [self.model],
        }


class Inputs(NamedTuple):
    """A model and what it forecasts from."""

    model: Model
    history: Panel | None
    future: FutureCovariates | None
    notes: list[str]  # on how the tables were read, as sentences for people


def read_inputs(files: Files, series: list[str] | None = None) -> Inputs:
    """Read a model, the history of some series or of all, and future covariates."""
    from forecast.data.io.tables import read_table
    from forecast.model import Model

    model = Model.load(files.model)
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
