"""Conversations: flows as tables, a pure step, where each stands in Redis. Knows nothing of what is talked about."""
