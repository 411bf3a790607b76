"""Tuning: the options of a training, chosen by the error of forecasts of rows it has not seen.

- `space`: what is tried of each option, as plain values.
- `default_space`: what is worth trying on a table, where nothing is asked for.
- `rolling_error`: the error of a network at the last cutoffs of a table.
- `search`: trial after trial, within a time budget.
- `study`: the trials in Optuna, in memory or in a file; the only module that imports it.
- `tuning_result`: `Tuning`, the outcome, as a table, a picture and sentences.
"""
