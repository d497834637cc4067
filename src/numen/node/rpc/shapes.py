"""What methods give: blocks, transactions, receipts, logs and proofs as clients expect them."""

from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from numen.base.crypto import keccak256
from numen.evm import fees, rlp, roots
from numen.evm.authority import Authorization
from numen.evm.forks import Fork
from numen.evm.header import NO_OMMERS, NO_REQUESTS, has_withdrawals
from numen.evm.transaction import Kind, Transaction
from numen.evm.trie import EMPTY_ROOT
from numen.node.blocks import Included, Sealed, Signed
from numen.node.rpc.values import data, word

Hex = str
"""A number or bytes in hexadecimal with 0x."""


class AccessShape(msgspec.Struct, rename="camel"):
    """An account of an access list, and slots of it."""

    address: Hex
    storage_keys: list[Hex]


class AuthorizationShape(msgspec.Struct, rename="camel"):
    """A delegation (EIP-7702)."""

    chain_id: Hex
    address: Hex
    nonce: Hex
    y_parity: Hex
    r: Hex
    s: Hex


class TransactionShape(msgspec.Struct, rename="camel", kw_only=True):
    """A transaction, in a block or waiting; fields that its type does not have are absent."""

    type: Hex
    hash: Hex
    nonce: Hex
    block_hash: Hex | None
    block_number: Hex | None
    block_timestamp: Hex | UnsetType = UNSET
    transaction_index: Hex | None
    sender: Hex = msgspec.field(name="from")
    to: Hex | None
    value: Hex
    gas: Hex
    gas_price: Hex
    max_fee_per_gas: Hex | UnsetType = UNSET
    max_priority_fee_per_gas: Hex | UnsetType = UNSET
    max_fee_per_blob_gas: Hex | UnsetType = UNSET
    input: Hex
    chain_id: Hex | UnsetType = UNSET
    access_list: list[AccessShape] | UnsetType = UNSET
    blob_versioned_hashes: list[Hex] | UnsetType = UNSET
    authorization_list: list[AuthorizationShape] | UnsetType = UNSET
    v: Hex
    r: Hex
    s: Hex
    y_parity: Hex | UnsetType = UNSET


class LogShape(msgspec.Struct, rename="camel", kw_only=True):
    """What code recorded."""

    address: Hex
    topics: list[Hex]
    data: Hex
    block_hash: Hex | None
    block_number: Hex | None
    block_timestamp: Hex
    transaction_hash: Hex
    transaction_index: Hex
    log_index: Hex
    removed: bool = False


class ReceiptShape(msgspec.Struct, rename="camel", kw_only=True):
    """What a transaction came to."""

    type: Hex
    status: Hex
    transaction_hash: Hex
    transaction_index: Hex
    block_hash: Hex
    block_number: Hex
    sender: Hex = msgspec.field(name="from")
    to: Hex | None
    contract_address: Hex | None
    cumulative_gas_used: Hex
    gas_used: Hex
    effective_gas_price: Hex
    logs: list[msgspec.Raw]
    logs_bloom: Hex
    blob_gas_used: Hex | UnsetType = UNSET
    blob_gas_price: Hex | UnsetType = UNSET


class HeaderShape(msgspec.Struct, rename="camel", kw_only=True):
    """The header of a block; fields that its fork does not have are absent."""

    number: Hex | None
    hash: Hex | None
    parent_hash: Hex
    nonce: Hex | None
    sha3_uncles: Hex
    logs_bloom: Hex | None
    transactions_root: Hex
    state_root: Hex
    receipts_root: Hex
    miner: Hex
    difficulty: Hex
    extra_data: Hex
    gas_limit: Hex
    gas_used: Hex
    timestamp: Hex
    mix_hash: Hex
    base_fee_per_gas: Hex | UnsetType = UNSET
    withdrawals_root: Hex | UnsetType = UNSET
    blob_gas_used: Hex | UnsetType = UNSET
    excess_blob_gas: Hex | UnsetType = UNSET
    parent_beacon_block_root: Hex | UnsetType = UNSET
    requests_hash: Hex | UnsetType = UNSET


class BlockShape(HeaderShape, rename="camel", kw_only=True):
    """A block, with its transactions or their hashes."""

    total_difficulty: Hex
    size: Hex
    uncles: list[Hex]
    transactions: list[Hex | TransactionShape]
    withdrawals: list[dict[str, Hex]] | UnsetType = UNSET


class SlotProofShape(msgspec.Struct):
    """A word of storage, and the nodes on its way."""

    key: Hex
    value: Hex
    proof: list[Hex]


class ProofShape(msgspec.Struct, rename="camel", kw_only=True):
    """An account, and the nodes that show it (EIP-1186)."""

    address: Hex
    balance: Hex
    code_hash: Hex
    nonce: Hex
    storage_hash: Hex
    account_proof: list[Hex]
    storage_proof: list[SlotProofShape]


def header(sealed: Sealed, fork: Fork) -> HeaderShape:
    """Write the header of a block."""
    return HeaderShape(**_header_fields(sealed, fork))


def block(sealed: Sealed, fork: Fork, *, full: bool) -> BlockShape:
    """Write a block, sealed or open."""
    fields = _header_fields(sealed, fork)
    count = range(len(sealed.included))
    return BlockShape(
        **fields,
        total_difficulty=fields["difficulty"],
        size=hex(len(sealed.encode(fork))),
        uncles=[],
        transactions=[
            transaction(sealed, i) if full else data(sealed.included[i].signed.hash) for i in count
        ],
        withdrawals=[] if has_withdrawals(fork) else UNSET,
    )


def _header_fields(sealed: Sealed, fork: Fork) -> dict[str, Any]:
    head, seen = sealed.header, sealed.block
    is_open, has_chance = not sealed.hash, fork.has_prev_randao
    fields: dict[str, Any] = {
        "number": hex(seen.number),
        "hash": None if is_open else data(sealed.hash),
        "parent_hash": data(head.parent_hash),
        "nonce": None if is_open else data(bytes(8)),
        "sha3_uncles": data(NO_OMMERS),
        "logs_bloom": data(head.bloom),
        "transactions_root": data(head.transactions_root),
        "state_root": data(head.state_root),
        "receipts_root": data(head.receipts_root),
        "miner": data(seen.coinbase),
        "difficulty": hex(0 if has_chance else seen.prev_randao),
        "extra_data": "0x",
        "gas_limit": hex(seen.gas_limit),
        "gas_used": hex(head.gas_used),
        "timestamp": hex(seen.timestamp),
        "mix_hash": word(seen.prev_randao if has_chance else 0),
    }
    if fork.has_dynamic_fee:
        fields["base_fee_per_gas"] = hex(seen.base_fee)
    if has_withdrawals(fork):
        fields["withdrawals_root"] = data(EMPTY_ROOT)
    if fork.has_blobs:
        fields["blob_gas_used"] = hex(head.blob_gas_used)
        fields["excess_blob_gas"] = hex(head.excess_blob_gas)
        fields["parent_beacon_block_root"] = word(0)
    if fork.has_requests:
        fields["requests_hash"] = data(NO_REQUESTS)
    return fields


def transaction(sealed: Sealed, index: int) -> TransactionShape:
    """Write a transaction of a block."""
    each = sealed.included[index]
    shape = waiting(each.signed, sealed.block.base_fee)
    shape.gas_price = hex(each.receipt.gas_price)
    shape.block_number = hex(sealed.number)
    shape.transaction_index = hex(index)
    shape.block_timestamp = hex(sealed.block.timestamp)
    if sealed.hash:
        shape.block_hash = data(sealed.hash)
    return shape


def waiting(signed: Signed, base_fee: int = 0) -> TransactionShape:
    """Write a transaction that is in no block.

    Args:
        signed: The transaction.
        base_fee: Of the block that it may come into; decides what it says of its price.
    """
    tx = signed.tx
    has_market = tx.kind >= Kind.FEE_MARKET
    price = fees.gas_price(tx, base_fee) if has_market else tx.max_fee
    shape = TransactionShape(
        type=hex(tx.kind),
        hash=data(signed.hash),
        nonce=hex(tx.nonce),
        block_hash=None,
        block_number=None,
        transaction_index=None,
        sender=data(signed.sender),
        to=data(tx.to) if tx.to is not None else None,
        value=hex(tx.value),
        gas=hex(tx.gas_limit),
        gas_price=hex(price),
        input=data(tx.data),
        v=hex(tx.v),
        r=hex(tx.r),
        s=hex(tx.s),
    )
    if tx.chain_id is not None:
        shape.chain_id = hex(tx.chain_id)
    if tx.kind is not Kind.LEGACY:
        shape.y_parity = hex(tx.v)
        shape.access_list = accesses(tx)
    if has_market:
        shape.max_fee_per_gas = hex(tx.max_fee)
        shape.max_priority_fee_per_gas = hex(tx.max_priority_fee)
    if tx.kind is Kind.BLOB:
        shape.max_fee_per_blob_gas = hex(tx.max_fee_per_blob_gas)
        shape.blob_versioned_hashes = [data(each) for each in tx.blob_hashes]
    if tx.kind is Kind.SET_CODE:
        shape.authorization_list = [_authorization(each) for each in tx.authorizations]
    return shape


def accesses(tx: Transaction) -> list[AccessShape]:
    """Write an access list."""
    return [AccessShape(data(a.address), [word(key) for key in a.keys]) for a in tx.access_list]


def _authorization(item: Authorization) -> AuthorizationShape:
    numbers = (hex(n) for n in (item.nonce, item.y_parity, item.r, item.s))
    return AuthorizationShape(hex(item.chain_id), data(item.address), *numbers)


def log(sealed: Sealed, index: int, at: int) -> LogShape:
    """Write a log of a transaction of a block."""
    each = sealed.included[index]
    found = each.receipt.logs[at]
    return LogShape(
        address=data(found.address),
        topics=[data(topic) for topic in found.topics],
        data=data(found.data),
        block_hash=data(sealed.hash) if sealed.hash else None,
        block_number=hex(sealed.number),
        block_timestamp=hex(sealed.block.timestamp),
        transaction_hash=data(each.signed.hash),
        transaction_index=hex(index),
        log_index=hex(each.logs_before + at),
    )


def receipt(sealed: Sealed, index: int, written: "WrittenLogs") -> ReceiptShape:
    """Write the receipt of a transaction of a block."""
    each = sealed.included[index]
    tx, came = each.signed.tx, each.receipt
    shape = ReceiptShape(
        type=hex(tx.kind),
        status=hex(came.success),
        transaction_hash=data(each.signed.hash),
        transaction_index=hex(index),
        block_hash=data(sealed.hash),
        block_number=hex(sealed.number),
        sender=data(each.signed.sender),
        to=data(tx.to) if tx.to is not None else None,
        contract_address=data(came.created or created_by(each)) if tx.to is None else None,
        cumulative_gas_used=hex(each.gas_after),
        gas_used=hex(came.gas_used),
        effective_gas_price=hex(came.gas_price),
        logs=[written.of(sealed, index, at) for at in range(len(came.logs))],
        logs_bloom=data(each.bloom),
    )
    if tx.kind is Kind.BLOB:
        shape.blob_gas_used = hex(came.blob_gas_used)
        shape.blob_gas_price = hex(sealed.block.blob_base_fee)
    return shape


def created_by(each: Included) -> bytes:
    """The address that a creation makes, or would have made."""
    return keccak256(rlp.encode([each.signed.sender, each.signed.tx.nonce]))[12:]


EMPTY_CODE: Final = roots.EMPTY_CODE_HASH

_WRITTEN_MAX: Final = 100_000
"""Most logs that are kept as JSON."""


class WrittenLogs:
    """Logs as JSON, kept once they are written: the same ones are asked for again and again."""

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, int, int], msgspec.Raw] = {}

    def of(self, sealed: Sealed, index: int, at: int) -> msgspec.Raw:
        """A log of a transaction of a block."""
        name = (sealed.hash, index, at)
        found = self._known.get(name)
        if found is None:
            if len(self._known) >= _WRITTEN_MAX:
                self._known.clear()
            found = msgspec.Raw(msgspec.json.encode(log(sealed, index, at)))
            self._known[name] = found
        return found
