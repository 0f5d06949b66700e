"""The commands: the same actions from a terminal."""
