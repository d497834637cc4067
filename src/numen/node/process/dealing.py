"""Deal the keys of a contract that is about to be to the nodes of a ledger, and gather their word.

DealingError    too few nodes have the keys in time
"""

import asyncio
from collections.abc import Callable
from secrets import token_bytes
from typing import Final

from numen.base.codec import encode
from numen.base.crypto import Address, SigningKey
from numen.base.errors import NumenError
from numen.ledger.founding import Founding, FoundingError, is_attested
from numen.ledger.sealed.charter import shares_of
from numen.ledger.sealed.envelope import enclose
from numen.ledger.sealed.keys import EpochKeys
from numen.ledger.sealed.shares import is_secret
from numen.ledger.transactions import created_address
from numen.net.channel import Transport
from numen.node.process.client import FOUNDED_INDEX, connected
from numen.node.process.roll import Roll, Site
from numen.node.replica.custodian import about_share, offer_digest
from numen.node.replica.packet import Entrust, Entrusted
from numen.node.replica.plan import Peer

AGAIN_S: Final = 0.1
"""After which a node is asked again whether it has the keys."""

ANSWER_S: Final = 5.0
"""How long a node may take to answer."""


class DealingError(NumenError):
    """Too few nodes have the keys of a contract."""


async def deal_keys(
    roll: Roll,
    key: SigningKey,
    nonce: int,
    needed: int | None,
    wait_s: int,
    transport: Callable[[], Transport],
) -> Founding:
    """Deal the shares of a new secret, and wait until more than two thirds of the stake have it.

    The secret is made here and forgotten; each node gets its share, sealed for it, and puts the
    secret together from those of the others.

    Args:
        roll: The ledger.
        key: Of who will create the contract.
        nonce: Of the transaction that creates it.
        needed: Shares that are the secret; None for more than half.
        wait_s: How long all of it may take.
        transport: Makes what nodes are reached by.

    Raises:
        DealingError: Too few have it in time, or say why they do not keep it.
    """
    keepers = roll.plan(roll.proposer).keepers
    contract = created_address(key.address, nonce, FOUNDED_INDEX)
    count = needed or len(keepers) // 2 + 1
    if not keepers or not 1 <= count <= len(keepers):
        raise DealingError(
            f"{count} shares are needed and {len(keepers)} nodes keep one",
            hint="a node that keeps shares has a key `mail` in the ledger's file",
        )
    dealt = shares_of(EpochKeys(_secret(), contract, 0), count, len(keepers))
    signature = key.sign(
        offer_digest(roll.chain, contract, nonce, FOUNDED_INDEX, dealt.commitments)
    )
    about = about_share(roll.chain, contract, dealt.commitments[0])
    offers = [
        Entrust(
            contract, nonce, FOUNDED_INDEX, dealt.commitments,
            enclose(encode(share), keeper.mail, about, token_bytes(32)), signature,
        )
        for keeper, share in zip(keepers, dealt.shares, strict=True)
    ]  # fmt: skip
    found = await _signatures(roll, keepers, offers, wait_s, transport)
    founding = Founding(dealt.commitments, tuple(s for s, _ in found if s))
    try:
        roll.custodians().check(founding, contract)
    except FoundingError as error:
        reasons = "; ".join(sorted({reason for _, reason in found if reason}))
        raise DealingError(error.message, hint=reasons or "are enough nodes running?") from error
    return founding


async def _signatures(
    roll: Roll,
    keepers: tuple[Peer, ...],
    offers: list[Entrust],
    wait_s: int,
    transport: Callable[[], Transport],
) -> list[tuple[bytes, str]]:
    """What each node signed; where it did not, why."""
    sites = {site.address: site for site in roll.nodes}
    async with asyncio.TaskGroup() as group:
        asked = [
            group.create_task(_asked(roll, sites[keeper.node], offer, wait_s, transport))
            for keeper, offer in zip(keepers, offers, strict=True)
        ]
    return [each.result() for each in asked]


async def _asked(
    roll: Roll, site: Site, offer: Entrust, wait_s: int, transport: Callable[[], Transport]
) -> tuple[bytes, str]:
    """Offer a node its share until it has the keys, says why not, or the time is over."""
    name = site.name
    try:
        async with asyncio.timeout(wait_s), connected(roll, name, transport()) as client:
            while True:
                async with asyncio.timeout(ANSWER_S):
                    said = await client.entrust(offer)
                word = word_of(roll.chain, site.address, offer, said)
                if word is not None:
                    return word[0], f"{name}: {word[1]}" if word[1] else ""
                await asyncio.sleep(AGAIN_S)
    except (NumenError, TimeoutError) as error:
        return b"", f"{name}: {error}" if str(error) else f"{name} has no keys in time"


def word_of(chain: int, node: Address, offer: Entrust, said: Entrusted) -> tuple[bytes, str] | None:
    """What a node says of its share: its signature, or why there is none; None to ask it again."""
    if not said.signature:
        return (b"", said.reason) if said.reason else None
    if is_attested(chain, offer.contract, offer.commitments, node, said.signature):
        return said.signature, ""
    return b"", "what it signed is not that"


def _secret() -> bytes:
    """A secret that can be shared: all but one in 2**127 of 32 bytes are."""
    while not is_secret(secret := token_bytes(32)):
        continue
    return secret
