"""Makes the shipped weights again: `make pretrain`, or `python -m forecast.pretrained --help`."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from forecast.pretrained.pretraining import (
    STAGES,
    STEPS,
    Stage,
    generated_batches,
    pretraining_config,
    pretraining_plan,
    ship,
)

if TYPE_CHECKING:
    from forecast.training.progress import Progress


def main() -> None:
    """Pretrain the network, going on from where an earlier call was stopped."""
    parser = argparse.ArgumentParser(prog="forecast.pretrained", description=main.__doc__)
    parser.add_argument("--steps", type=int, help=f"by default {STEPS:,}, in {len(STAGES)} stages")
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--cell", default="lstm")
    parser.add_argument("--learning-rate", type=float, default=STAGES[0].rate)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--without", nargs="*", default=(), help="families of the prior")
    parser.add_argument("--kept", type=Path, required=True, help="file of a run that was stopped")
    parser.add_argument("--out", type=Path, required=True, help="the model file")
    given = parser.parse_args()

    from forecast.training.stream_fit import fit_stream  # TensorFlow is imported here

    config = pretraining_config(given.units, given.layers, given.cell)
    stages = (Stage(given.steps, given.learning_rate),) if given.steps else STAGES
    start: Path | None = None
    for number, stage in enumerate(stages):
        plan, seed = pretraining_plan(config, stage), given.seed + number
        batches = partial(generated_batches, seed=seed, without=tuple(given.without))
        kept = given.kept.with_name(f"{given.kept.name}.{number}") if number else given.kept
        weights = fit_stream(config, plan, batches, kept, seed, report, start)
        start = kept
    ship(given.out, config, weights, given.seed)


def report(progress: Progress) -> None:
    """Print the loss of the last round."""
    print(f"step {progress.step:,}: loss {progress.loss:.4f}, {progress.seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
