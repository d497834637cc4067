"""Possession: a node shows on a channel that an account is its owner's, by answering a challenge.

The asker draws a nonce; the account's key signs it together with both nodes and the channel's
binding. So an answer is worth nothing at another time, on another channel, for another asker or
coming back to who gave it, and who sits between two nodes cannot pass one on: the channels differ.

    asker    Challenge(nonce)
    answerer Possession(account, signature)

`introduce` does it in both directions. Where nobody can be asked, `net/passes.py` says the same of
a stretch of time.
"""

import asyncio
import secrets
from typing import Final, TypeVar

import msgspec

from numen.base.codec import digest
from numen.base.crypto import (
    Address,
    BadSignatureError,
    Hash32,
    Signature,
    SigningKey,
    verify_signer,
)
from numen.net.errors import PossessionError, TimedOutError
from numen.net.identity import NodeId
from numen.net.language import Kind, Refusal
from numen.net.session import Session

M = TypeVar("M", bound=msgspec.Struct)

PATIENCE_S: Final = 10.0
"""How long an answer may take."""


class Challenge(msgspec.Struct, frozen=True, array_like=True, tag="challenge/1"):
    """Show an account.

    Attributes:
        nonce: Drawn for this once.
    """

    nonce: Hash32


class Possession(msgspec.Struct, frozen=True, array_like=True, tag="possession/1"):
    """This account is mine.

    Attributes:
        account: Which.
        signature: Its own, over who shows it to whom, where, and the nonce.
    """

    account: Address
    signature: Signature


KINDS: Final = (Kind(Challenge, 64), Kind(Possession, 128))
"""What a language needs for `ask`, `show` and `introduce`."""


class Ends(msgspec.Struct, frozen=True, array_like=True):
    """Who shows an account to whom, and where.

    Attributes:
        shows: The node that shows it.
        asks: The node that asks.
        binding: `Channel.binding`.
    """

    shows: NodeId
    asks: NodeId
    binding: Hash32


class _Statement(msgspec.Struct, frozen=True, array_like=True):
    """What an account signs."""

    account: Address
    ends: Ends
    nonce: Hash32


def answer(key: SigningKey, ends: Ends, challenge: Challenge) -> Possession:
    """Answer a challenge.

    Args:
        key: The account's.
        ends: The channel on which it came, as we know it, not as somebody says.
        challenge: What came.
    """
    return Possession(key.address, key.sign(_digest(key.address, ends, challenge)))


def check(possession: Possession, ends: Ends, challenge: Challenge) -> bytes:
    """Check the answer to a challenge of ours, and give the account.

    Args:
        possession: What came.
        ends: The channel on which it came.
        challenge: What was asked, once.

    Raises:
        PossessionError: The account did not sign this.

    Cost: one signature recovery, about 45 microseconds.
    """
    try:
        signed = _digest(possession.account, ends, challenge)
        verify_signer(possession.account, signed, possession.signature)
    except BadSignatureError as error:
        raise PossessionError(error.reason) from error
    return possession.account


async def ask(session: Session, node: bytes) -> bytes:
    """Ask the other side for its account; the first message on the session, or an agreed one.

    Args:
        session: Its language has `KINDS`.
        node: Our own public key.

    Raises:
        PossessionError: It shows none, or one that is not its own. Close the session.
        TimedOutError: It does not answer.
    """
    challenge = Challenge(secrets.token_bytes(32))
    await session.send(challenge)
    shown = await _expect(session, Possession)
    return check(shown, Ends(session.peer, node, session.binding), challenge)


async def show(session: Session, node: bytes, key: SigningKey) -> None:
    """Wait for the other side to ask for our account, and show it.

    Args:
        session: Its language has `KINDS`.
        node: Our own public key.
        key: The account's.

    Raises:
        PossessionError: It says something else.
        TimedOutError: It does not ask.
    """
    challenge = await _expect(session, Challenge)
    await session.send(answer(key, Ends(node, session.peer, session.binding), challenge))


async def introduce(session: Session, node: bytes, key: SigningKey) -> bytes:
    """Show each other the accounts; both sides call it.

    Returns:
        The other side's account.

    Raises:
        PossessionError: The other side did not show that an account is its own.
        TimedOutError: It is too slow.
    """
    challenge = Challenge(secrets.token_bytes(32))
    await session.send(challenge)
    await show(session, node, key)
    shown = await _expect(session, Possession)
    return check(shown, Ends(session.peer, node, session.binding), challenge)


async def _expect(session: Session, kind: type[M]) -> M:
    try:
        async with asyncio.timeout(PATIENCE_S):
            heard = await session.receive()
    except TimeoutError:
        raise TimedOutError("an account to be shown or asked for", PATIENCE_S) from None
    if isinstance(heard, Refusal):
        raise PossessionError(f"the other side refuses to show one ({heard.reason})")
    if not isinstance(heard.value, kind):
        raise PossessionError(f"the other side says {type(heard.value).__name__} instead")
    return heard.value


def _digest(account: bytes, ends: Ends, challenge: Challenge) -> bytes:
    return digest("numen/possession/1", _Statement(account, ends, challenge.nonce))
