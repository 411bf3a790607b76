"""The page of a model: from the request to the file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecast.data.io.atomic_write import replace_file
from forecast.errors import ForecastError
from forecast.report import markup
from forecast.report.contents import Contents, ReportRequest, gather_contents
from forecast.report.curves import NO_CHARTS, series_charts
from forecast.report.page import fill_template
from forecast.report.quality import backtest_section, skill_section, worst_series_section
from forecast.report.reproduce import reproduction_section
from forecast.report.sections import (
    TITLES,
    assumptions_section,
    data_section,
    forecasts_section,
    headline,
    training_section,
)

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
    """Write one page of HTML that shows what a model forecasts, and how good it is.

    The same arguments give the same page.

    Args:
        model: that the page shows.
        path: of the page.
        history: a table with the columns that the model was trained on, or a `Panel`; forecasts
            continue it, and the backtest goes over it. By default forecasts continue the model's
            own state, and there is no backtest.
        horizon: forecast steps H; by default as many as were held out in training.
        cutoffs: of the backtest; by default up to 10, as many as fit.
        stride: rows from one cutoff to the next, see `Model.backtest`.
        future: the future values of the known columns, for a model that has some; without them
            the page has no forecasts.
        name: of the model's file, in the commands that the page shows.

    Raises:
        DataError: if the table does not fit, or is too short for the cutoffs.
        OptionError: if an argument is out of range or does not fit the model.
        ForecastError: if a rollout gives non-finite values, or the page cannot be written.
    """
    write_page(render(ReportRequest(model, history, horizon, cutoffs, stride, future, name)), path)


def write_page(page: str, path: str | Path) -> None:
    """Write a page that `render` has made.

    Raises:
        ForecastError: if it cannot be written.
    """
    content = page.encode("utf-8", "xmlcharrefreplace")
    replace_file(path, lambda stream: stream.write(content), ForecastError, "--out")


def render(request: ReportRequest) -> str:
    """The page as text.

    Example:
        >>> from forecast import Forecaster
        >>> from forecast.datasets import load
        >>> from forecast.report import ReportRequest, render
        >>> air = load("air_passengers")
        >>> model = Forecaster(steps=2).fit(air[:108]).model_
        >>> render(ReportRequest(model, air, horizon=12)).splitlines()[0]
        '<!doctype html>'
    """
    return _page(gather_contents(request))


def _page(contents: Contents) -> str:
    backtest, error_charts = backtest_section(contents)
    training, loss_charts = training_section(contents)
    sections = {
        "forecasts": forecasts_section(contents),
        "data": data_section(contents),
        "assumptions": assumptions_section(contents),
        "skill": skill_section(contents),
        "backtest": backtest,
        "worst": worst_series_section(contents),
        "training": training,
        "reproduce": reproduction_section(contents),
    }
    titles = {anchor: TITLES[anchor] for anchor, section in sections.items() if section}
    return fill_template(
        f"Forecast of {', '.join(contents.model.config.schema.targets)}",
        {"headline": headline(contents), "contents": markup.contents(titles), **sections},
        {**forecast_charts(contents), "charts": {**error_charts, **loss_charts}},
    )


def forecast_charts(contents: Contents) -> dict[str, Any]:
    """The charts of the forecasts, as plain values."""
    if contents.forecast is None:
        return NO_CHARTS
    config = contents.model.config
    return series_charts(contents.forecast, config, contents.past_rows, contents.past)
