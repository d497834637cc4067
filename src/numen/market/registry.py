"""Which node belongs to whom: its owner says so, and the node says so too.

An account owns coins and a node speaks for it on the network. Who would have another's node
registered lacks the node's signature, and who would have its own node speak for another account
lacks the account's. A registered node costs a stake: it goes when the stake goes.

    RegistryError      a registration that does not hold
"""

import msgspec

from numen.base.codec import U64, digest
from numen.base.crypto import Address, Hash32
from numen.base.errors import NumenError
from numen.market import events
from numen.market.message import Register
from numen.market.turn import Market, MarketError, Turn
from numen.net.identity import NodeKey, verify_node

NO_NODE: bytes = bytes(32)
"""What an owner names that has no node any more."""

NO_POSSESSION: bytes = bytes(64)


class Consent(msgspec.Struct, frozen=True, array_like=True):
    """What a node signs.

    Attributes:
        market: As in the `Register`, and so are the others.
        owner: Whose node it is.
        nonce: So that an old consent does not bring a node back.
        node: Itself.
    """

    market: Hash32
    owner: Address
    nonce: U64
    node: Hash32


class RegistryError(NumenError):
    """A registration that does not hold."""


def consent_id(market: bytes, owner: bytes, nonce: int, node: bytes) -> bytes:
    """What a node signs to be an owner's; 32 bytes."""
    return digest("numen/consent/1", Consent(market, owner, nonce, node))


def registration(market: bytes, owner: bytes, nonce: int, key: NodeKey | None) -> Register:
    """Write the message by which an owner registers a node, or none; it is still to be signed."""
    if key is None:
        return Register(market, owner, nonce, NO_NODE, NO_POSSESSION)
    possession = key.sign(consent_id(market, owner, nonce, key.id))
    return Register(market, owner, nonce, key.id, possession)


def check_consent(body: Register) -> None:
    """Check that a node agreed to be an owner's.

    Raises:
        BadSignatureError: It did not.
        RegistryError: There is a signature where there is no node.
    """
    if body.node == NO_NODE:
        if body.possession != NO_POSSESSION:
            raise RegistryError("no node signs nothing")
        return
    named = consent_id(body.market, body.owner, body.nonce, body.node)
    verify_node(body.node, named, body.possession)


def owner_of(market: Market, node: bytes) -> bytes | None:
    """Whose a node is; None where nobody has registered it."""
    return next((owner for owner, known in market.nodes.items() if known == node), None)


def check_channel(market: Market, account: bytes, node: bytes) -> None:
    """See that a node may speak for an account.

    Args:
        market: What is registered.
        account: Shown on a channel.
        node: At the other end of it.

    Raises:
        RegistryError: The account has another node, or the node is another account's.
    """
    if market.nodes.get(account, node) != node:
        raise RegistryError(f"0x{account.hex()} has registered another node")
    if owner_of(market, node) not in (None, account):
        raise RegistryError(f"node {node.hex()} is registered for another account")


def register(turn: Turn, body: Register) -> None:
    """Take a registration."""
    market, owner = turn.market, body.owner
    if body.market != market.identity:
        raise MarketError("the registration is for another market")
    turn.count(owner, body.nonce)
    if owner not in market.stakes.stakers:
        raise RegistryError("a node is registered for who has a stake")
    check_consent(body)
    if body.node == NO_NODE:
        forget(turn, owner)
    elif owner_of(market, body.node) not in (None, owner):
        raise RegistryError("the node is registered for another account")
    else:
        turn.set(nodes={**market.nodes, owner: body.node})
    turn.emit(events.Registered(turn.now_ms, owner.hex(), body.node.hex()))


def forget(turn: Turn, owner: bytes) -> None:
    """An owner has no node any more."""
    nodes = turn.market.nodes
    if owner in nodes:
        turn.set(nodes={known: node for known, node in nodes.items() if known != owner})
