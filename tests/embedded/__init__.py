"""Tests of the embedded servers: real programs, really killed."""
