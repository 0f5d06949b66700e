"""The folder in which the processes of ``bot web`` count together, where nobody has given them one.

prometheus_client decides when it is imported whether a process counts alone: so this is to be done before anything else.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from typing import Final

_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
_OWNER: Final = "BALAS_METRICS_OWNER"


def make(arguments: Sequence[str]) -> None:
    """Make one if a web server is asked for and none is given: with ``serve``, workers and clock count there too."""
    if arguments[:1] == ["web"] and not os.environ.get(_FOLDER):
        os.environ[_FOLDER] = tempfile.mkdtemp(prefix="balas-metrics-")
        os.environ[_OWNER] = str(os.getpid())


def remove() -> None:
    """Remove it again, if this process has made it."""
    if os.environ.get(_OWNER) == str(os.getpid()):
        shutil.rmtree(os.environ[_FOLDER], ignore_errors=True)
