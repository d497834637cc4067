"""The escrow as a contract of the EVM: tickets redeemed in batches on somebody's Ethereum.

``Broker.vy`` has the rules of `numen.market.escrow`, one for one, with rounds that anybody begins
when the last one is over and payees that leave a bond. Winners of one secret are redeemed together:
their nonces are bits of one word, deposit and reserve are written once, and each costs little more
than the recovery of its signature.

A domain of tickets for it is ``Domain("Numen", "1", chain_id, address)``.
"""

import pkgutil
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from numen.evm.contract import Artifact, artifact_of
from numen.market.escrow import BATCH_MAX, Redemption

ARTIFACT: Final = "Broker.json"
"""What vyper 0.4.3 makes of ``Broker.vy``: its ABI and its code."""


class Batch(msgspec.Struct, frozen=True):
    """Arguments of one call of ``redeem``, in its order.

    Attributes:
        payer: Whose deposit and reserve pay.
        payee: Who is paid.
        face: What each winner pays, in wei.
        win_prob: Chance of a win, out of 2**256 - 1.
        rand: The payee's secret.
        round: In which the tickets were made.
        nonces: A byte for each ticket.
        signatures: 65 bytes for each.
    """

    payer: bytes
    payee: bytes
    face: int
    win_prob: int
    rand: bytes
    round: int
    nonces: bytes = b""
    signatures: bytes = b""

    @property
    def arguments(self) -> tuple[Any, ...]:
        """Values in the order of the contract's function."""
        return msgspec.structs.astuple(self)


def artifact() -> Artifact:
    """The contract, for whatever deploys it: `numen.EVM.deploy`, or any tool of Ethereum's.

    Its constructor takes the blocks of a round, 1 to 256, and a payee's bond in wei.
    """
    raw = pkgutil.get_data(__package__, ARTIFACT)
    assert raw is not None
    return artifact_of(msgspec.json.decode(raw))


def batches(winners: Iterable[Redemption]) -> list[Batch]:
    """Group winners into as few calls as can be; within a call nonces ascend.

    Tickets of one quote share everything but nonce and signature; a nonce is a byte, so a call has
    at most `BATCH_MAX` tickets.
    """
    groups: dict[Batch, dict[int, bytes]] = defaultdict(dict)
    for winner in winners:
        ticket = winner.signed.ticket
        assert ticket.nonce < BATCH_MAX
        shared = Batch(
            ticket.sender,
            ticket.recipient,
            ticket.face,
            int(ticket.win_prob),
            winner.revealed,
            ticket.round,
        )
        groups[shared][ticket.nonce] = winner.signed.signature
    return [
        msgspec.structs.replace(
            shared,
            nonces=bytes(sorted(found)),
            signatures=b"".join(found[nonce] for nonce in sorted(found)),
        )
        for shared, found in groups.items()
    ]
