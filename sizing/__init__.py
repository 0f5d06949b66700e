"""How large it becomes: rows and conversations measured, and what follows for more people than one machine can hold."""
