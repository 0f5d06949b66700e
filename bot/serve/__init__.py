"""The service as one command: a supervisor and its children."""

from bot.serve.service import run_service

__all__ = ["run_service"]
