"""People who are not registered yet: why, who calls or visits them, and those who are not on the list."""
