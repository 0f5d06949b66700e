"""Encryption and keyed hashing of what must not lie about in the clear: NIK, screening answers, SMS texts.

Both keys are derived from ``DATA_KEY`` by HKDF, each for its own purpose. A ciphertext is ``key id (4 bytes) | nonce
(12) | AES-256-GCM``, and its purpose is authenticated with it, so that one column's value cannot be moved into another.
``DATA_KEY`` may hold several keys, separated by commas: the first encrypts and hashes, all decrypt, and what was hashed with
any of them is found. So a key is replaced while everything runs: see ``bot.privacy.rekeying``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Callable, Iterable
from os import getpid

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_ID_BYTES = 4
NONCE_BYTES = 12
#: Nonces that are drawn at once.
_MANY = 1024


class BadKey(ValueError):
    """``DATA_KEY`` is not one or more keys of 32 bytes in URL-safe base64."""


class Undecipherable(ValueError):
    """A ciphertext was made with a key we do not hold, for another purpose, or was changed."""


def _derive(key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"balas/" + purpose).derive(key)


def _decode(text: str) -> bytes:
    try:
        # Strictly: left to itself, base64 passes over what it does not know, and stops at a "=" in the middle.
        key = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadKey("DATA_KEY must be URL-safe base64") from error
    if len(key) != 32:
        raise BadKey(f"DATA_KEY must hold 32 bytes in URL-safe base64, not {len(key)}")
    return key


class Vault:
    """Seals and opens personal data, and hashes what must be found again."""

    def __init__(self, data_key: str) -> None:
        #: To be handed to a process of our own that seals as we do, by a pipe and by nothing else.
        self.data_key = data_key
        keys = [_decode(part.strip()) for part in data_key.split(",")]
        self._ciphers: dict[bytes, AESGCM] = {}
        for key in keys:
            sealing = _derive(key, b"seal")
            self._ciphers[hashlib.sha256(sealing).digest()[:KEY_ID_BYTES]] = AESGCM(sealing)
        self._key_id = next(iter(self._ciphers))
        self._sealer = self._ciphers[self._key_id]
        self._hash_keys = tuple(_derive(key, b"hash") for key in keys)
        self._other_hash_keys = self._hash_keys[1:]

    def seal(self, text: str, purpose: str) -> bytes:
        """Encrypt ``text`` for ``purpose`` (the column it is kept in)."""
        return self.seal_bytes(text.encode(), purpose)

    def open(self, sealed: bytes, purpose: str) -> str:
        """Decrypt what ``seal`` made for the same purpose; raises ``Undecipherable``."""
        return self.open_bytes(sealed, purpose).decode()

    def seal_bytes(self, content: bytes, purpose: str) -> bytes:
        """Encrypt ``content``, a file's, for ``purpose``."""
        nonce = os.urandom(NONCE_BYTES)
        return self._key_id + nonce + self._sealer.encrypt(nonce, content, purpose.encode())

    def sealer(self, purpose: str) -> Callable[[bytes], bytes]:
        """``seal_bytes`` for one purpose, for whoever seals very many: the system is asked for many nonces at once."""
        key_id, encrypt, about = self._key_id, self._sealer.encrypt, purpose.encode()
        nonces: list[bytes] = []
        drawn_by = 0

        def seal(content: bytes) -> bytes:
            nonlocal drawn_by
            # A nonce is used once: what a process has drawn is not for one that was forked from it.
            if not nonces or drawn_by != getpid():
                drawn = os.urandom(_MANY * NONCE_BYTES)
                nonces[:] = [drawn[at : at + NONCE_BYTES] for at in range(0, len(drawn), NONCE_BYTES)]
                drawn_by = getpid()
            nonce = nonces.pop()
            return key_id + nonce + encrypt(nonce, content, about)

        return seal

    def open_bytes(self, sealed: bytes, purpose: str) -> bytes:
        """Decrypt what ``seal_bytes`` made for the same purpose; raises ``Undecipherable``."""
        if len(sealed) < KEY_ID_BYTES + NONCE_BYTES:
            raise Undecipherable("cut short")
        cipher = self._ciphers.get(bytes(sealed[:KEY_ID_BYTES]))
        if cipher is None:
            raise Undecipherable("sealed with a key that DATA_KEY does not hold")
        nonce, body = sealed[KEY_ID_BYTES : KEY_ID_BYTES + NONCE_BYTES], sealed[KEY_ID_BYTES + NONCE_BYTES :]
        try:
            return cipher.decrypt(bytes(nonce), bytes(body), purpose.encode())
        except InvalidTag as error:
            raise Undecipherable("changed, or sealed for another purpose") from error

    def holds(self, key_ids: Iterable[str]) -> bool:
        """Whether all keys with these ids, in hex as ciphertexts begin with them, are among ours."""
        return {bytes.fromhex(each) for each in key_ids} <= self._ciphers.keys()

    @property
    def key_id(self) -> bytes:
        """What is sealed now begins with this."""
        return self._key_id

    def is_current(self, sealed: bytes) -> bool:
        """Whether a ciphertext was made with the key that seals now."""
        return bytes(sealed[:KEY_ID_BYTES]) == self._key_id

    def hash(self, text: str) -> bytes:
        """A keyed hash (HMAC-SHA-256, 32 bytes) by which ``text`` can be found but not guessed without the key."""
        return hmac.digest(self._hash_keys[0], text.encode(), "sha256")

    def hasher(self) -> Callable[[str], bytes]:
        """``hash`` for whoever hashes very many: what HMAC makes of the key alone is made once."""
        key = self._hash_keys[0].ljust(hashlib.sha256().block_size, b"\0")
        inner, outer = (hashlib.sha256(bytes(byte ^ pad for byte in key)).copy for pad in (0x36, 0x5C))

        def hashed(text: str) -> bytes:
            within, around = inner(), outer()
            within.update(text.encode())
            around.update(within.digest())
            return around.digest()

        return hashed

    def other_hashes(self, text: str) -> list[bytes]:
        """The hashes of ``text`` with all keys but the one that hashes now: nearly always none."""
        if not self._other_hash_keys:
            return []
        return [hmac.digest(key, text.encode(), "sha256") for key in self._other_hash_keys]

    @property
    def has_others(self) -> bool:
        """Whether there are more keys than the one that hashes now."""
        return bool(self._other_hash_keys)

    def hashes(self, text: str) -> list[bytes]:
        """The hashes of ``text`` with each key, the one that is made now first: it may be on record under any of them."""
        return [hmac.digest(key, text.encode(), "sha256") for key in self._hash_keys]
