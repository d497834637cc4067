"""View calls: signed questions for private slots, answered so that only the reader can read.

An unsigned question has no sender, so it is never answered. A question names the contract, the
slots, a height after which it is void, and a key for the answer; an answer names the question. Who
overhears one can ask again, and gets an envelope that it cannot open.
"""

from collections.abc import Callable
from typing import Annotated

import msgspec
from msgspec import Meta

from numen.base import codec
from numen.base.codec import U64
from numen.base.crypto import Address, BadSignatureError, Hash32, Signature, SigningKey, recover
from numen.ledger.sealed.envelope import disclose, enclose
from numen.ledger.sealed.errors import NotAuthorisedError
from numen.ledger.sealed.vault import Readable, Vault

SLOTS_MAX = 64
"""Most slots of one call."""

LIFE_BLOCKS_MAX = 256
"""Most blocks for which a call is good."""

DOMAIN = "numen/sealed/view/1"

Slot = Annotated[bytes, Meta(max_length=64)]


class ViewCall(msgspec.Struct, frozen=True, array_like=True):
    """What a reader wants to know.

    Attributes:
        contract: Whose slots.
        slots: Their names inside.
        expires: Last height at which it is answered.
        reply_key: The reader's public key for the answer.
    """

    contract: Address
    slots: Annotated[tuple[Slot, ...], Meta(min_length=1, max_length=SLOTS_MAX)]
    expires: U64
    reply_key: Hash32


class SignedViewCall(msgspec.Struct, frozen=True, array_like=True):
    """A view call and its signature."""

    call: ViewCall
    signature: Signature


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """The values of the slots, in the order they were asked for."""

    height: U64
    values: tuple[bytes, ...]


Policy = Callable[[bytes, bytes], bool]
"""Whether an address may read a slot; the contract says so."""


def ask(call: ViewCall, reader: SigningKey) -> SignedViewCall:
    """Sign a call."""
    return SignedViewCall(call, reader.sign(codec.digest(DOMAIN, call)))


def answer(
    asked: SignedViewCall, policy: Policy, vault: Vault, state: Readable, height: int, fresh: bytes
) -> bytes:
    """Answer a call from anyone, if it may be.

    Args:
        asked: The call.
        policy: Who may read what.
        vault: Has the keys of the contract.
        state: Where the slots are.
        height: Of that state.
        fresh: 32 bytes of randomness.

    Returns:
        An envelope for the reader.

    Raises:
        NotAuthorisedError: It is about another contract, void, not signed by a reader of all of the
            slots; nothing is said of which of them there are.
    """
    call = asked.call
    reader = _reader(asked)
    if call.contract != vault.contract:
        raise NotAuthorisedError("it is about another contract")
    if not height <= call.expires <= height + LIFE_BLOCKS_MAX:
        raise NotAuthorisedError("it is void at this height, or good for too long")
    # Every slot is looked at, so that how long it takes does not tell which one was refused.
    refused = [slot for slot in call.slots if not policy(reader, slot)]
    if refused:
        raise NotAuthorisedError("the signer may not read all of the slots")
    values = tuple(vault.get(state, slot) for slot in call.slots)
    content = codec.encode(Answer(height, values), size_max=1 << 22)
    return enclose(content, call.reply_key, codec.digest(DOMAIN, call), fresh)


def read(envelope: bytes, call: ViewCall, reply_secret: bytes) -> Answer:
    """Read the answer to a call.

    Raises:
        UnsealError: It is for somebody else, or answers another call.
        CodecError: There is no answer in it.
    """
    content = disclose(envelope, reply_secret, codec.digest(DOMAIN, call))
    return codec.decode(Answer, content, size_max=1 << 22)


def _reader(asked: SignedViewCall) -> bytes:
    try:
        return recover(codec.digest(DOMAIN, asked.call), asked.signature)
    except (BadSignatureError, codec.CodecError) as error:
        raise NotAuthorisedError("it is not signed") from error
