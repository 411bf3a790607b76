"""The pages of a service: one to look series up and type values in, one for programmers."""

from __future__ import annotations

import functools
from importlib import resources
from string import Template

from forecast.report.markup import Markup
from forecast.report.page import (
    chart_scripts,
    chart_styles,
    content_policy,
    script_elements,
    style_elements,
)


@functools.cache
def html() -> str:
    """The page, the same for every model: its script asks the service for all else."""
    scripts, styles = _scripts(), _styles()
    return Template(_asset("page.html")).substitute(
        styles=style_elements(styles), scripts=script_elements(scripts)
    )


def docs(reference: Markup) -> str:
    """The page that describes the service to programs, without a script."""
    return Template(_asset("docs.html")).substitute(
        styles=style_elements(_styles()), reference=reference
    )


@functools.cache
def headers() -> dict[str, str]:
    """Headers of the page: only its own scripts run, and they only ask this service."""
    policy = content_policy(_scripts(), _styles())
    return {
        "Content-Security-Policy": f"{policy}; connect-src 'self'; form-action 'none'; "
        "frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }


def _scripts() -> list[str]:
    return [*chart_scripts(), _asset("page.js")]


def _styles() -> list[str]:
    return [*chart_styles(), _asset("page.css")]


def _asset(name: str) -> str:
    return resources.files("forecast.service").joinpath(name).read_text("utf-8")
