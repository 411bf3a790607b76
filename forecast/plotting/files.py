"""Writing figures to PNG, SVG or PDF files."""

from __future__ import annotations

import io
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecast.data.io.atomic_write import replace_file
from forecast.errors import DataError, OptionError, pip_install

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")
DOTS_PER_INCH = 150
# without a date, the same picture is the same file
METADATA: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
RC_PARAMS: Any = {
    "pdf.fonttype": 42,  # TrueType, which journals ask for
    "svg.hashsalt": "forecast",  # fixed ids: the same picture is the same file
}


def write_figure(figure: Figure, path: str | Path, option: str = "--plot") -> None:
    """Write a figure as PNG, SVG or PDF, by the suffix of the path.

    Args:
        figure: to write.
        path: of the file.
        option: of the command line that sets the path, for error messages.

    Raises:
        OptionError: if the suffix is another one.
        DataError: if the file cannot be written.
    """
    from matplotlib import rc_context

    content, file_format = io.BytesIO(), picture_kind(path)
    with rc_context(RC_PARAMS), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")  # a box is drawn instead
        metadata = METADATA.get(file_format)
        figure.savefig(content, format=file_format, dpi=DOTS_PER_INCH, metadata=metadata)
    replace_file(path, lambda stream: stream.write(content.getvalue()), DataError, option)


def picture_kind(path: str | Path) -> str:
    """The file format that a path stands for: "png", "svg" or "pdf".

    Raises:
        OptionError: if the suffix is another one, or Matplotlib is not installed.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise OptionError(f"{path}: a picture's name must end in {', '.join(SUFFIXES)}")
    require_matplotlib()
    return suffix.removeprefix(".")


def require_matplotlib() -> None:
    """Raise OptionError where Matplotlib is not installed."""
    if find_spec("matplotlib") is None:
        raise OptionError(f"pictures need Matplotlib; install it with: {pip_install('plot')}")
