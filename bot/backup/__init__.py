"""Backups of PostgreSQL with a manifest beside them, and what makes a restored one fit to go on with."""
