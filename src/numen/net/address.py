"""Addresses: where a node listens, as text.

HOST:PORT                        TLS over TCP
iroh://HOST:PORT                 QUIC over UDP
iroh://HOST:PORT?relay=URL       the same, or by a relay where no packet comes through
iroh://?relay=URL                by a relay alone
"""

import re
from typing import Final

import msgspec

from numen.net.errors import AddressError

QUIC: Final = "iroh"
"""Scheme of what `net/iroh.py` dials; the addresses of `net/tls.py` have none."""

_FORM: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9.-]{1,253})):([0-9]{1,5})")
_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]{0,15})://")
_QUIC: Final = re.compile(
    r"iroh://([^?/]{1,262})?(?:\?relay=(https?://[A-Za-z0-9.\[\]:-]{1,200}(?:/[A-Za-z0-9._/-]{0,50})?))?"
)


class QuicAddress(msgspec.Struct, frozen=True):
    """Where a node listens with QUIC.

    Attributes:
        host: Its name or number, or empty where only the relay is known.
        port: Its port.
        relay: URL of a server that passes on what it cannot read, or empty for none.
    """

    host: str
    port: int
    relay: str = ""

    def __str__(self) -> str:
        where = show(self.host, self.port) if self.host else ""
        return f"{QUIC}://{where}" + (f"?relay={self.relay}" if self.relay else "")


def scheme(address: str) -> str:
    """What an address begins with before ``://``; empty for none."""
    found = _SCHEME.match(address)
    return found[1] if found else ""


def parse(address: str) -> tuple[str, int]:
    """Take an address apart: ``host:port``, or ``[host]:port`` where the host is an IPv6 address.

    Raises:
        AddressError: Text of another form, or a port above 65535.
    """
    found = _FORM.fullmatch(address)
    if found is None or int(found[3]) > 65535:
        raise AddressError(
            f"{address[:300]!r} is no address", hint="HOST:PORT, such as 127.0.0.1:7878"
        )
    return found[1] or found[2], int(found[3])


def parse_quic(address: str) -> QuicAddress:
    """Take an address of QUIC's apart.

    Raises:
        AddressError: Text of another form, or neither a place nor a relay.
    """
    found = _QUIC.fullmatch(address)
    if found is None or not (found[1] or found[2]):
        raise AddressError(
            f"{address[:300]!r} is no address of QUIC's",
            hint="iroh://HOST:PORT, with ?relay=https://... behind it for a relay",
        )
    host, port = parse(found[1]) if found[1] else ("", 0)
    return QuicAddress(host, port, found[2] or "")


def show(host: str, port: int) -> str:
    """The text of an address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
