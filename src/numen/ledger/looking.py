"""Looking at a contract without a message: in the open, or so that nobody but the asker can see.

A private view is asked by a *sealed look*: the question is signed, so that it has a sender to whom
the contract may answer, sealed for the contract, and answered in an envelope for one key. Who hands
both on sees neither.
"""

from typing import Annotated, Final, NamedTuple, Protocol

import msgspec
from msgspec import Meta

from numen.base import codec
from numen.base.codec import U64, CodecError
from numen.base.crypto import Address, BadSignatureError, Hash32, Signature, SigningKey, recover
from numen.ledger.cell import Account
from numen.ledger.deliver import Moment
from numen.ledger.failures import decode_failure, encode_failure
from numen.ledger.sealed.envelope import disclose, enclose
from numen.ledger.sealed.errors import NotAuthorisedError
from numen.ledger.sealed.keyring import Secrets
from numen.ledger.sealed.view import LIFE_BLOCKS_MAX
from numen.ledger.world import World
from numen.vm.host import (
    PAYLOAD_BYTES_MAX,
    Delivery,
    Failure,
    Kind,
    Outcome,
    Reason,
    Service,
    Slots,
)

WORK_MAX: Final = 10**8
"""Most work units of a look."""

_DOMAIN: Final = "numen/sealed/look/1"
_ABOUT: Final = b"numen/sealed/look/1"
_SIZE_MAX: Final = 2 * PAYLOAD_BYTES_MAX


class Seen(Protocol):
    """A contract: a `ledger.cell.Cell`, or what the last block left of it."""

    @property
    def account(self) -> Account: ...

    @property
    def secrets(self) -> Secrets | None: ...

    @property
    def slots(self) -> Slots: ...


class Places(Protocol):
    """Where contracts are: a `ledger.world.World`, or `Settled`."""

    def cell(self, address: Address) -> Seen: ...

    def service(self, digest: bytes) -> Service | None: ...


class _Left(NamedTuple):
    account: Account
    secrets: Secrets | None
    slots: Slots


class Settled:
    """What the last block left, whatever block is being made or checked; `Places`.

    Args:
        world: The state.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    def cell(self, address: Address) -> Seen:
        """A contract.

        Raises:
            MissingKeysError: It has private state, whose keys are not here.
        """
        found = self._world.look(address, is_open=True)
        return _Left(found.account(), found.secrets, found)

    def service(self, digest: bytes) -> Service | None:
        """A code ready to run, or None."""
        return self._world.service(digest)


class Look(msgspec.Struct, frozen=True, array_like=True):
    """What a reader wants to know.

    Attributes:
        contract: Whom it asks.
        payload: A selector and arguments.
        expires: Last height at which it is answered.
        reply_key: The reader's public key for the answer.
    """

    contract: Address
    payload: Annotated[bytes, Meta(max_length=PAYLOAD_BYTES_MAX)]
    expires: U64
    reply_key: Hash32


class _SignedLook(msgspec.Struct, frozen=True, array_like=True):
    look: Look
    signature: Signature


class _Answer(msgspec.Struct, frozen=True, array_like=True):
    height: U64
    is_failure: bool
    content: Annotated[bytes, Meta(max_length=PAYLOAD_BYTES_MAX + 4096)]


def look(
    places: Places, contract: Address, payload: bytes, sender: Address, moment: Moment, work: int
) -> Outcome:
    """Ask a function that changes nothing, in the open: anybody may say that he is the sender."""
    return _looked(places, Look(contract, payload, 0, bytes(32)), sender, moment, work)


def ask(question: Look, reader: SigningKey, public: bytes, fresh: bytes) -> bytes:
    """Sign and seal a question.

    Args:
        question: The question.
        reader: Who asks.
        public: The contract's `Secrets.public`.
        fresh: 32 bytes of randomness, not used for anything else.
    """
    signed = _SignedLook(question, reader.sign(codec.digest(_DOMAIN, question)))
    content = codec.encode(signed, size_max=_SIZE_MAX)
    return enclose(content, public, _ABOUT + question.contract, fresh)


def answer(asked: bytes, contract: Address, places: Places, moment: Moment, fresh: bytes) -> bytes:
    """Answer a sealed question from anyone; whether its signer may know is for the contract to say.

    Args:
        asked: What `ask` gave.
        contract: Whom it is for.
        places: Where the contract is, with its keys.
        moment: The last block.
        fresh: 32 bytes of randomness, not used for anything else.

    Returns:
        An envelope for the reader, with a result or a failure.

    Raises:
        NotAuthorisedError: Nothing is private, it is not signed, is void, or about another.
        MissingKeysError: The keys are not here.
        UnsealError: It was sealed for another contract or epoch, or altered.
    """
    secrets = places.cell(contract).secrets
    if secrets is None:
        raise NotAuthorisedError("nothing of it is private")
    raw = disclose(asked, secrets.keys.mail_key, _ABOUT + contract)
    try:
        signed = codec.decode(_SignedLook, raw, size_max=_SIZE_MAX)
        reader = recover(codec.digest(_DOMAIN, signed.look), signed.signature)
    except (BadSignatureError, CodecError) as error:
        raise NotAuthorisedError("it is not signed") from error
    question = signed.look
    if question.contract != contract:
        raise NotAuthorisedError("it is about another contract")
    if not moment.height <= question.expires <= moment.height + LIFE_BLOCKS_MAX:
        raise NotAuthorisedError("it is void at this height, or good for too long")
    outcome = _looked(places, question, reader, moment, WORK_MAX, is_sealed=True)
    failure = outcome.failure
    content = outcome.result if failure is None else encode_failure(failure)
    told = codec.encode(_Answer(moment.height, failure is not None, content), size_max=_SIZE_MAX)
    return enclose(told, question.reply_key, codec.digest(_DOMAIN, question), fresh)


def read(envelope: bytes, question: Look, reply_secret: bytes) -> Outcome:
    """Read the answer to a question: a result, or why there is none.

    Raises:
        UnsealError: It is for somebody else, or answers another question.
        NumenError: There is no answer in it.
    """
    content = disclose(envelope, reply_secret, codec.digest(_DOMAIN, question))
    told = codec.decode(_Answer, content, size_max=_SIZE_MAX)
    if told.is_failure:
        return Outcome(failure=decode_failure(told.content))
    return Outcome(result=told.content)


def _looked(
    places: Places,
    question: Look,
    sender: Address,
    moment: Moment,
    work: int,
    *,
    is_sealed: bool = False,
) -> Outcome:
    cell = places.cell(question.contract)
    service = places.service(cell.account.code)
    if service is None:
        return Outcome(failure=Failure(Reason.ABSENT, detail="no contract lives there"))
    told = Delivery(
        Kind.VIEW, question.contract, sender, 0, question.payload, work, moment.height,
        moment.time_ms, cell.account.balance, None, cell.secrets is not None, is_sealed,
    )  # fmt: skip
    return service.handle(told, cell.slots)
