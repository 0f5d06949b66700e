"""Tests of the supervisor and of the service as one command."""
