"""The keys of an installation that was given none: made once, kept in the data folder."""

from __future__ import annotations

import base64
import json
import os
import secrets
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from bot.embedded.errors import EmbeddedServerError
from bot.embedded.layout import Layout
from bot.embedded.locks import FileLock

_MAKERS: Mapping[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(48),
    "DATA_KEY": lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    "WEBHOOK_SECRET": lambda: secrets.token_urlsafe(24),
}
NAMES = tuple(_MAKERS)
_PATIENCE = 10.0


def secrets_of(folder: Path, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """``SECRET_KEY``, ``DATA_KEY`` and ``WEBHOOK_SECRET``: from ``environ`` where set, else those of ``folder``.

    The folder's are made at the first call and kept in ``secrets.json``, readable by its owner alone. Raises
    ``EmbeddedServerError`` when that file is damaged: without its ``DATA_KEY`` the personal data cannot be read again,
    so it is never replaced.
    """
    layout = Layout(folder.absolute())
    kept = _read(layout)
    if any(name not in kept for name in NAMES):
        layout.make()
        lock = FileLock(layout.run / "secrets.lock")
        if not lock.take(patience=_PATIENCE):
            raise EmbeddedServerError(f"{lock.path} is held by another program; end that one and try again.")
        try:
            kept = _read(layout)  # somebody else may just have made them
            kept = {name: make() for name, make in _MAKERS.items()} | kept
            _write(layout, kept)
        finally:
            lock.release()
    return {name: environ.get(name, "").strip() or kept[name] for name in NAMES}


def _read(layout: Layout) -> dict[str, str]:
    try:
        found = json.loads(layout.secrets.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise EmbeddedServerError(
            f"{layout.secrets} cannot be read; it holds the key of the personal data: put it back from your copy."
        ) from error
    if not isinstance(found, dict) or not all(isinstance(found.get(name, ""), str) for name in NAMES):
        raise EmbeddedServerError(f"{layout.secrets} is damaged; put it back from your copy.")
    return {name: found[name] for name in NAMES if found.get(name)}


def _write(layout: Layout, kept: Mapping[str, str]) -> None:
    descriptor, unfinished = tempfile.mkstemp(prefix=".secrets-", dir=layout.folder)  # mode 0600
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(json.dumps(dict(kept), indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        Path(unfinished).replace(layout.secrets)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise
