"""A model, its forecasts and how good they are, as one page that opens without a network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecast.data.future_covariates import FutureCovariates
from forecast.data.io.atomic_write import replace_file
from forecast.data.panel import Panel
from forecast.errors import ForecastError, require_whole
from forecast.report import markup
from forecast.report.curves import series_of
from forecast.report.gathering import Contents, gather
from forecast.report.page import page
from forecast.report.quality import backtest, skill, worst
from forecast.report.reproduce import reproduce
from forecast.report.sections import TITLES, assumptions, data, forecasts, headline, training

if TYPE_CHECKING:
    from forecast.model import Model


def write_report(
    model: Model,
    path: str | Path,
    history: Any = None,
    horizon: int | None = None,
    *,
    cutoffs: int | None = None,
    stride: int | None = None,
    future: Any = None,
    name: str = "model.forecast",
) -> None:
    """Write a page of HTML that shows what a model forecasts, and how good it is.

    The same arguments give the same page.

    Args:
        model: to tell of.
        path: where to write the page.
        history: a table with the columns that the model was trained on, or a `Panel`, which
            forecasts then continue, and which the backtest goes over; by default the model's own
            state is continued, and there is no backtest.
        horizon: steps of forecasts H; by default as many as training has held out.
        cutoffs: of the backtest; by default up to 10, as there is room for them.
        stride: rows from one cutoff to the next, see `Model.backtest`.
        future: the known columns of the steps to come, for a model that takes some; without
            them the page has no forecasts.
        name: of the model's file, in the commands that the page shows.

    Raises:
        DataError: if the table does not fit, or is too short for the cutoffs.
        OptionError: if an argument is out of range or does not fit the model.
        ForecastError: if a rollout leaves the finite numbers, or the page cannot be written.
    """
    text = render(model, history, horizon, cutoffs=cutoffs, stride=stride, future=future, name=name)
    content = text.encode("utf-8", "xmlcharrefreplace")
    replace_file(path, lambda stream: stream.write(content), ForecastError, "--out")


def render(
    model: Model,
    history: Any = None,
    horizon: int | None = None,
    *,
    cutoffs: int | None = None,
    stride: int | None = None,
    future: Any = None,
    name: str = "model.forecast",
) -> str:
    """The page as text; the arguments are those of `write_report`.

    Example:
        >>> from forecast import Forecaster
        >>> from forecast.datasets import load
        >>> from forecast.report import render
        >>> air = load("air_passengers")
        >>> model = Forecaster(steps=2).fit(air[:108]).model_
        >>> render(model, air, horizon=12).splitlines()[0]
        '<!doctype html>'
    """
    for what, value in (("horizon", horizon), ("cutoffs", cutoffs), ("stride", stride)):
        if value is not None:
            require_whole(what, value, 1)
    is_read = history is None or isinstance(history, Panel)
    panel = history if is_read else model.panel(history)
    is_taken = future is None or isinstance(future, FutureCovariates)
    ahead = future if is_taken else model.ahead(future)
    return _page(gather(model, name, panel, horizon, cutoffs, stride, ahead))


def _page(contents: Contents) -> str:
    tried, by_step = backtest(contents)
    trained, loss = training(contents)
    targets = contents.model.config.schema.targets
    title = f"Forecast of {', '.join(targets)}"
    sections = {
        "forecasts": forecasts(contents),
        "data": data(contents),
        "assumed": assumptions(contents),
        "skill": skill(contents),
        "backtest": tried,
        "worst": worst(contents),
        "training": trained,
        "reproduce": reproduce(contents),
    }
    listed = {part: TITLES[part] for part, content in sections.items() if content}
    around = {"headline": headline(contents), "contents": markup.contents(listed)}
    return page(title, sections | around, {**series_of(contents), "charts": {**by_step, **loss}})
