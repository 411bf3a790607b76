"""The page as one file: the template, its parts, and the policy that lets nothing else run."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib import resources
from string import Template
from typing import Any

from forecast.report.markup import Markup, escape

JSON_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}  # in JSON within HTML


def read_asset(name: str) -> str:
    """The text of a file in this package."""
    return resources.files("forecast.report").joinpath(name).read_text("utf-8")


def embed_json(values: Any) -> str:
    """Plain values as JSON for a script element: ASCII, without any tag."""
    text = json.dumps(values, separators=(",", ":"), allow_nan=False)
    for char, escaped in JSON_ESCAPES.items():
        text = text.replace(char, escaped)
    return text


def csp_hash(text: str) -> str:
    """The hash by which a content security policy allows a script or a style sheet."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def chart_scripts() -> list[str]:
    """The scripts that draw charts, in the order that they need."""
    licence = read_asset("uPlot.LICENSE.txt")
    return [f"/*\n{licence}*/\n{read_asset('uPlot.iife.min.js')}", read_asset("charts.js")]


def chart_styles() -> list[str]:
    """The style sheets of charts, and of the page around them."""
    return [read_asset("uPlot.min.css"), read_asset("report.css")]


def content_policy(scripts: list[str], styles: list[str]) -> str:
    """The content security policy that allows these scripts and styles, and nothing else."""
    return (
        f"default-src 'none'; script-src {' '.join(map(csp_hash, scripts))}; "
        f"style-src {' '.join(map(csp_hash, styles))}; base-uri 'none'"
    )


def script_elements(scripts: list[str]) -> str:
    """Scripts as elements of a page."""
    return "".join(f"<script>{script}</script>\n" for script in scripts)


def style_elements(styles: list[str]) -> str:
    """Style sheets as elements of a page."""
    return "".join(f"<style>{style}</style>\n" for style in styles)


def fill_template(title: str, sections: dict[str, Markup], data: dict[str, Any]) -> str:
    """The whole page.

    Args:
        title: of the page.
        sections: by their placeholder in the template.
        data: of the charts, as plain values.
    """
    scripts = [*chart_scripts(), read_asset("report.js")]
    styles = chart_styles()
    policy = f"{content_policy(scripts, styles)}; form-action 'none'"
    return Template(read_asset("template.html")).substitute(
        policy=policy,
        title=escape(title),
        styles=style_elements(styles),
        scripts=script_elements(scripts),
        data_json=embed_json(data),
        **sections,
    )
