"""Transactions, receipts and blocks in the dictionaries that eth-tester takes and gives."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from numen.base.crypto import keccak256
from numen.evm import rlp, roots
from numen.evm.forks import Fork
from numen.evm.header import NO_OMMERS
from numen.evm.requests import request_of
from numen.evm.testers.chain import Included, Sealed
from numen.evm.transaction import Kind, Transaction
from numen.evm.trie import root_of_list

FEE: Final = 10**9
"""Wei of a unit of gas in a transaction that names no price, as eth-tester takes it."""

Form = dict[str, Any]

_SIGNATURE: Final = ("v", "r", "s", "y_parity")


def transaction_of(
    form: Mapping[str, Any], *, fork: Fork, chain_id: int, nonce: int, base_fee: int
) -> tuple[Transaction, bytes]:
    """Read a transaction, signed or not, and who it says sends it.

    Args:
        form: In eth-tester's inner form: bytes and integers, names with underscores.
        fork: A transaction without a price is of the newest kind that it knows.
        chain_id: Of the chain.
        nonce: The next one of the sender.
        base_fee: Of the block.
    """
    fields = {name: value for name, value in form.items() if name not in _SIGNATURE}
    if "authorization_list" in fields:
        fields["authorizations"] = fields.pop("authorization_list")
    if "blob_versioned_hashes" in fields:
        fields["blob_hashes"] = fields.pop("blob_versioned_hashes")
    is_legacy = "gas_price" in fields
    if not is_legacy:
        fields = _with_fees(fields, base_fee)
    if not fork.has_dynamic_fee:
        fields["gas_price"] = fields.pop("max_fee_per_gas", fields.get("gas_price", FEE))
        fields.pop("max_priority_fee_per_gas", None)
    request = request_of(fields, {})
    tx = request.transaction(chain_id=chain_id, nonce=nonce, gas=0, gas_price=base_fee)
    if tx.kind is Kind.LEGACY and "chain_id" not in form:
        tx = replace(tx, chain_id=None)  # eth-tester knows no v but 27 and 28
    return tx, request.sender


def signed(tx: Transaction, form: Mapping[str, Any]) -> Transaction:
    """The same transaction with the signature of a form."""
    parity = form.get("y_parity", form.get("v"))
    v = form.get("v", parity) if tx.kind is Kind.LEGACY else parity
    if tx.kind is Kind.LEGACY and v in {27, 28}:
        tx = replace(tx, chain_id=None)
    return replace(tx, v=v, r=form["r"], s=form["s"])


def _with_fees(fields: Form, base_fee: int) -> Form:
    most, tip = fields.get("max_fee_per_gas"), fields.get("max_priority_fee_per_gas")
    if most is None and tip is None:
        most = tip = FEE
    elif most is None:
        most = (tip or 0) + 2 * base_fee
    elif tip is None:
        tip = min(most, FEE)
    return {**fields, "max_fee_per_gas": most, "max_priority_fee_per_gas": tip}


def transaction_form(block: Sealed, index: int) -> Form:
    """A transaction of a block."""
    each = block.included[index]
    tx = each.tx
    form: Form = {
        "type": int(tx.kind),
        "hash": tx.hash(),
        "nonce": tx.nonce,
        **_place(block, index),
        "from": each.sender,
        "to": tx.to or b"",
        "value": tx.value,
        "gas": tx.gas_limit,
        "data": tx.data,
        "v": tx.v,
        "r": tx.r,
        "s": tx.s,
    }
    if tx.kind in {Kind.LEGACY, Kind.ACCESS_LIST}:
        form["gas_price"] = tx.max_fee
    if tx.kind is not Kind.LEGACY:
        form["y_parity"] = tx.v
        form["chain_id"] = tx.chain_id
        form["access_list"] = tuple((a.address, a.keys) for a in tx.access_list)
    if tx.kind >= Kind.FEE_MARKET:
        form["max_fee_per_gas"] = tx.max_fee
        form["max_priority_fee_per_gas"] = tx.max_priority_fee
        form["gas_price"] = each.outcome.gas_price if block.hash else tx.max_fee
    if tx.kind is Kind.BLOB:
        form["max_fee_per_blob_gas"] = tx.max_fee_per_blob_gas
        form["blob_versioned_hashes"] = list(tx.blob_hashes)
    if tx.kind is Kind.SET_CODE:
        form["authorization_list"] = [
            {name: getattr(item, name) for name in item.__struct_fields__}
            for item in tx.authorizations
        ]
    return form


def _place(block: Sealed, index: int) -> Form:
    """Where a transaction is; nowhere while its block is open."""
    is_open = not block.hash
    return {
        "block_hash": None if is_open else block.hash,
        "block_number": None if is_open else block.block.number,
        "transaction_index": None if is_open else index,
    }


def receipt_form(block: Sealed, index: int) -> Form:
    """The receipt of a transaction of a block."""
    each = block.included[index]
    outcome, tx = each.outcome, each.tx
    status = int(outcome.success)
    form: Form = {
        **_place(block, index),
        "contract_address": created_by(each) if tx.to is None else None,
        "cumulative_gas_used": each.gas_after,
        "effective_gas_price": outcome.gas_price,
        "from": each.sender,
        "gas_used": outcome.gas_used,
        "logs": [_log_form(block, index, at) for at in range(len(outcome.logs))],
        "state_root": bytes([status]) if status else b"",
        "status": status,
        "to": tx.to or b"",
        "transaction_hash": tx.hash(),
        "type": int(tx.kind),
    }
    if tx.kind is Kind.BLOB:
        form["blob_gas_used"] = len(tx.blob_hashes) * 2**17
        form["blob_gas_price"] = block.block.blob_base_fee
    return form


def created_by(each: Included) -> bytes:
    """The address that a creation makes, or would have made."""
    return keccak256(rlp.encode([each.sender, each.tx.nonce]))[12:]


def _log_form(block: Sealed, index: int, at: int) -> Form:
    each = block.included[index]
    log = each.outcome.logs[at]
    return {
        "type": "mined" if block.hash else "pending",
        "log_index": each.logs_before + at,
        **_place(block, index),
        "transaction_hash": each.tx.hash(),
        "address": log.address,
        "data": log.data,
        "topics": list(log.topics),
    }


def block_form(block: Sealed, rules: Fork, *, full: bool) -> Form:
    """A block, with its transactions or their hashes."""
    seen = block.block
    count = range(len(block.included))
    has_chance = rules.has_prev_randao
    form: Form = {
        "number": seen.number,
        # An open block has no hash, but eth-tester wants one.
        "hash": block.hash or bytes(32),
        "parent_hash": block.parent_hash,
        "nonce": bytes(8),
        "sha3_uncles": NO_OMMERS,
        "logs_bloom": int.from_bytes(block.bloom, "big"),
        "transactions_root": block.transactions_root,
        "receipts_root": block.receipts_root,
        "state_root": block.state_root,
        "coinbase": seen.coinbase,
        "difficulty": 0 if has_chance else seen.prev_randao,
        "total_difficulty": 0 if has_chance else seen.prev_randao,
        "mix_hash": seen.prev_randao.to_bytes(32, "big") if has_chance else bytes(32),
        "size": block.size,
        "extra_data": bytes(32),
        "gas_limit": seen.gas_limit,
        "gas_used": block.gas_used,
        "timestamp": seen.timestamp,
        "transactions": [
            transaction_form(block, i) if full else block.included[i].tx.hash() for i in count
        ],
        "uncles": [],
    }
    return form | _newer_fields(block, rules)


def _newer_fields(block: Sealed, rules: Fork) -> Form:
    form: Form = {}
    if rules.has_dynamic_fee:
        form["base_fee_per_gas"] = block.block.base_fee
    if rules.warms_coinbase:  # Shanghai, which also brought withdrawals
        form |= {"withdrawals": [], "withdrawals_root": root_of_list([])}
    if rules.has_blobs:
        form["parent_beacon_block_root"] = bytes(32)
        form["blob_gas_used"] = block.blob_gas_used
        form["excess_blob_gas"] = block.excess_blob_gas
    if rules.has_requests:
        form["requests_hash"] = roots.requests_hash([])
    return form
