"""Campaigns: what is said to whom, what it will cost, and what becomes of it."""
