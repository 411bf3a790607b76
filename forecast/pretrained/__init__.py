"""A network that is trained before it sees a table: how it was made, and how it is used.

- `prior`: the generated series that it is trained on.
- `practised`: the kinds of series, their seasons, lengths and horizons.
- `generated_windows`: training windows of generated series.
- `pretraining`: its configuration, its plan and its batches.
- `expected_errors`: its errors on generated series that it has not seen, which calibrate intervals.
- `zero_shot`: a model of a table, without training on it.
- `card`: how it was made, what it reached, where it is bad.
- `fine_tuning`: a training on a table that starts from the network.

It may use `training` and all that lies below; `inference` never imports it.
"""
