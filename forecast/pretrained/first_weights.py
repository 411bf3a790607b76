"""The pretrained weights for a network that is to be trained on a table.

What the table has beyond the inputs of the pretrained network (covariates, holidays, calendar
cycles, further targets) enters through new rows of the first kernel that begin at zero, so that
before the first gradient step the forecast is that of the pretrained network.
"""

from __future__ import annotations

import math

import numpy as np

from forecast.inference.config import Config
from forecast.nn import seasonal
from forecast.nn.heads import quantiles
from forecast.pretrained.zero_shot import shipped
from forecast.training.start import Start

NEW_RATE = 100.0  # times the learning rate, of rows that begin at zero: docs/EXPERIMENTS.md
COUNTS = 2  # inputs of the network `seasonal` after the step features
SPREADS = {"normal": 1.2816, "student_t": 1.4398}  # 0.9 quantile of a head at a scale of 1
FREEDOM = 4.0  # raw degrees of freedom of Student's t: 6.02
KERNEL, READ_OUT = "decoder_0.kernel", ("head.kernel", "head.bias")


def first_start(config: Config) -> Start:
    """The pretrained weights for a network with more inputs and targets, and perhaps another head.

    New rows of the first kernel learn faster. Of several targets the first one is forecast as the
    pretrained network does, as far as the others are observed where it is; the recurrent layers see
    it alone. The others start with the same weights of their own past values, and without a
    remainder.

    Args:
        config: of the network, made by `choose_fine_tuning`.
    """
    known, d = shipped(), config.targets
    weights = dict(known.weights)
    kernel = weights[KERNEL]
    is_new, values = np.ones(config.inputs + COUNTS, bool), 2 * seasonal.ROLES
    phases = known.config.calendar_features
    is_new[: values * d : d] = is_new[values * d : values * d + phases] = is_new[-COUNTS:] = False
    weights[KERNEL] = np.zeros((len(is_new), kernel.shape[1]), kernel.dtype)
    weights[KERNEL][~is_new] = kernel
    read_out = np.vstack([weights[name] for name in READ_OUT])
    read_out = np.repeat(_read_out(read_out, config.head), d, axis=1)
    read_out[:, 1:d] = 0.0
    weights |= zip(READ_OUT, (read_out[:-1], read_out[-1]), strict=True)
    rates = np.where(is_new, NEW_RATE, 1.0).astype(np.float32)
    return Start(weights, {KERNEL: rates[:, None]})


def _read_out(known: np.ndarray, head: str) -> np.ndarray:
    """The kernel and the bias of the read-out (U + 1, outputs), for another head.

    The location is that of the quantiles, and the scale nearly as wide: of the distances between
    neighbouring quantiles four on either side lead from 0.1 to 0.9, and their raw mean becomes the
    raw scale. The degrees of freedom of Student's t begin alike for all series.
    """
    if head not in SPREADS:
        return known
    side = quantiles.LEVELS.index(0.9) - quantiles.MEDIAN
    nearest = [*range(1, side + 1), *range(quantiles.MEDIAN + 1, quantiles.MEDIAN + side + 1)]
    is_bias = np.arange(len(known)) == len(known) - 1
    widening = math.log(side / SPREADS[head])  # softplus is nearly exponential there
    parts = [known[:, 0], known[:, nearest].mean(axis=1) + widening * is_bias]
    if head == "student_t":
        parts.append(FREEDOM * is_bias)
    return np.column_stack([*parts, known[:, quantiles.PARAMETERS :]]).astype(known.dtype)
