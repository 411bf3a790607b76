"""Place of a network that is trained before it sees a table.

- prior: the generated series that it is trained on

How a network was pretrained on them, and its weights belong here. It may use `training` and all
that lies below; `inference` never imports it.
"""
