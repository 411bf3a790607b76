"""TensorFlow under NumPy's names: the array namespace of training and the compiled runtime."""

from __future__ import annotations

import tensorflow as tf

abs = tf.abs
arange = tf.range
asarray = tf.cast
betainc = tf.math.betainc
concatenate = tf.concat
cos = tf.cos
cumsum = tf.cumsum
exp = tf.exp
expm1 = tf.math.expm1
floor = tf.floor
isnan = tf.math.is_nan
lgamma = tf.math.lgamma
log = tf.math.log
log1p = tf.math.log1p
max = tf.reduce_max
maximum = tf.maximum
minimum = tf.minimum
ones_like = tf.ones_like
shape = tf.shape
sqrt = tf.sqrt
sum = tf.reduce_sum
tanh = tf.tanh
tensordot = tf.tensordot
transpose = tf.transpose
where = tf.where
zeros = tf.zeros
zeros_like = tf.zeros_like
