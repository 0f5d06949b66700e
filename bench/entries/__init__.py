"""The benches as commands: one ``Bench`` each, named in ``bench/registry.py``."""
