"""Addresses: where a node listens, as text."""

import re
from typing import Final

from numen.net.errors import AddressError

_FORM: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9.-]{1,253})):([0-9]{1,5})")


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


def show(host: str, port: int) -> str:
    """The text of an address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
