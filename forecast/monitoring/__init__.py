"""Whether a model that is in use still fits: its errors on new rows, row by row.

Each new row is forecast one step ahead before it is seen, as if after `update`. The modules:

- `thresholds`: from a rate of false alarms to the thresholds of all statistics.
- `self_starting`: how unusual a number is beside all before it.
- `means`: what errors are usual.
- `charts`: Page's CUSUM, and since when it has been growing.
- `windows`: errors and coverage over the last rows.
- `statistics`: all of these as a value, advanced row by row.
- `monitor`: a model's state and its statistics, which follow new rows.
- `ahead`: forecasts of many steps from some of the rows.
- `findings`: alarms, since when, how large, and whether the state has adapted.
- `words`: the same as sentences.
- `gauges`: the numbers for Prometheus.
- `traces`: the course of the statistics of few series, for a picture.
- `monitoring`: the result for users.
"""
