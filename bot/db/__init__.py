"""PostgreSQL: the connections, the schema and its migrations."""
