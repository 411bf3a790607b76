"""Place of a network that is trained before it sees a table; nothing is here yet.

A prior over series, how a network was pretrained on it, and its weights belong here. It may use
`training` and all that lies below; `inference` never imports it.
"""
