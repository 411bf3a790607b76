"""How good forecasts are: at cutoffs beside the actuals, against baselines."""
