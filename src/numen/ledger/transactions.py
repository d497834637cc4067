"""What people sign: a batch of requests, and what they offer for the work.

TransactionError
├── BadTransactionError    bytes or a signature that are none
└── RefusedError           true, but not now: the rule and the numbers are in the message

One signature covers up to `CALLS_MAX` requests. They are handed over in order, and one that fails
does not undo another: whoever wants all or nothing asks one contract.
"""

from collections.abc import Sequence
from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta

from numen.base.codec import U64, U256, CodecError, decode, digest, domain_tag, encode
from numen.base.crypto import (
    Address,
    BadSignatureError,
    Hash32,
    Signature,
    SigningKey,
    keccak256,
    recover,
)
from numen.base.errors import NumenError
from numen.evm import rlp
from numen.kernels import keccak_tree
from numen.ledger import tariff
from numen.ledger.cell import Cell
from numen.ledger.deliver import CODE_BYTES, Moment
from numen.ledger.messages import Message, message_ids
from numen.vm.codes import CODE_BYTES_MAX
from numen.vm.host import PAYLOAD_BYTES_MAX, VALUE_MAX, Kind

CALLS_MAX: Final = 256
"""Most requests of one transaction."""

TRANSACTION_BYTES_MAX: Final = 1 << 18
"""Longest transaction."""

CODES_MAX: Final = 16
"""Most codes that one transaction publishes."""

_DOMAIN: Final = "numen/transaction/1"
_TAG: Final = domain_tag(_DOMAIN)
_ID_TAG: Final = domain_tag("numen/transaction-id/1")
_CREATE: Final = b"numen/create/1"
_SIGNATURE_BYTES: Final = 2 + 65

MARK: Final = b"\x92"
"""First byte of a transaction in the ledger's own form: an array of two, in MessagePack."""

RawCode = Annotated[bytes, Meta(max_length=CODE_BYTES_MAX)]
Payload = Annotated[bytes, Meta(max_length=PAYLOAD_BYTES_MAX)]


class TransactionError(NumenError):
    """Root of why a transaction is not carried out."""


class BadTransactionError(TransactionError):
    """It is no transaction of this ledger."""


class RefusedError(TransactionError):
    """It cannot be carried out as the ledger stands."""


class Call(msgspec.Struct, frozen=True, array_like=True):
    """One request.

    Attributes:
        to: Whom to ask; empty to create a contract, whose code's digest begins the payload.
        value: Coins that go with it, below 2**128.
        payload: Selector and arguments.
        work: Most work units for everything that follows from it.
    """

    to: Annotated[bytes, Meta(max_length=20)]
    value: U256
    payload: Payload
    work: U64


class Transaction(msgspec.Struct, frozen=True, array_like=True):
    """What an account asks for.

    Attributes:
        chain: Which ledger.
        nonce: Transactions that the account sent before.
        price: Coins offered for a unit of work.
        until: Last height at which it may be carried out.
        calls: What is asked, in order.
        codes: Codes of contracts to be published, as `numen.vm.codes` writes them.
    """

    chain: U64
    nonce: U64
    price: U64
    until: U64
    calls: Annotated[tuple[Call, ...], Meta(max_length=CALLS_MAX)]
    codes: Annotated[tuple[RawCode, ...], Meta(max_length=CODES_MAX)] = ()


class Signed(msgspec.Struct, frozen=True, array_like=True):
    """A transaction and its account's signature over the digest."""

    transaction: Transaction
    signature: Signature


class Admitted(msgspec.Struct, frozen=True):
    """A transaction whose bytes and signature are right.

    Attributes:
        transaction: What is asked.
        sender: Who asks.
        id: Digest of the transaction and its sender, 32 bytes.
        tip: What a transaction in Ethereum's form gives beyond the block's price at most; None in
            the ledger's own form, which pays what it offers.
    """

    transaction: Transaction
    sender: Address
    id: Hash32
    tip: int | None = None

    def priced(self, price: int) -> Transaction:
        """The transaction with the price that it pays in a block of some price."""
        if self.tip is None:
            return self.transaction
        pays = min(self.transaction.price, price + self.tip)
        return msgspec.structs.replace(self.transaction, price=pays)

    def target(self, index: int) -> Address:
        """Whom a call is for: who it names, or the contract that it creates; 20 bytes."""
        to, nonce = self.transaction.calls[index].to, self.transaction.nonce
        if to:
            return to
        if self.tip is not None:
            return keccak256(rlp.encode([self.sender, nonce]))[12:]
        return created_address(self.sender, nonce, index)


Begun: TypeAlias = tuple[Admitted, Call, Address, int]
"""A request that is paid for: its transaction, itself, to whom, how many went there before."""


def transaction_id(transaction: Transaction, sender: Address) -> bytes:
    """Name a transaction; 32 bytes. Who says the same as another has another transaction."""
    return _name(digest(_DOMAIN, transaction), sender)


def _name(signed: bytes, sender: Address) -> bytes:
    return keccak256(_ID_TAG, signed, sender)


def sign(transaction: Transaction, key: SigningKey) -> bytes:
    """Sign a transaction and write it."""
    signature = key.sign(digest(_DOMAIN, transaction))
    return encode(Signed(transaction, signature), size_max=TRANSACTION_BYTES_MAX)


def identities(raws: Sequence[bytes]) -> list[bytes]:
    """The digests that are signed in bytes from anyone, where they are transactions; 32 bytes each.

    The encoding is canonical, so the transaction's own bytes stand in it as they are hashed:
    between the mark of an array of two and the signature with its own mark.
    """
    return keccak_tree.digests(
        [
            _TAG + raw[1:-_SIGNATURE_BYTES] if len(raw) <= TRANSACTION_BYTES_MAX else b""
            for raw in raws
        ]
    )


def read(raw: bytes, chain: int, identity: bytes | None = None) -> Admitted:
    """Read a transaction from anyone.

    Args:
        raw: The bytes.
        chain: Number of the ledger.
        identity: What `identities` gives for them, from who has asked.

    Raises:
        BadTransactionError: The bytes, the signature or the ledger's number are not right.

    Cost: a signature recovery.
    """
    try:
        signed = decode(Signed, raw, size_max=TRANSACTION_BYTES_MAX)
        transaction = signed.transaction
        digested = identity or identities([raw])[0]
        sender = recover(digested, signed.signature)
    except (CodecError, BadSignatureError) as error:
        raise BadTransactionError(f"not a transaction: {error}") from error
    if transaction.chain != chain:
        raise BadTransactionError(f"it is for ledger {transaction.chain}, and this is {chain}")
    for index, call in enumerate(transaction.calls):
        check_call(call, index)
    return Admitted(transaction, sender, _name(digested, sender))


def check_call(call: Call, index: int) -> None:
    """Refuse a call that no ledger takes.

    Raises:
        BadTransactionError: An address, a payload or a value is none.
    """
    if len(call.to) not in (0, 20):
        raise BadTransactionError(f"call {index}: an address has 20 bytes, found {len(call.to)}")
    if not call.to and len(call.payload) < CODE_BYTES:
        raise BadTransactionError(f"call {index}: the digest of the contract's code is missing")
    if call.value > VALUE_MAX:
        raise BadTransactionError(f"call {index}: more coins than there can be")


def created_address(sender: Address, nonce: int, index: int) -> Address:
    """Where the contract lives that a call of a transaction creates; 20 bytes."""
    place = nonce.to_bytes(8, "big") + index.to_bytes(2, "big")
    return keccak256(_CREATE, sender, place)[12:]


def begin(cell: Cell, admitted: Admitted, moment: Moment) -> list[Begun]:
    """Take what a transaction costs from its sender and count its requests.

    Args:
        cell: Of the sender; changed, unless the transaction is refused.
        admitted: The transaction.
        moment: The present block.

    Raises:
        RefusedError: A nonce, a price, a height or a balance says no.
    """
    transaction = admitted.priced(moment.price)
    coins = cost(transaction)
    _refuse(cell, transaction, moment, coins)
    account = cell.account
    cell.account = msgspec.structs.replace(
        account, nonce=account.nonce + 1, balance=account.balance - coins
    )
    begun = []
    for index, call in enumerate(transaction.calls):
        target = admitted.target(index)
        sequence = cell.sent.load(target)
        cell.sent.store(target, sequence + 1)
        begun.append((admitted, call, target, sequence))
    return begun


def requests(begun: Sequence[Begun], moment: Moment) -> list[Message]:
    """Write the messages of requests, of any number of transactions."""
    deadline = moment.height + tariff.DEADLINE_BLOCKS
    names = message_ids([(one.sender, target, sequence) for one, _, target, sequence in begun])
    return [
        Message(
            name, one.sender, target, sequence, Kind.REQUEST if call.to else Kind.CREATE,
            one.id, one.id, one.sender, call.payload, call.work, one.priced(moment.price).price,
            int(call.value), int(call.value), deadline, is_awaited=False,
        )
        for name, (one, call, target, sequence) in zip(names, begun, strict=True)
    ]  # fmt: skip


def publishing_fee(transaction: Transaction) -> int:
    """Coins for the codes that a transaction publishes."""
    if not transaction.codes:
        return 0
    work = tariff.CODE_BYTE_WORK * sum(len(code) for code in transaction.codes)
    return work * transaction.price


def cost(transaction: Transaction) -> int:
    """Coins that a transaction takes from its sender at once; unused work is given back."""
    coins = publishing_fee(transaction)
    for call in transaction.calls:
        coins += int(call.value) + call.work * transaction.price
    return coins


def _refuse(cell: Cell, transaction: Transaction, moment: Moment, coins: int) -> None:
    account = cell.account
    if transaction.nonce != account.nonce:
        raise RefusedError(f"nonce {transaction.nonce} where {account.nonce} is next")
    if transaction.until < moment.height:
        raise RefusedError(f"valid until block {transaction.until}; this is {moment.height}")
    if transaction.price < moment.price:
        raise RefusedError(
            f"{transaction.price} coins a unit of work offered, {moment.price} asked"
        )
    if coins > account.balance:
        raise RefusedError(f"it may cost {coins} coins and the account has {account.balance}")
