"""Sums of gradients in a fixed order, so that a training can be repeated bit for bit.

A tensor that is used n times has n gradients, which TensorFlow adds up by one operation, AddN. On
a CPU it begins with an input that nobody else needs any more, to reuse its memory. Which one that
is depends on how far other threads are, and a sum of three floats on the order of its terms.
TensorFlow's own switch for determinism does not change that.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce
from typing import Any

import tensorflow as tf
from tensorflow.python.ops import gen_math_ops

REWRITES = "arithmetic_optimization"  # it would join sums of two to larger ones again


@contextmanager
def ordered_sums() -> Iterator[None]:
    """Functions traced and run within add two terms at a time, which commutes also for floats."""
    add = gen_math_ops.add_n
    rewrites = tf.config.optimizer.get_experimental_options().get(REWRITES, True)

    def add_in_order(inputs: list[Any], name: str | None = None) -> Any:
        if len(inputs) < 2:
            return add(inputs, name)
        return reduce(lambda total, term: add([total, term], name), inputs)

    gen_math_ops.add_n = add_in_order
    tf.config.optimizer.set_experimental_options({REWRITES: False})
    try:
        yield
    finally:
        gen_math_ops.add_n = add
        tf.config.optimizer.set_experimental_options({REWRITES: rewrites})
