"""Bytes that nobody would send, for the webhooks' parsers (``python -m fuzz``, ``make fuzz``).

``target`` holds what must be true whatever comes; ``corpus`` what the search starts from, and what it once stumbled over.
"""
