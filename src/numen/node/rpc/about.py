"""`net_`, `web3_`, `rpc_` and `txpool_`: about the node itself, and what waits in it."""

from importlib.metadata import version
from typing import Final

from numen.base.crypto import keccak256
from numen.node.blocks import Signed
from numen.node.rpc import shapes
from numen.node.rpc.shapes import Hex, TransactionShape
from numen.node.rpc.table import Session, rows
from numen.node.rpc.values import Data, data

CLIENT: Final = f"numen/v{version('numen')}"
"""What the node calls itself."""


def net_version(session: Session) -> str:
    """Number of the chain, in decimal."""
    return str(session.node.chain.chain_id)


def listening(session: Session) -> bool:  # noqa: ARG001 - every method is asked by somebody
    """Whether the node listens; it does, because it has answered."""
    return True


def peer_count(session: Session) -> Hex:  # noqa: ARG001
    """How many other nodes it knows: none."""
    return "0x0"


def client_version(session: Session) -> str:  # noqa: ARG001
    """What the node calls itself."""
    return CLIENT


def sha3(session: Session, given: Data) -> Hex:  # noqa: ARG001
    """Keccak-256 of some bytes."""
    return data(keccak256(given))


def modules(session: Session) -> dict[str, str]:
    """Namespaces that the node has, with their versions."""
    found = {name.replace(".", "_").partition("_")[0] for name in session.methods}
    return dict.fromkeys(sorted(found), "1.0")


def _sorted(session: Session) -> tuple[list[Signed], list[Signed]]:
    """Transactions that the next blocks can have, and those that wait for others."""
    ready: list[Signed] = []
    queued: list[Signed] = []
    node = session.node
    for signed in node.pool:
        is_ready = signed.tx.nonce < node.next_nonce(signed.sender)
        (ready if is_ready else queued).append(signed)
    return ready, queued


def status(session: Session) -> dict[str, Hex]:
    """How many transactions wait for a block, and how many for others before them."""
    ready, queued = _sorted(session)
    return {"pending": hex(len(ready)), "queued": hex(len(queued))}


Content = dict[str, dict[str, dict[str, TransactionShape]]]
"""Transactions by what they wait for, sender and nonce."""


def content(session: Session) -> Content:
    """All transactions that wait, by sender and nonce."""
    found: Content = {}
    for name, some in zip(("pending", "queued"), _sorted(session), strict=True):
        found[name] = {}
        for signed in some:
            of_sender = found[name].setdefault(data(signed.sender), {})
            of_sender[str(signed.tx.nonce)] = shapes.waiting(signed)
    return found


def inspect(session: Session) -> dict[str, dict[str, dict[str, str]]]:
    """The same, each transaction in a line."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for name, some in zip(("pending", "queued"), _sorted(session), strict=True):
        found[name] = {}
        for signed in some:
            tx = signed.tx
            to = data(tx.to) if tx.to else "contract creation"
            line = f"{to}: {tx.value} wei + {tx.gas_limit} gas x {tx.max_fee} wei"
            found[name].setdefault(data(signed.sender), {})[str(tx.nonce)] = line
    return found


METHODS = rows(
    {
        "net_version": net_version,
        "net_listening": listening,
        "net_peerCount": peer_count,
        "web3_clientVersion": client_version,
        "web3_sha3": sha3,
        "rpc_modules": modules,
        "txpool_status": status,
        "txpool_content": content,
        "txpool_inspect": inspect,
    }
)
