"""The service in this process, with people whose data is kept, handed out and erased."""

from __future__ import annotations

from tests.journeys.conftest import MovableClock, app, clock, environ, phone_of, post, services, world

__all__ = ["MovableClock", "app", "clock", "environ", "phone_of", "post", "services", "world"]
