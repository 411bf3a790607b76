"""Models as a service on HTTP: forecasts, new rows, and a page to look at them."""
