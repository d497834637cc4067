"""Ask a node by JSON-RPC, from outside.

NumenError
├── NoAnswerError    nobody answers at the address, or not as a node does
└── RefusedError     the node says why it does not do what it was asked
"""

import http.client
import json
import urllib.error
import urllib.request
from typing import Any, Final

from numen.base.errors import NumenError

URL: Final = "http://127.0.0.1:8545"
"""Where a node listens, unless it is told otherwise."""

ANSWER_BYTES_MAX: Final = 1 << 28
"""Longest answer."""

SECONDS_MAX: Final = 120
"""Longest time for an answer."""


class NoAnswerError(NumenError):
    """Nobody answers at an address, or not as a node does."""


class RefusedError(NumenError):
    """A node says why it does not do what it was asked."""


def ask(url: str, method: str, *params: Any) -> Any:
    """Ask a node; gives the result.

    Args:
        url: Of http or https.
        method: Name of the method.
        params: What it takes, as JSON has it.

    Raises:
        NoAnswerError: Nobody answers, or not as a node does.
        RefusedError: The answer is an error.
    """
    if not url.startswith(("http://", "https://")):
        raise NoAnswerError(f"{url[:80]} is no address of http")
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(url, body.encode(), headers)  # noqa: S310 - see above
    try:
        with urllib.request.urlopen(request, timeout=SECONDS_MAX) as answer:  # noqa: S310
            raw = answer.read(ANSWER_BYTES_MAX + 1)
        found = json.loads(raw) if len(raw) <= ANSWER_BYTES_MAX else None
    except (OSError, ValueError, RecursionError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise NoAnswerError(
            f"no answer from {url}: {reason}",
            hint="is the node running there? `numen node` starts one; --rpc names another",
        ) from error
    if not isinstance(found, dict) or not {"result", "error"} & set(found):
        raise NoAnswerError(f"{url} does not answer as a node")
    if "error" in found:
        raise RefusedError(_said(found["error"]))
    return found["result"]


def _said(error: Any) -> str:
    return str(error.get("message", error)) if isinstance(error, dict) else str(error)
