"""Faults on purpose: the real service with a small campaign under way, what is done to it, and what became of everybody."""
