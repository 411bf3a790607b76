"""Pieces of HTML: all that comes from data is escaped here, and nowhere else."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NewType

Markup = NewType("Markup", str)  # text that is HTML already

NONE = "–"


def escape(value: object) -> Markup:
    """Text as HTML that shows it, whatever it holds; control characters are replaced."""
    shown = "".join(char if _is_shown(char) else "\N{REPLACEMENT CHARACTER}" for char in str(value))
    return Markup(html.escape(shown, quote=True))


def _is_shown(char: str) -> bool:
    """Whether a character may stand in a page: no control character, no half of a pair."""
    return char in "\t\n" or not (
        ord(char) < 32 or 127 <= ord(char) < 160 or "\ud800" <= char <= "\udfff"
    )


def name(value: object) -> Markup:
    """A name from the data; its direction of writing does not reach beyond it."""
    return Markup(f"<bdi>{escape(value)}</bdi>")


def number(value: float | None, digits: int = 4) -> str:
    """A number to so many significant digits; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return NONE
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e9 else f"{value:,.{digits}g}"


def join(parts: Iterable[str]) -> Markup:
    """Pieces one after the other."""
    return Markup("\n".join(parts))


def paragraph(text: object, kind: str = "") -> Markup:
    """A sentence."""
    return Markup(f"<p{_class(kind)}>{escape(text)}</p>")


def items(texts: Iterable[object], kind: str = "") -> Markup:
    """A list of sentences; nothing where there is none."""
    rows = "".join(f"<li>{escape(text)}</li>" for text in texts)
    return Markup(f"<ul{_class(kind)}>{rows}</ul>" if rows else "")


def facts(pairs: Mapping[str, object], kind: str = "facts") -> Markup:
    """What is said of what."""
    rows = "".join(
        f"<div><dt>{escape(what)}</dt><dd>{name(said)}</dd></div>" for what, said in pairs.items()
    )
    return Markup(f"<dl{_class(kind)}>{rows}</dl>")


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> Markup:
    """A table with a header for each row; it scrolls by itself where it is too wide.

    Args:
        caption: what it shows.
        head: names of the columns; the first column names the rows.
        rows: cells; text is escaped, numbers are rounded, `Cell` stands as it is.
    """
    columns = "".join(f'<th scope="col">{escape(one)}</th>' for one in head)
    body = "".join(map(_row, rows))
    label = escape(caption)
    return Markup(
        f'<div class="wide" role="region" aria-label="{label}" tabindex="0"><table>'
        f"<caption>{label}</caption><thead><tr>{columns}</tr></thead><tbody>{body}</tbody>"
        "</table></div>"
    )


def _row(cells: Sequence[Any]) -> str:
    first, *rest = map(_cell, cells)
    return f'<tr><th scope="row">{first}</th>{"".join(f"<td>{one}</td>" for one in rest)}</tr>'


class Cell(str):
    """The content of a cell that is HTML already."""

    __slots__ = ()


def _cell(value: object) -> str:
    if isinstance(value, Cell):
        return value
    if isinstance(value, float):
        return number(value)
    return f"{value:,}" if isinstance(value, int) else name(value)


def details(title: str, content: str) -> Markup:
    """What is folded away until it is asked for."""
    return Markup(f"<details><summary>{escape(title)}</summary>{content}</details>")


def section(anchor: str, title: str, *content: str) -> Markup:
    """A part of the page with a heading of the second order."""
    return Markup(
        f'<section id="{anchor}" aria-labelledby="{anchor}-title">'
        f'<h2 id="{anchor}-title">{escape(title)}</h2>\n{join(filter(None, content))}</section>'
    )


def contents(titles: Mapping[str, str]) -> Markup:
    """Links to the parts of the page, by their anchors."""
    links = "".join(
        f'<li><a href="#{anchor}">{escape(title)}</a></li>' for anchor, title in titles.items()
    )
    return Markup(f'<nav class="contents" aria-label="Contents"><ul>{links}</ul></nav>')


def heading(title: str) -> Markup:
    """A heading of the third order."""
    return Markup(f"<h3>{escape(title)}</h3>")


def chart(key: str, title: str, summary: str, table: str) -> Markup:
    """The place of a chart whose data are embedded under a key, what it shows, and its numbers."""
    return Markup(
        f'<figure data-chart="{key}" data-title="{escape(title)}">'
        f"<figcaption>{escape(summary)}</figcaption>{details('Table: ' + title, table)}</figure>"
    )


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""
