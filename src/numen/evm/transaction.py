"""Transactions of every kind, and their bytes.

A transaction is decoded in three steps, so that each refusal names what is wrong first: the shape
of its bytes, whether the fork knows its kind, and the size of its numbers.

Sources: yellow paper, section 4.2; EIP-155, 2718, 2930, 1559, 4844, 7702.
"""

from collections.abc import Callable, Iterable
from enum import IntEnum
from operator import attrgetter, itemgetter
from typing import Any, Final

import msgspec

from numen.base.crypto import (
    CURVE_ORDER,
    HALF_ORDER,
    BadSignatureError,
    SigningKey,
    keccak256,
    recover_checked,
)
from numen.evm import rlp, signing
from numen.evm.authority import Authorization
from numen.evm.forks import Fork
from numen.evm.invalid import InvalidTransactionError, Reason

SIZE_BYTES_MAX: Final = 1 << 24
"""Longest transaction to look at."""


class Kind(IntEnum):
    """The kinds of transaction; the number is the first byte of all but the first kind."""

    LEGACY = 0
    ACCESS_LIST = 1
    FEE_MARKET = 2
    BLOB = 3
    SET_CODE = 4


_LEGACY: Final = Kind.LEGACY
"""Bound once: to find a member of an enumeration takes as long as to read a field."""


class Access(msgspec.Struct, frozen=True):
    """An account, and slots of it, that a transaction pays for beforehand (EIP-2930).

    Attributes:
        address: 20 bytes.
        keys: Words that name the slots.
    """

    address: bytes
    keys: tuple[int, ...] = ()


class Transaction(msgspec.Struct, frozen=True):
    """A transaction, signed or not.

    Attributes:
        kind: Which fields it has.
        chain_id: Chain it is for; None in a legacy transaction that holds on every chain.
        nonce: Transactions that the sender sent before.
        max_fee: Most wei for a unit of gas; the gas price where there is but one.
        max_priority_fee: Most wei of it that go to the coinbase; ``max_fee`` where there is but
            one price.
        gas_limit: Most gas.
        to: 20 bytes; None makes a contract.
        value: Wei to send.
        data: Input, or the code that makes the contract.
        access_list: What is warm from the start.
        max_fee_per_blob_gas: Most wei for a unit of blob gas.
        blob_hashes: Versioned hashes of the blobs, 32 bytes each.
        authorizations: Delegations to set first.
        v: Of the signature: parity, in a legacy transaction with 27 or 35 + 2 * chain added.
        r: Of the signature.
        s: Of the signature.
    """

    kind: Kind = Kind.LEGACY
    chain_id: int | None = None
    nonce: int = 0
    max_fee: int = 0
    max_priority_fee: int = 0
    gas_limit: int = 0
    to: bytes | None = None
    value: int = 0
    data: bytes = b""
    access_list: tuple[Access, ...] = ()
    max_fee_per_blob_gas: int = 0
    blob_hashes: tuple[bytes, ...] = ()
    authorizations: tuple[Authorization, ...] = ()
    v: int = 0
    r: int = 0
    s: int = 0

    def encode(self) -> bytes:
        """Write it as blocks and networks do; blobs are not in it."""
        signature = (rlp.encode_int(self.v), rlp.encode_int(self.r), rlp.encode_int(self.s))
        return _encode(self.kind, (*_fields(self), *signature))

    def hash(self) -> bytes:
        """What it is known by; 32 bytes."""
        return keccak256(self.encode())

    def signing_hash(self) -> bytes:
        """What the sender signs; 32 bytes."""
        fields = _fields(self)
        if self.kind is _LEGACY and self.chain_id is not None:
            fields += [rlp.encode_int(self.chain_id), b"\x80", b"\x80"]  # EIP-155
        return keccak256(_encode(self.kind, fields))

    def sign(self, key: SigningKey) -> "Transaction":
        """Sign it. A legacy transaction holds on one chain if ``chain_id`` names one."""
        parity, r, s = signing.sign(self.signing_hash(), key)
        v = parity
        if self.kind is _LEGACY:
            v += 27 if self.chain_id is None else 35 + 2 * self.chain_id
        return msgspec.structs.replace(self, v=v, r=r, s=s)

    def sender(self, fork: Fork, chain_id: int) -> bytes:
        """Find who signed it; 20 bytes.

        Args:
            fork: Whose rules for signatures hold.
            chain_id: Of the chain it was sent to.

        Raises:
            InvalidTransactionError: It is for another chain, or nobody signed it.

        Cost: about 60 microseconds.
        """
        parity = self._parity(fork, chain_id)
        s_max = HALF_ORDER if fork.requires_low_s else CURVE_ORDER - 1
        if parity not in (0, 1) or not 0 < self.r < CURVE_ORDER or not 0 < self.s <= s_max:
            raise InvalidTransactionError(Reason.INVALID_SIGNATURE_VRS, field="signature")
        try:
            return recover_checked(self.signing_hash(), self.r, self.s, parity)
        except BadSignatureError as error:
            raise InvalidTransactionError(
                Reason.EC_RECOVERY_FAIL, error.reason, field="signature"
            ) from error

    def _parity(self, fork: Fork, chain_id: int) -> int:
        """Find the parity in v, after checking that the chain is the right one."""
        if self.kind is _LEGACY and self.chain_id is None:
            return self.v - 27
        if self.kind is _LEGACY and not fork.has_replay_protection:
            raise InvalidTransactionError(
                Reason.INVALID_SIGNATURE_VRS, f"v is {_short(self.v)}", field="v"
            )
        if self.chain_id != chain_id:
            named = _short(self.chain_id or 0)
            raise InvalidTransactionError(
                Reason.INVALID_CHAINID, f"for chain {named}, not {chain_id}", field="chain_id"
            )
        return self.v - 35 - 2 * chain_id if self.kind is _LEGACY else self.v


def _short(number: int) -> str:
    return str(number) if number < 1 << 64 else f"a number of {number.bit_length()} bits"


# Fields on the wire. -----------------------------------------------------------------------------


class _Number(msgspec.Struct, frozen=True):
    """A number on the wire: what it is called when it is a list, zero-led, or too big."""

    name: str
    bits: int
    label: str
    too_big: Reason

    def read(self, item: rlp.Item) -> int:
        if isinstance(item, bytes) and item[:1] != b"\0":
            return int.from_bytes(item, "big")
        raise self._refusal(item)

    def _refusal(self, item: rlp.Item) -> InvalidTransactionError:
        if isinstance(item, list):
            reason = Reason[f"RLP_INVALID_{self.label}"]
            return InvalidTransactionError(reason, "a list", field=self.name)
        label = self.label.removeprefix("SIGNATURE_")
        return InvalidTransactionError(Reason[f"RLP_LEADING_ZEROS_{label}"], field=self.name)


_CHAIN_ID = _Number("chain_id", 256, "CHAINID", Reason.INVALID_CHAINID)
_NONCE = _Number("nonce", 64, "NONCE", Reason.NONCE_OVERFLOW)
_GAS_PRICE = _Number("max_fee", 256, "GASPRICE", Reason.GASPRICE_OVERFLOW)
_MAX_FEE = _Number("max_fee", 256, "BASEFEE", Reason.GASPRICE_OVERFLOW)
_PRIORITY_FEE = _Number("max_priority_fee", 256, "PRIORITY_FEE", Reason.PRIORITY_OVERFLOW)
_GAS_LIMIT = _Number("gas_limit", 64, "GASLIMIT", Reason.GASLIMIT_OVERFLOW)
_VALUE = _Number("value", 256, "VALUE", Reason.VALUE_OVERFLOW)
_BLOB_FEE = _Number(
    "max_fee_per_blob_gas", 256, "MAX_FEE_PER_BLOB_GAS", Reason.MAX_FEE_PER_BLOB_GAS_OVERFLOW
)
_SIGNATURE = tuple(
    _Number(name, 256, f"SIGNATURE_{name.upper()}", Reason.INVALID_SIGNATURE_VRS) for name in "vrs"
)

_MARKET = (_CHAIN_ID, _NONCE, _PRIORITY_FEE, _MAX_FEE, _GAS_LIMIT)
_FIELDS: Final[dict[Kind, tuple[_Number | str, ...]]] = {
    Kind.LEGACY: (_NONCE, _GAS_PRICE, _GAS_LIMIT, "to", _VALUE, "data"),
    Kind.ACCESS_LIST: (
        *(_CHAIN_ID, _NONCE, _GAS_PRICE, _GAS_LIMIT),
        *("to", _VALUE, "data", "access_list"),
    ),
    Kind.FEE_MARKET: (*_MARKET, "to", _VALUE, "data", "access_list"),
    Kind.BLOB: (*_MARKET, "to", _VALUE, "data", "access_list", _BLOB_FEE, "blob_hashes"),
    Kind.SET_CODE: (*_MARKET, "to", _VALUE, "data", "access_list", "authorizations"),
}
"""What stands on the wire before the signature, in order."""

_NUMBERS: Final = {
    kind: tuple(field for field in fields if isinstance(field, _Number))
    for kind, fields in _FIELDS.items()
}
_NAMES: Final = {
    kind: tuple(field.name if isinstance(field, _Number) else field for field in fields)
    for kind, fields in _FIELDS.items()
}


def _encode(kind: Kind, encoded: Iterable[bytes]) -> bytes:
    """Join encoded fields as the kind wants them."""
    body = rlp.wrap(b"".join(encoded))
    return body if kind is _LEGACY else bytes([kind]) + body


def _fields(tx: Transaction) -> list[bytes]:
    """What stands on the wire before the signature, encoded."""
    values, writers = _WRITERS[tx.kind]
    return [write(value) for write, value in zip(writers, values(tx), strict=True)]


def _write_to(to: bytes | None) -> bytes:
    return rlp.encode_bytes(to or b"")


def _write_accesses(items: tuple[Access, ...]) -> bytes:
    if not items:
        return rlp.EMPTY_LIST
    return rlp.encode(
        [[item.address, [key.to_bytes(32, "big") for key in item.keys]] for item in items]
    )


def _write_authorizations(items: tuple[Authorization, ...]) -> bytes:
    return rlp.encode(
        [[item.chain_id, item.address, item.nonce, item.y_parity, item.r, item.s] for item in items]
    )


_WRITER_OF: Final[dict[str, Callable[[Any], bytes]]] = {
    "to": _write_to,
    "data": rlp.encode_bytes,
    "access_list": _write_accesses,
    "blob_hashes": rlp.encode,
    "authorizations": _write_authorizations,
}
_WRITERS: Final = {
    kind: (attrgetter(*names), [_WRITER_OF.get(name, rlp.encode_int) for name in names])
    for kind, names in _NAMES.items()
}


# Decoding. ---------------------------------------------------------------------------------------


def decode(raw: bytes, fork: Fork | None = None) -> Transaction:
    """Read a transaction from its bytes.

    Args:
        raw: Bytes from anywhere.
        fork: Whose kinds are known; None knows all.

    Raises:
        InvalidTransactionError: They are none, or not in the one way to write it; or the fork does
            not know its kind; or a number is too big. Blobs beside a transaction of type 3, as
            networks send them, are refused.

    Cost: linear in the length.
    """
    kind, items = _split(raw)
    readers, arrange = _FORMS[kind]
    if len(items) < len(readers):
        raise InvalidTransactionError(Reason.RLP_TOO_FEW_ELEMENTS, f"{len(items)} elements")
    if len(items) > len(readers):
        raise InvalidTransactionError(Reason.RLP_TOO_MANY_ELEMENTS, f"{len(items)} elements")
    values = [read(item) for read, item in zip(readers, items, strict=True)]
    tx = Transaction(*arrange((kind, *values, *_ABSENT)))
    if kind is _LEGACY and tx.v not in (0, 1, 27, 28):
        tx = msgspec.structs.replace(tx, chain_id=max(tx.v - 35, 0) // 2)
    if fork is not None:
        check_kind(tx, fork)
    check_numbers(tx)
    return tx


def check_kind(tx: Transaction, fork: Fork) -> None:
    """Check that a fork knows this kind of transaction.

    Raises:
        InvalidTransactionError: It does not.
    """
    if tx.kind is not _LEGACY and not getattr(fork, _SINCE[tx.kind]):
        reason = Reason[f"TYPE_{tx.kind.value}_TX_PRE_FORK"]
        raise InvalidTransactionError(reason, f"type {tx.kind.value} in {fork.name}", field="kind")


_SINCE: Final = {
    Kind.ACCESS_LIST: "has_access_lists",
    Kind.FEE_MARKET: "has_dynamic_fee",
    Kind.BLOB: "has_blobs",
    Kind.SET_CODE: "has_delegations",
}
"""Which rule of a fork brings a kind."""


def check_numbers(tx: Transaction) -> None:
    """Check that every number is as small as its field, and no price times gas overflows a word.

    Raises:
        InvalidTransactionError: One does not.
    """
    product = tx.gas_limit * tx.max_fee
    wide = tx.max_fee | tx.max_priority_fee | tx.value | tx.max_fee_per_blob_gas | product
    if not wide >> 256 and not (tx.nonce | tx.gas_limit | (tx.chain_id or 0)) >> 64:
        return  # as nearly always
    for number in _NUMBERS[tx.kind]:
        value = getattr(tx, number.name) or 0
        if value >> number.bits:
            detail = f"{value.bit_length()} bits where {number.bits} are allowed"
            raise InvalidTransactionError(number.too_big, detail, field=number.name)
    if product >> 256:
        raise InvalidTransactionError(Reason.GASLIMIT_PRICE_PRODUCT_OVERFLOW, field="max_fee")


def _split(raw: bytes) -> tuple[Kind, list[rlp.Item]]:
    """Find the kind of a transaction and the items it is made of."""
    if not raw:
        raise InvalidTransactionError(Reason.RLP_ERROR_EOF, "no bytes")
    is_typed = raw[0] < 0x80
    kind = _TYPED.get(raw[0]) if is_typed else _LEGACY
    if kind is None:
        raise InvalidTransactionError(Reason.TYPE_NOT_SUPPORTED, f"type {raw[0]}", field="kind")
    items = _items_of(raw[is_typed:])
    if not isinstance(items, list):
        raise InvalidTransactionError(Reason.RLP_INVALID_HEADER, "not a list")
    if kind is Kind.BLOB and items and isinstance(items[0], list):
        raise InvalidTransactionError(
            Reason.TYPE_3_TX_WITH_FULL_BLOBS, "blobs do not belong into a block"
        )
    return kind, items


_TYPED: Final = {kind.value: kind for kind in Kind if kind is not Kind.LEGACY}
"""The kinds that a first byte names."""

_BOUNDS = rlp.Bounds(bytes_max=SIZE_BYTES_MAX, depth_max=5)
"""Four lists are around a slot in an access list, and blobs beside a transaction one more."""


def _items_of(payload: bytes) -> rlp.Item:
    try:
        return rlp.decode(payload, bounds=_BOUNDS)
    except (rlp.DecodeError, rlp.TooLongError) as error:
        is_cut = len(payload) <= 1
        reason = Reason.RLP_ERROR_EOF if is_cut else Reason.RLP_ERROR_SIZE
        raise InvalidTransactionError(reason, error.message) from error


def _read_to(item: rlp.Item) -> bytes | None:
    if isinstance(item, list):
        raise InvalidTransactionError(Reason.RLP_INVALID_TO, "a list", field="to")
    if item and len(item) != 20:
        reason = Reason.ADDRESS_TOO_SHORT if len(item) < 20 else Reason.ADDRESS_TOO_LONG
        raise InvalidTransactionError(reason, f"{len(item)} bytes", field="to")
    return item or None


def _read_data(item: rlp.Item) -> bytes:
    if isinstance(item, list):
        raise InvalidTransactionError(Reason.RLP_INVALID_DATA, "a list", field="data")
    return item


def _read_accesses(item: rlp.Item) -> tuple[Access, ...]:
    return tuple(_read_access(each) for each in _list(item, "access_list"))


def _read_access(item: rlp.Item) -> Access:
    parts = _list(item, "access_list")
    if len(parts) != 2:
        raise InvalidTransactionError(
            Reason.RLP_INVALID_ACCESS_LIST, "not an address and its slots", field="access_list"
        )
    keys = _list(parts[1], "access_list")
    return Access(
        _exactly(parts[0], 20, "ADDRESS"),
        tuple(int.from_bytes(_exactly(key, 32, "STORAGE"), "big") for key in keys),
    )


def _list(item: rlp.Item, field: str) -> list[rlp.Item]:
    if not isinstance(item, list):
        raise InvalidTransactionError(Reason.RLP_INVALID_ACCESS_LIST, "not a list", field=field)
    return item


def _exactly(item: rlp.Item, size: int, what: str) -> bytes:
    if isinstance(item, list):
        raise InvalidTransactionError(
            Reason.RLP_INVALID_ACCESS_LIST, f"{what.lower()} is a list", field="access_list"
        )
    if len(item) != size:
        end = "SHORT" if len(item) < size else "LONG"
        reason = Reason[f"RLP_INVALID_ACCESS_LIST_{what}_TOO_{end}"]
        raise InvalidTransactionError(reason, f"{len(item)} bytes", field="access_list")
    return item


def _read_blob_hashes(item: rlp.Item) -> tuple[bytes, ...]:
    if not isinstance(item, list):
        raise InvalidTransactionError(
            Reason.RLP_INVALID_BLOB_HASHES, "not a list", field="blob_hashes"
        )
    hashes = tuple(each for each in item if isinstance(each, bytes) and len(each) == 32)
    if len(hashes) != len(item):
        raise InvalidTransactionError(
            Reason.RLP_INVALID_BLOB_HASHES, "not hashes of 32 bytes", field="blob_hashes"
        )
    return hashes


_AUTHORIZATION_BYTES: Final = (32, 8, 1, 32, 32)
"""Most bytes of chain, nonce, parity, r and s (EIP-7702); the address stands second."""


def _read_authorizations(item: rlp.Item) -> tuple[Authorization, ...]:
    if not isinstance(item, list):
        raise _bad_authorization("not a list")
    return tuple(_read_authorization(each) for each in item)


def _read_authorization(item: rlp.Item) -> Authorization:
    if not isinstance(item, list) or len(item) != 6:
        raise _bad_authorization("not 6 elements")
    address = item[1]
    if not isinstance(address, bytes) or len(address) != 20:
        raise _bad_authorization("an address that is not 20 bytes")
    numbers = []
    for part, size in zip(item[:1] + item[2:], _AUTHORIZATION_BYTES, strict=True):
        try:
            numbers.append(rlp.to_int(part, bytes_max=size))
        except rlp.IntegerError as error:
            raise _bad_authorization(error.reason) from error
    chain_id, nonce, y_parity, r, s = numbers
    return Authorization(chain_id, address, nonce, y_parity, r, s)


def _bad_authorization(why: str) -> InvalidTransactionError:
    reason = Reason.TYPE_4_INVALID_AUTHORIZATION_FORMAT
    return InvalidTransactionError(reason, why, field="authorizations")


_READER_OF: Final[dict[str, Callable[[rlp.Item], Any]]] = {
    "to": _read_to,
    "data": _read_data,
    "access_list": _read_accesses,
    "blob_hashes": _read_blob_hashes,
    "authorizations": _read_authorizations,
}

_ABSENT: Final = tuple(getattr(Transaction(), name) for name in Transaction.__struct_fields__)
"""What a field is that a kind does not have."""


def _form(kind: Kind) -> tuple[list[Callable[[rlp.Item], Any]], Callable[[Any], Any]]:
    """What reads the items of a kind, and what puts them into the order of `Transaction`.

    The second takes the kind, what was read, and `_ABSENT`. Fields are given by their position,
    because to give them by name would take longer than all the rest.
    """
    fields, own = Transaction.__struct_fields__, _NAMES[kind]
    readers = [
        field.read if isinstance(field, _Number) else _READER_OF[field]
        for field in (*_FIELDS[kind], *_SIGNATURE)
    ]
    given = ("kind", *own, *"vrs", *fields)
    priority = "max_priority_fee" if "max_priority_fee" in own else "max_fee"
    sources = [priority if name == "max_priority_fee" else name for name in fields]
    return readers, itemgetter(*map(given.index, sources))


_FORMS: Final = {kind: _form(kind) for kind in Kind}
