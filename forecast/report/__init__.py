"""A model, its forecasts and how good they are: as one page of HTML, and in words.

The page opens without a network and without other files. The modules:

- `rendering`: writes the page; `write_report` is the entry.
- `contents`: gathers what the page shows: rows, forecasts, a backtest, and notes.
- `sections`: the sections on the data, the assumptions, the forecasts and the training.
- `quality`: the sections on accuracy: against baselines, by forecast step, by series.
- `reproduce`: the section with the versions and the commands.
- `curves`: the numbers behind the charts, as plain values.
- `markup`: pieces of HTML; the only place that escapes text.
- `page`: fills the template, and restricts what may run in the page.
- `text_summary`: how a training went, in words for the terminal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forecast.report.contents import ReportRequest
    from forecast.report.rendering import render, write_page, write_report

__all__ = ["ReportRequest", "render", "write_page", "write_report"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `text_summary` alone needs no page."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from forecast.report import rendering

    return getattr(rendering, name)
