"""What is measured, and against what. ``python -m bench --help``; how to read the figures: ``docs/performance.md``."""
