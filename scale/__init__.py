"""Past one machine: the service on several hosts, each a network namespace with an address of its own, with servers that fail
over while people register. ``python -m scale``, or ``make scale``."""
