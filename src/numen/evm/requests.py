"""Calls and transactions as Python programs write them.

A transaction is the bytes that a wallet signed, what eth-account gives for them, a dictionary as
web3.py takes it, or plain keyword arguments.

    EvmError
    └── RequestError    something that is no transaction
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from numen.evm import abi
from numen.evm.authority import Authorization
from numen.evm.errors import EvmError
from numen.evm.transaction import Access, Kind, Transaction

NOBODY: Final = bytes(20)


class RequestError(EvmError):
    """Something that cannot be read as a call or a transaction."""


class Request(msgspec.Struct, frozen=True):
    """A call or an unsigned transaction; None where the machine is to choose.

    Attributes:
        sender: 20 bytes.
        to: 20 bytes; None makes a contract.
        value: Wei.
        data: Input, or the code that makes the contract.
        gas: Most gas.
        gas_price: Wei for a unit of gas; the most, where the base fee may be less.
        priority_fee: Most wei of it for the coinbase; None where there is but one price.
        nonce: Of the sender.
        access_list: What is warm from the start; None where the transaction has no such list.
        blob_hashes: Versioned hashes of blobs.
        max_fee_per_blob_gas: Wei for a unit of blob gas.
        authorizations: Delegations to set (EIP-7702).
        is_static: Whether nothing may change; calls only.
    """

    sender: bytes = NOBODY
    to: bytes | None = None
    value: int = 0
    data: bytes = b""
    gas: int | None = None
    gas_price: int | None = None
    priority_fee: int | None = None
    nonce: int | None = None
    access_list: tuple[Access, ...] | None = None
    blob_hashes: tuple[bytes, ...] = ()
    max_fee_per_blob_gas: int = 0
    authorizations: tuple[Authorization, ...] = ()
    is_static: bool = False

    @property
    def kind(self) -> Kind:
        """The oldest kind of transaction that has all its fields."""
        if self.authorizations:
            return Kind.SET_CODE
        if self.blob_hashes:
            return Kind.BLOB
        if self.priority_fee is not None:
            return Kind.FEE_MARKET
        return Kind.LEGACY if self.access_list is None else Kind.ACCESS_LIST

    def transaction(self, *, chain_id: int, nonce: int, gas: int, gas_price: int) -> Transaction:
        """The transaction, with what it leaves open filled in."""
        fee = gas_price if self.gas_price is None else self.gas_price
        return Transaction(
            kind=self.kind,
            chain_id=chain_id,
            nonce=nonce if self.nonce is None else self.nonce,
            max_fee=fee,
            max_priority_fee=fee if self.priority_fee is None else self.priority_fee,
            gas_limit=gas if self.gas is None else self.gas,
            to=self.to,
            value=self.value,
            data=self.data,
            access_list=self.access_list or (),
            max_fee_per_blob_gas=self.max_fee_per_blob_gas,
            blob_hashes=self.blob_hashes,
            authorizations=self.authorizations,
        )


_NAMES: Final = {
    "from": "sender",
    "input": "data",
    "gasPrice": "gas_price",
    "maxFeePerGas": "gas_price",
    "max_fee_per_gas": "gas_price",
    "maxPriorityFeePerGas": "priority_fee",
    "max_priority_fee_per_gas": "priority_fee",
    "accessList": "access_list",
    "blobVersionedHashes": "blob_hashes",
    "maxFeePerBlobGas": "max_fee_per_blob_gas",
    "authorizationList": "authorizations",
}
"""What others call the fields."""

_PASSED_OVER: Final = frozenset({"chainId", "chain_id", "type"})
"""Fields that follow from the machine and from the other fields."""


def raw_transaction(tx: Any) -> bytes | None:
    """The bytes of a signed transaction, if this is one."""
    for name in ("raw_transaction", "rawTransaction"):
        tx = getattr(tx, name, tx)
    return bytes(tx) if isinstance(tx, bytes | bytearray) else None


def request_of(tx: Mapping[str, Any] | None, fields: Mapping[str, Any]) -> Request:
    """Read a call or an unsigned transaction.

    Args:
        tx: As web3.py takes it, or None.
        fields: More of it, by the names of `Request`.

    Raises:
        RequestError: A field is unknown, or its value is none.
    """
    if tx is not None and not isinstance(tx, Mapping):
        raise RequestError(f"not a transaction: {type(tx).__name__}")
    known: dict[str, Any] = {}
    for given, value in {**(tx or {}), **fields}.items():
        name = _NAMES.get(given, given)
        if name in _PASSED_OVER or value is None:
            continue
        if name not in Request.__struct_fields__:
            raise RequestError(f"a transaction has no field {given!r}")
        known[name] = _read(name, value)
    return Request(**known)


def _read(name: str, value: Any) -> Any:
    try:
        if name in {"sender", "to"}:
            return None if value in ("", b"") else abi.address(value)
        if name == "data":
            return _octets(value)
        if name == "access_list":
            return tuple(_access(item) for item in value)
        if name == "blob_hashes":
            return tuple(_octets(item) for item in value)
        if name == "authorizations":
            return tuple(_authorization(item) for item in value)
    except (TypeError, KeyError, AttributeError) as error:
        raise RequestError(f"{name}: {error}") from None
    return bool(value) if name == "is_static" else _number(name, value)


def _number(name: str, value: Any) -> int:
    if isinstance(value, str):
        try:
            value = int(value[:80], 16 if value.startswith("0x") else 10)
        except ValueError:
            raise RequestError(f"{name}: not a number: {value[:80]!r}") from None
    if not isinstance(value, int) or not 0 <= value < 1 << 256:
        raise RequestError(f"{name}: not a number of 256 bits")
    return value


def _octets(value: Any) -> bytes:
    if isinstance(value, str):
        try:
            return bytes.fromhex(value.removeprefix("0x"))
        except ValueError:
            raise RequestError(f"not hexadecimal: {value[:60]!r}") from None
    if not isinstance(value, bytes | bytearray | memoryview):
        raise RequestError(f"not bytes: {type(value).__name__}")
    return bytes(value)


def _access(item: Any) -> Access:
    if isinstance(item, Access):
        return item
    if isinstance(item, Mapping):
        keys: Sequence[Any] = item.get("storageKeys", item.get("storage_keys", ()))
        item = (item["address"], keys)
    account, keys = item
    words = tuple(k if isinstance(k, int) else int.from_bytes(_octets(k), "big") for k in keys)
    return Access(abi.address(account), words)


def _authorization(item: Any) -> Authorization:
    if isinstance(item, Authorization):
        return item
    if not isinstance(item, Mapping):
        item = item.model_dump(by_alias=True)  # what eth-account gives
    names = {"chainId": "chain_id", "yParity": "y_parity"}
    values = {names.get(name, name): value for name, value in item.items()}
    delegate = abi.address(values.pop("address"))
    wanted = ("chain_id", "nonce", "y_parity", "r", "s")
    return Authorization(address=delegate, **{n: _number(n, values[n]) for n in wanted})
