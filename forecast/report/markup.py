"""Pieces of HTML: everything that comes from data is escaped here, and nowhere else."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NewType

Markup = NewType("Markup", str)  # text that is HTML already

MISSING = "–"


def escape(value: object) -> Markup:
    """Text as HTML that shows it literally; control characters are replaced."""
    text = "".join(map(_printable, str(value)))
    return Markup(html.escape(text, quote=True))


def _printable(char: str) -> str:
    """A character; a replacement for a control character or an unpaired surrogate."""
    is_control = char not in "\t\n" and (ord(char) < 32 or 127 <= ord(char) < 160)
    return "\N{REPLACEMENT CHARACTER}" if is_control or "\ud800" <= char <= "\udfff" else char


def name(value: object) -> Markup:
    """A name from the data; its writing direction does not affect the text around it."""
    return Markup(f"<bdi>{escape(value)}</bdi>")


def number(value: float | None, digits: int = 4) -> str:
    """A number to so many significant digits; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return MISSING
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e9 else f"{value:,.{digits}g}"


def join(parts: Iterable[str]) -> Markup:
    """Pieces one after another."""
    return Markup("\n".join(parts))


def paragraph(text: object, css_class: str = "") -> Markup:
    """A sentence."""
    return Markup(f"<p{_class(css_class)}>{escape(text)}</p>")


def items(texts: Iterable[object], css_class: str = "") -> Markup:
    """A list of sentences; empty if there are none."""
    rows = "".join(f"<li>{escape(text)}</li>" for text in texts)
    return Markup(f"<ul{_class(css_class)}>{rows}</ul>" if rows else "")


def facts(pairs: Mapping[str, object], css_class: str = "facts") -> Markup:
    """A list of terms and their values."""
    rows = "".join(
        f"<div><dt>{escape(term)}</dt><dd>{name(value)}</dd></div>" for term, value in pairs.items()
    )
    return Markup(f"<dl{_class(css_class)}>{rows}</dl>")


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> Markup:
    """A table with a header for each row; it scrolls on its own if it is too wide.

    Args:
        caption: of the table.
        head: names of the columns; the first column names the rows.
        rows: of cells; text is escaped, numbers are rounded, an `HtmlCell` is taken as it is.
    """
    columns = "".join(f'<th scope="col">{escape(title)}</th>' for title in head)
    body = "".join(map(_row, rows))
    label = escape(caption)
    return Markup(
        f'<div class="wide" role="region" aria-label="{label}" tabindex="0"><table>'
        f"<caption>{label}</caption><thead><tr>{columns}</tr></thead><tbody>{body}</tbody>"
        "</table></div>"
    )


def _row(cells: Sequence[Any]) -> str:
    first, *rest = map(_cell, cells)
    return f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in rest)}</tr>'


class HtmlCell(str):
    """A table cell whose content is HTML already."""

    __slots__ = ()


def _cell(value: object) -> str:
    if isinstance(value, HtmlCell):
        return value
    if isinstance(value, float):
        return number(value)
    return f"{value:,}" if isinstance(value, int) else name(value)


def details(title: str, content: str) -> Markup:
    """Content that is collapsed until it is opened."""
    return Markup(f"<details><summary>{escape(title)}</summary>{content}</details>")


def section(anchor: str, title: str, *content: str) -> Markup:
    """A section of the page with a second-level heading."""
    return Markup(
        f'<section id="{anchor}" aria-labelledby="{anchor}-title">'
        f'<h2 id="{anchor}-title">{escape(title)}</h2>\n{join(filter(None, content))}</section>'
    )


def contents(titles: Mapping[str, str]) -> Markup:
    """Links to the sections of the page: their titles by anchor."""
    links = "".join(
        f'<li><a href="#{anchor}">{escape(title)}</a></li>' for anchor, title in titles.items()
    )
    return Markup(f'<nav class="contents" aria-label="Contents"><ul>{links}</ul></nav>')


def heading(title: str) -> Markup:
    """A third-level heading."""
    return Markup(f"<h3>{escape(title)}</h3>")


def chart(key: str, title: str, summary: str, table: str) -> Markup:
    """The place of a chart whose data are embedded under a key, with a summary and a table."""
    return Markup(
        f'<figure data-chart="{key}" data-title="{escape(title)}">'
        f"<figcaption>{escape(summary)}</figcaption>{details('Table: ' + title, table)}</figure>"
    )


def _class(css_class: str) -> str:
    return f' class="{css_class}"' if css_class else ""
