"""Series spread over workers or larger than memory: the same verbs on their frames."""
