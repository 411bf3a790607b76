"""Pictures of plain values: a forecast, a backtest, the losses of a training.

matplotlib is imported when one is drawn. The modules:

- `forecast`: the history and the forecast with its intervals.
- `attention`: the attention weights of a forecast.
- `training`: the losses of a training, step by step.
- `tuning`: the errors of the trials of a tuning.
- `backtest`: forecasts from several cutoffs and the actual values.
- `explanation`: how much each input moves a forecast.
- `errors`: errors by forecast step, of the model and of the baselines.
- `calibration`: empirical coverage of intervals against the nominal one.
- `text_chart`: a small chart of lines in text, for terminals.
- `series_choice`: which of many series a picture shows.
- `style`: colours, grids of plots, titles, lines and intervals.
- `ticks`: ticks of the axes, and labels at the ends of lines.
- `files`: writing figures to files.
"""

from forecast.plotting.attention import attention_series, plot_attention
from forecast.plotting.backtest import plot_backtest
from forecast.plotting.calibration import plot_calibration
from forecast.plotting.errors import plot_errors
from forecast.plotting.explanation import plot_explanation
from forecast.plotting.files import picture_kind, write_figure
from forecast.plotting.forecast import plot_forecast
from forecast.plotting.training import FeedbackPhase, TrainingCurves, plot_training
from forecast.plotting.tuning import TrialErrors, plot_tuning

__all__ = [
    "FeedbackPhase",
    "TrainingCurves",
    "TrialErrors",
    "attention_series",
    "picture_kind",
    "plot_attention",
    "plot_backtest",
    "plot_calibration",
    "plot_errors",
    "plot_explanation",
    "plot_forecast",
    "plot_training",
    "plot_tuning",
    "write_figure",
]
