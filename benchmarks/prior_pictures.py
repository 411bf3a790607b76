"""Pictures of the prior for docs/prior.md: nine draws of every family, and every disturbance."""

from __future__ import annotations

import argparse
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from benchmarks._common import ROOT
from forecast.plotting.style import BLUE, GREY
from forecast.pretrained.prior.mixture import DISTURBANCES, FAMILIES, draw
from forecast.pretrained.prior.seasons import Seasons

SEED, DRAWS, COLUMNS = 17, 9, 3
WIDTH, ROW_HEIGHT, DOTS_PER_INCH = 9.0, 1.25, 75  # inches
MOST_COLOURS = 16  # so that a picture has some 20 kB


class Example(NamedTuple):
    """For which seasons and how many steps a family is shown."""

    seasons: Seasons
    steps: int


MONTHS, DAYS, HOURS = Seasons(12), Seasons(7, 365.25), Seasons(24, 168)
EXAMPLES: Mapping[str, Example] = {
    **dict.fromkeys(FAMILIES, Example(MONTHS, 120)),
    "counts": Example(DAYS, 140),
    "locally_periodic": Example(HOURS, 336),
    "two_profiles": Example(HOURS, 336),
    "sunlight": Example(Seasons(24, 8766), 168),
    "weather": Example(DAYS, 1000),
}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "prior", help="a folder")
    folder = parser.parse_args(arguments).out
    folder.mkdir(parents=True, exist_ok=True)
    for name, example in EXAMPLES.items():
        rng = np.random.default_rng(SEED)
        values = FAMILIES[name].draw(rng, DRAWS, example.steps, example.seasons)
        save(picture(values, [""] * DRAWS), folder / f"{name}.png")
    mixed = draw(np.random.default_rng(SEED), 2 * DRAWS, 120, MONTHS)
    save(picture(mixed, [""] * len(mixed)), folder / "mixture.png")
    save(disturbed(np.random.default_rng(SEED)), folder / "disturbances.png")
    print(f"Drew {len(EXAMPLES) + 2} pictures in {folder}.")


def picture(values: np.ndarray, titles: Sequence[str], before: np.ndarray | None = None) -> Figure:
    """Small plots of series (B, T), over the same series before a disturbance."""
    rows = math.ceil(len(values) / COLUMNS)
    figure = Figure(figsize=(WIDTH, ROW_HEIGHT * rows), layout="constrained")
    cells = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for unused in cells[len(values) :]:
        unused.remove()
    for k, (axes, title) in enumerate(zip(cells, titles, strict=False)):
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=6, length=2)
        axes.margins(x=0.01)
        if before is not None:
            axes.plot(before[k], color=GREY, linewidth=0.6, alpha=0.6)
        axes.plot(values[k], color=BLUE, linewidth=0.9)
        axes.set_title(title, loc="left", fontsize=7)
    return figure


def disturbed(rng: np.random.Generator) -> Figure:
    """One monthly series before and after each disturbance, of nine tries the one seen best."""
    families = FAMILIES.keys() - {"structural"}
    before = 1e3 * draw(rng, 1, 96, MONTHS, without=(*DISTURBANCES, *families)).astype(np.float64)
    tries = before.repeat(DRAWS, axis=0)
    rows = []
    for disturbance in DISTURBANCES.values():
        values = disturbance.apply(rng, tries, MONTHS)
        changes = np.where(np.isnan(values), before, np.abs(values - before)).sum(axis=1)
        rows.append(values[changes.argmax()])
    titles = [name.replace("_", " ") for name in DISTURBANCES]
    return picture(np.stack(rows), titles, before.repeat(len(rows), axis=0))


def save(figure: Figure, path: Path) -> None:
    """Write a figure as a small PNG file of few colours."""
    content = io.BytesIO()
    figure.savefig(content, dpi=DOTS_PER_INCH)
    Image.open(content).convert("RGB").quantize(MOST_COLOURS).save(path, optimize=True)


if __name__ == "__main__":
    main()
