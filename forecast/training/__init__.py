"""Training through Keras: the only package, with the compiled runtime, that imports TensorFlow.

- `options`: what a user may choose, and its validation.
- `plan`: sizes and lengths of a run, chosen from the data unless given.
- `windows`: training windows, at random places or contiguous.
- `histories`: windows that hold a history and its future, as a forecast sees them.
- `loss_weights`: what the loss of each step of these counts for.
- `window_batch`: a batch of windows, and the two ways through it.
- `keras_model`: a network as a Keras model, and its loss.
- `callbacks`: learning rate, feedback phase, best weights, time budget, progress.
- `ordered_sums`: gradients added up in a fixed order.
- `fit`: one training run.
- `feedback/`: the feedback regimes.
"""
