"""Somebody who asks nodes: it pays, looks, and believes only what it can check.

AskError    a node gives no answer, or one that is not shown to be true
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Final, TypeVar

import msgspec

from numen.base.codec import U256
from numen.base.crypto import SigningKey
from numen.base.errors import NumenError
from numen.ledger.block import block_id
from numen.ledger.founding import Founding, write_founding
from numen.ledger.handover import HandoverError, learn
from numen.ledger.order.certificate import verify
from numen.ledger.order.conflict import check_rejection, check_settled
from numen.ledger.order.creation import Attestation
from numen.ledger.records import read_about
from numen.ledger.stakes import Stakes
from numen.ledger.state.account import account_key, decode_account, slot_key
from numen.ledger.state.opening import verify as verify_opening
from numen.ledger.stored import about_place, charter_place
from numen.ledger.transactions import Call, Transaction, created_address, read, sign
from numen.net.channel import Channel, Transport
from numen.node.process.roll import Roll, Site
from numen.node.replica.packet import (
    Cancelled,
    Created,
    Describe,
    Described,
    Entrust,
    Entrusted,
    Held,
    Inquire,
    Notice,
    Packet,
    Peek,
    Pending,
    Pledged,
    Refused,
    Seen,
    Show,
    Shown,
    Standing,
    Submit,
    Taken,
    Unknown,
    read_packet,
    write_packet,
)
from numen.vm.codes import code_id

AGAIN_S: Final = 1.0
"""After which a node that says nothing is asked again."""

WORK: Final = 50_000
"""Work units of a payment."""

FOUNDED_INDEX: Final = 1
"""Place of the creation of a contract with private state in its transaction."""

LATER: Final = 1 << 40
"""Height up to which a payment holds: any."""


T = TypeVar("T")


class AskError(NumenError):
    """A node gives no answer, or one that is not shown to be true."""


class Holding(msgspec.Struct, frozen=True):
    """What an account has.

    Attributes:
        coins: How many.
        nonce: Of its next transaction.
        height: After which block.
        root: Of the state then; empty before the first block.
    """

    coins: int
    nonce: int
    height: int
    root: bytes


class News(msgspec.Struct, frozen=True):
    """What a node says about a transaction.

    Attributes:
        what: ``pending``, ``contested``, ``refused``, ``held``, ``rejected`` or ``cancelled``.
        why: One line.
        height: Of the block that it is final in; 0 where it is not.
    """

    what: str
    why: str
    height: int = 0

    @property
    def is_end(self) -> bool:
        """Whether nothing else will follow."""
        return self.what in {"held", "rejected", "cancelled"}


class Client:
    """Asks one node.

    Args:
        channel: To the node.
        site: Which node that is.
        chain: Which ledger.
        stakes: Whom to believe: bonds as the ledger began. What was taken since is asked when
            somebody else has signed, and believed when those sign it who voted before.
    """

    def __init__(self, channel: Channel, site: Site, chain: int, stakes: Stakes) -> None:
        self._channel = channel
        self._site = site
        self._chain = chain
        self._stakes = stakes

    async def standing(self) -> Standing:
        """How far the node says it is."""
        nothing = bytes(32)
        await self._say(Standing(0, nothing, nothing))
        while True:
            packet = await self._hear()
            if isinstance(packet, Standing):
                return packet

    async def holding(self, address: bytes) -> Holding:
        """What an account has, shown under the root of a final block.

        Raises:
            AskError: It is not shown.
        """
        await self._say(Show(address))
        while True:
            packet = await self._hear()
            if isinstance(packet, Shown) and packet.address == address:
                return await self._believed(partial(self._check_holding, packet))

    async def stakes(self) -> tuple[Stakes, int]:
        """Bonds, shown under the root of a final block, and its height; 0 before the first.

        Raises:
            AskError: They are not shown.
        """
        while True:
            before = self._stakes
            height = await self._learn()
            if self._stakes == before:
                return before, height

    async def attestation(self, contract: bytes, height: int) -> Attestation | None:
        """What the node attests about a contract's creation; None where it did not create it."""
        await self._say(Inquire(contract, height))
        while True:
            match await self._hear():
                case Created(attestation) if attestation.creation.contract == contract:
                    return attestation
                case Unknown(address, _) if address == contract:
                    return None

    async def entrust(self, offer: Entrust) -> Entrusted:
        """What the node makes of a share of a contract's keys."""
        await self._say(offer)
        while True:
            packet = await self._hear()
            if isinstance(packet, Entrusted) and packet.contract == offer.contract:
                return packet

    async def description(self, contract: bytes) -> Described:
        """A contract, shown under the root of a final block.

        Raises:
            AskError: It is not shown.
        """
        await self._say(Describe(contract))
        while True:
            packet = await self._hear()
            if isinstance(packet, Described) and packet.contract == contract:
                return await self._believed(partial(self._check_description, packet))

    async def peek(self, contract: bytes, question: bytes) -> bytes:
        """Ask a signed view call; gives the envelope with the answer.

        Raises:
            AskError: The node does not answer it.
        """
        await self._say(Peek(contract, question))
        while True:
            packet = await self._hear()
            if isinstance(packet, Seen) and packet.contract == contract:
                if packet.reason:
                    raise AskError(f"{self._site.name}: {packet.reason}")
                return packet.envelope

    async def submit(self, raw: bytes) -> AsyncIterator[News]:
        """Have a transaction carried out, and tell what becomes of it, each news once.

        Raises:
            AskError: The node says what it cannot show.
        """
        identity = read(raw, self._chain).id
        last = None
        while last is None or not last.is_end:
            await self._say(Submit(raw))
            until = asyncio.get_running_loop().time() + AGAIN_S
            while (news := await self._next(raw, identity, until)) is not None:
                if news != last:
                    last = news
                    yield news
                if news.is_end:
                    break

    async def _next(self, raw: bytes, identity: bytes, until: float) -> News | None:
        """What the node says next about a transaction; None when it says nothing for so long."""
        try:
            async with asyncio.timeout_at(until):
                while True:
                    check = partial(self._news, await self._hear(), raw, identity)
                    news = await self._believed(check)
                    if news is not None:
                        return news
        except TimeoutError:
            return None

    async def _believed(self, check: Callable[[], T]) -> T:
        """What a check gives; if it fails, others may vote by now, and it is made again.

        Raises:
            AskError: The node shows nothing.
        """
        try:
            return check()
        except NumenError as error:
            before = self._stakes
            await self.stakes()
            if self._stakes == before:
                raise AskError(f"{self._site.name} shows nothing: {error.message}") from error
        try:
            return check()
        except NumenError as error:
            raise AskError(f"{self._site.name} shows nothing: {error.message}") from error

    async def _learn(self) -> int:
        """Ask which bonds were taken; gives the height up to which that is shown now."""
        await self._say(Pledged(len(self._stakes.losses)))
        while not isinstance(packet := await self._hear(), Taken):
            pass
        try:
            for shown in packet.shown:
                self._stakes = learn(self._stakes, shown, self._chain)
        except HandoverError as error:
            raise AskError(f"{self._site.name} shows nothing: {error.message}") from error
        return max((shown.header.height for shown in packet.shown), default=0)

    def _news(self, packet: Packet, raw: bytes, identity: bytes) -> News | None:
        chain, electors = self._chain, self._stakes
        match packet:
            case Pending(transaction, is_contested) if transaction == identity:
                if is_contested:
                    return News("contested", "the account signed another with this nonce")
                return News("pending", "the node counts on it; it is not final")
            case Refused(transaction, reason) if transaction == identity:
                return News("refused", reason)
            case Held(transaction, settled) if transaction == identity:
                check_settled(settled, raw, chain, electors)
                height = settled.header.height
                return News("held", f"final in block {height}", height)
            case Notice(rejection) if rejection.rejected.transaction == identity:
                check_rejection(rejection, chain, electors)
                return News("rejected", _why(packet))
            case Cancelled(transaction, because) if transaction == identity:
                check_rejection(because, chain, electors)
                return News("cancelled", "what would have paid for it: " + _why(Notice(because)))
        return None

    def _check_holding(self, shown: Shown) -> Holding:
        account = decode_account(shown.account or None)
        header, certificate = shown.header, shown.certificate
        if header is None or certificate is None:
            return Holding(account.balance, account.nonce, 0, b"")
        verify(certificate, self._stakes.electorate(header.height))
        if certificate.vote.block != block_id(header) or header.chain != self._chain:
            raise AskError("the certificate is of another block")
        key = account_key(shown.address)
        verify_opening(header.state, key, shown.account or None, shown.opening)
        return Holding(account.balance, account.nonce, header.height, header.state)

    def _check_description(self, found: Described) -> Described:
        """See that a final block's state has what is described."""
        header, certificate = found.header, found.certificate
        if header is None or certificate is None:
            raise AskError("there is no block yet")
        verify(certificate, self._stakes.electorate(header.height))
        if certificate.vote.block != block_id(header) or header.chain != self._chain:
            raise AskError("the certificate is of another block")
        for place, value, opening in (
            (about_place(found.contract), found.about, found.about_opening),
            (charter_place(found.contract), found.charter, found.charter_opening),
        ):
            verify_opening(header.state, slot_key(*place), value or None, opening)
        if read_about(found.about, 0, 0).code != (code_id(found.code) if found.code else b""):
            raise AskError("the code is another contract's")
        return found

    async def _say(self, packet: Packet) -> None:
        await self._channel.send(write_packet(packet))

    async def _hear(self) -> Packet:
        return read_packet(await self._channel.receive())


@asynccontextmanager
async def connected(roll: Roll, name: str, transport: Transport) -> AsyncIterator[Client]:
    """A client of a node.

    Raises:
        RollError: There is no such node.
        ChannelError: It cannot be reached.
    """
    site = roll.site(name)
    channel = await transport.dial(site.at, bytes.fromhex(site.node))
    try:
        yield Client(channel, site, roll.chain, roll.stakes())
    finally:
        await channel.close()


def payment(roll: Roll, key: SigningKey, nonce: int, to: bytes, coins: int) -> bytes:
    """Sign a payment."""
    return _signed(roll, key, nonce, (Call(to, U256(coins), b"", WORK),))


def creation_of(
    roll: Roll, key: SigningKey, nonce: int, code: bytes, arguments: bytes, work: int
) -> tuple[bytes, bytes]:
    """Sign the creation of a contract, whose code is published with it.

    Returns:
        The transaction, and the address that the contract will have.
    """
    call = Call(b"", U256(0), code_id(code) + arguments, work)
    return _signed(roll, key, nonce, (call,), (code,)), created_address(key.address, nonce, 0)


def founded_creation_of(
    roll: Roll,
    key: SigningKey,
    nonce: int,
    founding: Founding,
    code: bytes,
    arguments: bytes,
    work: int,
) -> tuple[bytes, bytes]:
    """Sign the creation of a contract with private state, whose founding goes before it.

    Returns:
        The transaction, and the address that the contract will have.
    """
    contract = created_address(key.address, nonce, FOUNDED_INDEX)
    told = Call(contract, U256(0), write_founding(founding), WORK)
    call = Call(b"", U256(0), code_id(code) + arguments, work)
    return _signed(roll, key, nonce, (told, call), (code,)), contract


def request_of(
    roll: Roll, key: SigningKey, nonce: int, to: bytes, payload: bytes, work: int
) -> bytes:
    """Sign a request to a contract."""
    return _signed(roll, key, nonce, (Call(to, U256(0), payload, work),))


def _signed(
    roll: Roll,
    key: SigningKey,
    nonce: int,
    calls: tuple[Call, ...],
    codes: tuple[bytes, ...] = (),
) -> bytes:
    return sign(Transaction(roll.chain, nonce, roll.price, LATER, calls, codes), key)


def _why(notice: Notice) -> str:
    rejected = notice.rejection.rejected
    header = rejected.settled.header
    return (
        f"transaction 0x{rejected.winner.hex()[:8]} of the same account has its nonce, final in "
        f"block {header.height}; 0x{rejected.node.hex()[:8]} signed this"
    )
