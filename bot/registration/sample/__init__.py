"""A made-up registry of any size, for demonstrations, tests and measurements: nobody in it exists.

The same number of workers and districts, seed and calendar year give the same registry, whatever day it is loaded on;
only the vaccination sessions move along with the calendar.
"""

from bot.registration.sample.loading import SampleReport, has_workers, load_sample
from bot.registration.sample.people import own_phone

__all__ = ["SampleReport", "has_workers", "load_sample", "own_phone"]
