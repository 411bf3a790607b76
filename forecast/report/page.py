"""The page as one file: the template, its parts, and the policy that lets nothing else run."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib import resources
from string import Template
from typing import Any

from forecast.report.markup import Markup, escape

UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}  # in JSON within HTML


def asset(name: str) -> str:
    """The text of a file that lies beside this module."""
    return resources.files("forecast.report").joinpath(name).read_text("utf-8")


def embed(values: Any) -> str:
    """Plain values as JSON that may stand in a script element: ASCII, and no tag in it."""
    text = json.dumps(values, separators=(",", ":"), allow_nan=False)
    for char, escaped in UNSAFE.items():
        text = text.replace(char, escaped)
    return text


def digest(text: str) -> str:
    """What a content security policy calls a script or a style sheet by."""
    hashed = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(hashed).decode()}'"


def page(title: str, sections: dict[str, Markup], data: dict[str, Any]) -> str:
    """The whole page.

    Args:
        title: of the page.
        sections: by their place in the template.
        data: of the charts, plain values.
    """
    licence = asset("uPlot.LICENSE.txt")
    styles = [asset("uPlot.min.css"), asset("report.css")]
    scripts = [f"/*\n{licence}*/\n{asset('uPlot.iife.min.js')}", asset("report.js")]
    policy = (
        f"default-src 'none'; script-src {' '.join(map(digest, scripts))}; "
        f"style-src {' '.join(map(digest, styles))}; base-uri 'none'; form-action 'none'"
    )
    return Template(asset("template.html")).substitute(
        policy=policy,
        title=escape(title),
        styles="".join(f"<style>{style}</style>\n" for style in styles),
        scripts="".join(f"<script>{script}</script>\n" for script in scripts),
        data_json=embed(data),
        **sections,
    )
