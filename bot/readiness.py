"""How a process tells whoever started it that it does its work: a line in the file that ``BALAS_READY`` names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

NAME: Final = "BALAS_READY"


def tell(how: str = "") -> None:
    """Say that this process does its work, and ``how``, where somebody wants to know."""
    file = os.environ.get(NAME)
    if file:
        with Path(file).open("a", encoding="ascii") as told:
            told.write(f"{os.getpid()} {how}".rstrip() + "\n")
