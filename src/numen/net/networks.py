"""All networks that a node may be on: the address says which.

TLS over TCP is for nodes that can be dialled, and needs nothing. QUIC, ``iroh://``, is for those
that cannot, and needs the extra ``wan``.
"""

from numen.net import address as addresses
from numen.net.channel import Admit, Bounds, Channel, Listener, Transport
from numen.net.errors import AddressError
from numen.net.identity import NodeKey
from numen.net.tls import TlsTransport


class Networks:
    """A node on every network: a `Transport` that asks the one which an address belongs to.

    Args:
        key: Its secret.
        bounds: What it puts up with, on each.
    """

    def __init__(self, key: NodeKey, bounds: Bounds | None = None) -> None:
        self._key = key
        self._bounds = bounds
        self._known: dict[str, Transport] = {}

    @property
    def node(self) -> bytes:
        """Our own public key."""
        return self._key.id

    async def dial(self, address: str, peer: bytes) -> Channel:
        """Make a channel to a node; see `Transport.dial`."""
        return await self._of(address).dial(address, peer)

    async def listen(self, address: str, admit: Admit) -> Listener:
        """Let others dial us; see `Transport.listen`."""
        return await self._of(address).listen(address, admit)

    def _of(self, address: str) -> Transport:
        scheme = addresses.scheme(address)
        if scheme not in self._known:
            self._known[scheme] = self._join(scheme)
        return self._known[scheme]

    def _join(self, scheme: str) -> Transport:
        match scheme:
            case "":
                return TlsTransport(self._key, self._bounds)
            case addresses.QUIC:
                return self._quic()
        raise AddressError(
            f"no network has addresses {scheme}://", hint="HOST:PORT, or iroh://HOST:PORT"
        )

    def _quic(self) -> Transport:
        try:
            from numen.net.iroh import IrohTransport  # noqa: PLC0415 - an extra
        except ImportError as error:
            hint = "install numen with its extra: pip install 'numen[wan]'"
            raise AddressError("addresses iroh:// need the library iroh", hint=hint) from error
        return IrohTransport(self._key, self._bounds)
