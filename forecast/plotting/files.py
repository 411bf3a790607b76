"""A picture as a file: PNG, SVG or PDF."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecast.data.io.atomic_write import replace_file
from forecast.errors import DataError, OptionError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS = (".png", ".svg", ".pdf")
DOTS = 150  # per inch
UNDATED: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
STYLE: Any = {
    "pdf.fonttype": 42,  # TrueType, which journals ask for
    "svg.hashsalt": "forecast",  # the same picture is the same file
}


def write_figure(figure: Figure, path: str | Path, option: str = "--plot") -> None:
    """Write a figure as PNG, SVG or PDF, by the name's ending.

    Args:
        figure: to draw.
        path: where to.
        option: of the command line that names another place.

    Raises:
        OptionError: if the ending is none of these.
        DataError: if the place cannot be written.
    """
    from matplotlib import rc_context

    drawn, kind = io.BytesIO(), picture_kind(path)
    with rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")  # a box is drawn instead
        figure.savefig(drawn, format=kind, dpi=DOTS, metadata=UNDATED.get(kind))
    replace_file(path, lambda stream: stream.write(drawn.getvalue()), DataError, option)


def picture_kind(path: str | Path) -> str:
    """The kind of picture that a name stands for: "png", "svg" or "pdf".

    Raises:
        OptionError: if the ending is none of these.
    """
    kind = Path(path).suffix.lower()
    if kind not in KINDS:
        raise OptionError(f"{path}: a picture's name must end in {', '.join(KINDS)}")
    return kind.removeprefix(".")
