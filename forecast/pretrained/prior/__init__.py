"""A prior over time series: families of generated series, from which a network is pretrained.

A family is a function of a random generator, a number of series, a number of steps and the seasons;
it returns all series at once. `mixture.draw` draws from all families and then disturbs some of the
series as business does: promotions, missing rows, rounding. No real data is used.

- seasons: the lengths of the seasons, and patterns that repeat with them
- processes: noise, autoregressions, stationary processes, growth, level shifts
- columns: one random number per series
- exponential_smoothing, structural, seasonal_arima, random_walks, smooth_curves, locally_periodic,
  growth_curves, counts, two_seasons, calendars: the families
- disturbances: events and faults that are added to the series of all families
- mixture: the families and disturbances with their shares
"""
