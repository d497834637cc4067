"""What we use of the client of NATS, or why it is not here; and a connection to the servers.

    ClusterError    the servers cannot be run, or no client of theirs is installed

The package ``nats-py`` comes with the extra ``cluster``. Whoever imports this file without it is
told so by an error of ours.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Coroutine, Sequence
from typing import Any, Final

from numen.ledger.order.sequencer import BATCH_BYTES_MAX, BrokenLogError, UnavailableError
from numen.ledger.order.servers import INSTALL, ClusterError

try:
    import nats.errors
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.js import JetStreamContext, api
    from nats.js.errors import (
        BadRequestError,
        FetchTimeoutError,
        KeyNotFoundError,
        NotFoundError,
    )
    from nats.js.kv import KeyValue
except ImportError as error:
    raise ClusterError("the log of many machines needs the client nats-py", hint=INSTALL) from error

__all__ = [
    "ANSWER_S",
    "FAILURES",
    "PAUSE_S",
    "BadRequestError",
    "Client",
    "FetchTimeoutError",
    "JetStreamContext",
    "KeyNotFoundError",
    "KeyValue",
    "Msg",
    "NotFoundError",
    "api",
    "connect",
]

ANSWER_S: Final = 2
"""How long one answer of a server is waited for."""

PAUSE_S: Final = 0.1
"""How long to wait before what failed is tried again."""

FAILURES: Final = (nats.errors.Error, TimeoutError, OSError)
"""What a request ends with when no server answers it, or one answers with an error."""

_PAYLOAD_BYTES_MIN: Final = 2 * BATCH_BYTES_MAX
"""What the servers have to take: they wrap a message in text when it is read."""


async def connect(
    servers: Sequence[str], *, patience_s: float, tls: ssl.SSLContext | None = None
) -> Client:
    """Connect to servers whose messages are long enough for a log.

    Args:
        servers: URLs, of one server at least; the others become known.
        patience_s: Seconds for which it is tried.
        tls: How the servers are known, and we are known to them.

    Raises:
        UnavailableError: No server answers.
        BrokenLogError: They do not take messages as long as a log's.
    """
    # The client waits for fractions of a second as well, whatever its annotations say.
    options: dict[str, Any] = {"reconnect_time_wait": PAUSE_S}
    if tls is not None:
        options["tls"] = tls
    client = Client()
    try:
        connecting = client.connect(
            list(servers),
            connect_timeout=ANSWER_S,
            max_reconnect_attempts=-1,
            error_cb=_ignore,  # what fails is repeated, and reported where it was asked for
            allow_reconnect=True,
            **options,
        )
        await _within(patience_s, connecting)
    except FAILURES as error:
        with contextlib.suppress(*FAILURES):
            await client.close()
        # What stands before an @ is a password.
        named = ", ".join(url.rpartition("@")[2] for url in servers)
        raise UnavailableError(f"no server of {named} answers") from error
    if client.max_payload < _PAYLOAD_BYTES_MIN:
        found = client.max_payload
        await client.close()
        raise BrokenLogError(
            f"the servers take messages of {found} bytes, and a log needs {_PAYLOAD_BYTES_MIN}",
            hint=f"set max_payload: {_PAYLOAD_BYTES_MIN} in their configuration",
        )
    return client


async def _within(patience_s: float, work: Coroutine[Any, Any, None]) -> None:
    """Wait for something no longer than that, and cancel it as often as it takes.

    The client of NATS passes over a cancellation that meets it while it closes a connection.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=patience_s)
        if not task.done():
            raise TimeoutError
        task.result()
    finally:
        while not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=PAUSE_S)
        if not task.cancelled():
            task.exception()  # is looked at, else it would be reported


async def _ignore(_: Exception) -> None:
    """Hear of an error that concerns no request."""
