"""From a history to a `State`, and from there by a rollout to a `Forecast`."""
