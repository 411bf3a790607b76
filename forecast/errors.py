"""The errors a user can act on: each message says what, where and what to do."""


class ForecastError(Exception):
    """Base of every error that this package raises on purpose."""


class DataError(ForecastError, ValueError):
    """A table cannot be used as it is."""


class OptionError(ForecastError, ValueError):
    """A choice is out of range or does not fit the model or the data."""


class ArtifactError(ForecastError, ValueError):
    """A model file is missing, damaged, foreign, or of a newer format."""


class ForecastWarning(UserWarning):
    """A forecast was made, but there is reason to doubt it."""
