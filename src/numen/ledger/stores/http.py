"""POST requests to an HTTP server, with bounds on how long and how much."""

import http.client
from urllib.parse import urlsplit

from numen.ledger.stores.errors import UnreachableError
from numen.ledger.stores.kubo import ANSWER_BYTES_MAX, Answer, Post

TIMEOUT_S = 30
"""Seconds without a byte after which a server is given up."""


def poster(address: str, *, timeout_s: float = TIMEOUT_S) -> Post:
    """Make what reaches a server.

    Args:
        address: Where paths begin, such as ``http://127.0.0.1:5001/api/v0`` for Kubo.
        timeout_s: Seconds without a byte after which it is given up.

    Raises:
        UnreachableError: The address is none of an HTTP server.
    """
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UnreachableError(f"{address!r} is no address of an HTTP server")
    kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
    kind, host, port, base = kinds[parts.scheme], parts.hostname, parts.port, parts.path

    def post(path: str, content_type: str = "", body: bytes = b"") -> Answer:
        connection = kind(host, port, timeout=timeout_s)
        headers = {"Content-Type": content_type} if content_type else {}
        try:
            connection.request("POST", f"{base}/{path}", body, headers)
            response = connection.getresponse()
            answer = Answer(response.status, response.read(ANSWER_BYTES_MAX + 1))
        except (OSError, http.client.HTTPException) as error:
            raise UnreachableError(f"{address} does not answer: {error}") from error
        finally:
            connection.close()
        if len(answer.body) > ANSWER_BYTES_MAX:
            raise UnreachableError(f"{address} answers more than {ANSWER_BYTES_MAX} bytes")
        return answer

    return post
