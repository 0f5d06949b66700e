"""The night of 13 January 2021, compressed: the real service, people who register, and books of what they saw."""
