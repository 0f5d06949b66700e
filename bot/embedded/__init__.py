"""PostgreSQL and Valkey without an installation: real servers from pip, their data in one folder."""
