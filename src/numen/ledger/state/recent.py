"""What the newest version has for keys that were written lately, so that most reads see no page.

Only who commits writes here: a reader that noted what it read could note, a moment too late, what a
commit has just replaced.
"""

from collections.abc import Mapping
from typing import Final

KEYS_MAX = 1 << 16
"""Most keys that are remembered; with their values some 30 MB."""

VALUE_BYTES_MAX = 256
"""Longest value that is remembered."""

ABSENT: Final = bytes(bytearray(b"absent"))
"""In place of a value that is not there: this object, and no other bytes that are equal to it."""


class Recent:
    """A dictionary that forgets its older half when it is full."""

    def __init__(self) -> None:
        self._values: dict[bytes, bytes] = {}

    def get(self, key: bytes) -> bytes | None:
        """A value, `ABSENT`, or None for a key that is not remembered."""
        return self._values.get(key)

    def note(self, changes: Mapping[bytes, bytes | None]) -> None:
        """Remember what keys have."""
        for key, value in changes.items():
            self._values.pop(key, None)
            if value is None or len(value) <= VALUE_BYTES_MAX:
                if len(self._values) >= KEYS_MAX:
                    for old in list(self._values)[: KEYS_MAX // 2]:
                        del self._values[old]
                self._values[key] = ABSENT if value is None else value

    def clear(self) -> None:
        """Forget everything."""
        self._values.clear()
