"""Training speed: `fit` with windows gathered on the fly, next to a bare Keras fit.

The bare fit has the same layers, loss, optimiser, batch and steps, and goes over ready-made
arrays of the same shape. The first round of both traces and compiles; it does not count.
"""

from __future__ import annotations

import argparse
import functools
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks._common import (
    MET,
    hourly_panel,
    in_turns,
    noise,
    ratio,
    setup,
    show,
    sizes,
)
from forecast.data.panel import Panel
from forecast.inference.preprocess import transformed
from forecast.training.plan import Choices
from forecast.training.windows import Windows, draw_windows

OURS, BARE = "fit, windows on the fly", "bare Keras fit, arrays"
MIN_RATE_RATIO = 0.9  # aim, to the bare fit
NO_BUDGET = 1e9  # seconds


def windows_of(panel: Panel, choice: Choices) -> Windows:
    """The training windows of a panel, as `Forecaster.fit` makes them."""
    config = choice.config
    return Windows(
        transformed(panel, config.powers),
        panel.frequency.calendar(panel.ordinals, config.cycles),
        panel.indptr,
        config.lags,
        config.context,
        choice.plan.window_length,
    )


def rate(train: Callable[[Callable[..., None]], object], choice: Choices) -> float:
    """Observations per second after the first round.

    Args:
        train: trains, and calls its argument after each round.
        choice: the plan of the training.
    """
    ends: list[float] = []
    train(lambda *_: ends.append(time.perf_counter()))
    plan = choice.plan
    return (
        plan.batch_size
        * plan.window_length
        * plan.steps_per_round
        / statistics.median(np.diff(ends))
    )


def ours(choice: Choices, windows: Windows, listener: Callable[..., None]) -> None:
    """Train through our `fit`."""
    from forecast.training.fit import fit

    fit(choice.config, choice.plan, windows, 0, NO_BUDGET, listener)


def ready_made(panel: Panel, choice: Choices, windows: Windows) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets of the windows of a round of steps."""
    plan = choice.plan
    rng = np.random.default_rng(0)
    count = plan.batch_size * plan.steps_per_round
    batch = draw_windows(windows, plan.window_length, panel.lengths, count, rng)
    return batch.inputs, batch.targets


def bare(
    choice: Choices, arrays: tuple[np.ndarray, np.ndarray], listener: Callable[..., None]
) -> None:
    """Train the same layers through nothing but Keras."""
    import keras

    from forecast.training.keras_model import masked_loss

    config, plan = choice.config, choice.plan
    layers = [keras.layers.LSTM(config.units, return_sequences=True) for _ in range(config.layers)]
    start = keras.Input((None, config.inputs))
    model: Any = keras.Sequential([start, *layers, keras.layers.Dense(config.outputs)])
    optimizer = keras.optimizers.Adam(plan.learning_rate, global_clipnorm=plan.gradient_clip)
    model.compile(optimizer=optimizer, loss=masked_loss(config.head))
    model.fit(
        *arrays,
        batch_size=plan.batch_size,
        epochs=plan.rounds,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=listener)],
        shuffle=False,
        verbose=0,
    )


def report(choice: Choices, rates: dict[str, list[float]]) -> None:
    """Print the table."""
    config, plan = choice.config, choice.plan
    share = ratio(rates[OURS], rates[BARE])
    rows = [
        [
            OURS,
            f"{statistics.median(rates[OURS]):,.0f}",
            f"{share:.2f}",
            MET[share >= MIN_RATE_RATIO],
        ],
        [BARE, f"{statistics.median(rates[BARE]):,.0f}", "1.00", ""],
    ]
    print(sizes(config))
    title = (
        f"Training speed, windows of {plan.window_length} steps, batch {plan.batch_size}, "
        f"{plan.rounds - 1} rounds of {plan.steps_per_round} steps"
    )
    show(title, ["training", "observations per second", "ratio", f">= {MIN_RATE_RATIO}"], rows)
    print(noise(rates))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=414)
    parser.add_argument("--length", type=int, default=960, help="rows of each series")
    parser.add_argument("--batch", type=int, default=None, help="by default as training chooses")
    parser.add_argument("--steps", type=int, default=12, help="gradient steps in a round")
    parser.add_argument("--rounds", type=int, default=4, help="rounds, of which the first is left")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args(arguments)
    panel = hourly_panel(options.series, options.length)
    steps = {"steps": options.steps * options.rounds, "rounds": options.rounds}
    batch = {} if options.batch is None else {"batch_size": options.batch}
    choice = setup(panel, holdout=0, **steps, **batch)
    windows = windows_of(panel, choice)
    arrays = ready_made(panel, choice, windows)
    tasks = {
        OURS: functools.partial(ours, choice, windows),
        BARE: functools.partial(bare, choice, arrays),
    }
    rates = {name: functools.partial(rate, task, choice) for name, task in tasks.items()}
    report(choice, in_turns(options.repeats, rates))


if __name__ == "__main__":
    main()
