"""Read what a dashboard shows, from its address.

NumenError
└── NoReadingError    nobody answers there, or not as a dashboard does
"""

import http.client
import json
import urllib.error
import urllib.request
from typing import Any, Final

from numen.base.errors import NumenError

STATE_BYTES_MAX: Final = 1 << 25
"""Longest reading."""

SECONDS_MAX: Final = 10
"""Longest time for a reading."""

_KINDS: Final = {
    "market": ("totals", "tasks", "people", "slashes", "feed", "tickets", "latency"),
    "ledger": ("ledger", "blocks", "trees", "accounts"),
}


class NoReadingError(NumenError):
    """Nobody answers at an address, or not as a dashboard does."""


def read_state(url: str) -> dict[str, Any]:
    """Everything that a dashboard shows, by section.

    Args:
        url: Of its page.

    Raises:
        NoReadingError: Nobody answers there, or not as a dashboard does.
    """
    if not url.startswith(("http://", "https://")):
        raise NoReadingError(f"{url[:80]} is no address of http")
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/state", timeout=SECONDS_MAX) as answer:  # noqa: S310
            raw = answer.read(STATE_BYTES_MAX + 1)
        found: Any = json.loads(raw) if len(raw) <= STATE_BYTES_MAX else None
    except (OSError, ValueError, RecursionError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise NoReadingError(
            f"no dashboard answers at {url}: {reason}",
            hint="start one: `numen market open … --dashboard 7380`, or `numen dashboard`",
        ) from error
    about = found.get("about") if isinstance(found, dict) else None
    kind = about.get("kind") if isinstance(about, dict) else None
    if kind not in _KINDS or not all(name in found for name in _KINDS[kind]):
        raise NoReadingError(f"{url} does not answer as a dashboard")
    state: dict[str, Any] = found
    return state
