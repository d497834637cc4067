"""`eth_`: accounts, calls on them, and proofs of them."""

from typing import Final

import msgspec

from numen.base.crypto import keccak256
from numen.evm import fees
from numen.evm.halt import Halt
from numen.node import simulate
from numen.node.rpc import forms, lookup, shapes
from numen.node.rpc.faults import INVALID_PARAMS, RpcError, failed
from numen.node.rpc.forms import BlockForm, Overrides, TransactionForm
from numen.node.rpc.lookup import LATEST
from numen.node.rpc.shapes import Hex, ProofShape, SlotProofShape
from numen.node.rpc.table import DevSession, rows
from numen.node.rpc.values import Address, BlockId, Word, data, word
from numen.node.simulate import Ground

KEYS_MAX: Final = 1_024
"""Most words of storage that one proof is about."""


def accounts(session: DevSession) -> list[Hex]:
    """Addresses that the node signs for."""
    return [data(address) for address in session.node.keys]


def get_balance(session: DevSession, address: Address, block: BlockId = LATEST) -> Hex:
    """Wei that an account has."""
    return hex(_entry(session, address, block)[1])


def get_code(session: DevSession, address: Address, block: BlockId = LATEST) -> Hex:
    """Code of an account."""
    return data(_entry(session, address, block)[2])


def get_transaction_count(session: DevSession, address: Address, block: BlockId = LATEST) -> Hex:
    """Transactions that an account has sent; with `pending`, those that wait are counted too."""
    if block.tag == "pending":
        return hex(session.node.next_nonce(address))
    return hex(_entry(session, address, block)[0])


def get_storage_at(
    session: DevSession, address: Address, key: Word, block: BlockId = LATEST
) -> Hex:
    """A word of an account's storage, 32 bytes."""
    node = session.node
    if block.tag == "pending" and len(node.pool):
        return word(node.draft()[2].machine.storage(address, key))
    return word(lookup.source(node, block)[0].slot(address, key))


def _entry(session: DevSession, address: Address, block: BlockId) -> tuple[int, int, bytes]:
    node = session.node
    if block.tag == "pending" and len(node.pool):
        machine = node.draft()[2].machine
        return machine.nonce(address), machine.balance(address), machine.code(address)
    return lookup.source(node, block)[0].account(address) or (0, 0, b"")


def get_proof(
    session: DevSession, address: Address, keys: list[Word], block: BlockId = LATEST
) -> ProofShape:
    """An account, words of its storage, and the nodes of the tries that show them (EIP-1186)."""
    if len(keys) > KEYS_MAX:
        raise RpcError(INVALID_PARAMS, f"more than {KEYS_MAX} keys")
    node = session.node
    state = node.chain.state_at(lookup.require(node, block))
    nonce, balance, code = state.account(address) or (0, 0, b"")
    opening = state.open(address, keys)
    return ProofShape(
        address=data(address),
        balance=hex(balance),
        code_hash=data(keccak256(code)),
        nonce=hex(nonce),
        storage_hash=data(opening.storage_root),
        account_proof=[data(each) for each in opening.account],
        storage_proof=[
            SlotProofShape(word(key), hex(state.slot(address, key)), [data(each) for each in nodes])
            for key, nodes in zip(keys, opening.slots, strict=True)
        ],
    )


def call(
    session: DevSession,
    transaction: TransactionForm,
    block: BlockId = LATEST,
    overrides: Overrides | None = None,
    block_overrides: BlockForm | None = None,
) -> Hex:
    """Run a call on the state after a block, and keep nothing; gives its output.

    Accounts, and what the code sees of the block, may be made up for it.
    """
    ground = _ground(session, block, overrides, block_overrides)
    outcome = simulate.run(ground, transaction.call())
    if not outcome.success:
        raise failed(outcome)
    return data(outcome.output)


def estimate_gas(
    session: DevSession,
    transaction: TransactionForm,
    block: BlockId = LATEST,
    overrides: Overrides | None = None,
) -> Hex:
    """The least gas limit with which a transaction succeeds, to the unit."""
    ground = _ground(session, block, overrides)
    return hex(simulate.estimate(ground, transaction.call()))


def _ground(
    session: DevSession,
    block: BlockId,
    overrides: Overrides | None,
    block_overrides: BlockForm | None = None,
) -> Ground:
    ground = lookup.ground(session.node, block, forms.overrides(overrides))
    changes = block_overrides.changes() if block_overrides else {}
    if not changes:
        return ground
    seen = msgspec.structs.replace(ground.block, **changes)
    return msgspec.structs.replace(ground, block=seen)


class AccessListShape(msgspec.Struct, rename="camel", omit_defaults=True):
    """What a call accesses, and the gas it takes with that in its access list."""

    access_list: list[shapes.AccessShape]
    gas_used: Hex
    error: str | None = None


def create_access_list(
    session: DevSession, transaction: TransactionForm, block: BlockId = LATEST
) -> AccessListShape:
    """What a transaction accesses, and the gas that it takes with that as its access list."""
    node = session.node
    source, seen = lookup.source(node, block)
    asked = transaction.call()
    found, outcome = simulate.access_list(node.chain.machine_on, source, seen, asked)
    shell = msgspec.structs.replace(asked.shell(), access_list=found)
    intrinsic, floor = fees.intrinsic_gas(shell, node.chain.fork)
    used = intrinsic + outcome.gas_used
    used = max(used - min(outcome.refunded, used // node.chain.fork.gas.refund_quotient), floor)
    error = None
    if not outcome.success:
        error = outcome.reason if outcome.halt is Halt.REVERT else failed(outcome).message
    return AccessListShape(shapes.accesses(shell), hex(used), error)


METHODS = rows(
    {
        "eth_accounts": accounts,
        "eth_getBalance": get_balance,
        "eth_getCode": get_code,
        "eth_getTransactionCount": get_transaction_count,
        "eth_getStorageAt": get_storage_at,
        "eth_getProof": get_proof,
        "eth_call": call,
        "eth_estimateGas": estimate_gas,
        "eth_createAccessList": create_access_list,
    }
)
