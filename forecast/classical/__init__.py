"""Classical methods as recurrences with an open state, on NumPy, for many series at once.

- `theta`: the dynamic optimised theta method.
- `theta_parameters`: its parameters, from one-step errors.
- `seasonal_adjustment`: whether series are seasonal, and how.
- `normal_quantile`: the inverse of the normal distribution function.
"""
