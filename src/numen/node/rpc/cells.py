"""`eth_`: accounts of a ledger, and calls on its contracts."""

from typing import TypeAlias

from numen.ledger.stored import Looked
from numen.node.ledger.node import LedgerNode
from numen.node.rpc import lookup
from numen.node.rpc.forms import TransactionForm
from numen.node.rpc.lookup import LATEST
from numen.node.rpc.shapes import Hex
from numen.node.rpc.table import SessionOf, rows
from numen.node.rpc.values import Address, BlockId, Word, data, word
from numen.vm.codes import shown_code, shown_slot

LedgerSession: TypeAlias = SessionOf[LedgerNode]
"""Somebody asks a ledger."""


def accounts(session: LedgerSession) -> list[Hex]:
    """Addresses that the node signs for."""
    return [data(address) for address in session.node.keys]


def get_balance(session: LedgerSession, address: Address, block: BlockId = LATEST) -> Hex:
    """Coins that an account has, in the smallest unit."""
    return hex(looked(session, address, block).account().balance)


def get_code(session: LedgerSession, address: Address, block: BlockId = LATEST) -> Hex:
    """Code of a contract: of one of EVM bytecode that, of others what was published for them."""
    found = looked(session, address, block)
    code = session.node.world.code(found.account().code)
    return data(shown_code(code, address, found) if code else b"")


def get_transaction_count(session: LedgerSession, address: Address, block: BlockId = LATEST) -> Hex:
    """Transactions that an account has sent; with `pending`, those that wait are counted too."""
    if block.tag == "pending":
        return hex(session.node.next_nonce(address))
    return hex(looked(session, address, block).account().nonce)


def get_storage_at(
    session: LedgerSession, address: Address, key: Word, block: BlockId = LATEST
) -> Hex:
    """What a slot of a contract holds, 32 bytes; of one in an atomic EVM, a word of its storage."""
    found = looked(session, address, block)
    code = session.node.world.code(found.account().code)
    return word(shown_slot(code, address, found, key) if code else found.load(key))


def call(session: LedgerSession, transaction: TransactionForm, block: BlockId = LATEST) -> Hex:
    """Ask a contract, and keep nothing; gives its result.

    A function that changes nothing is looked at, in the state after any block. Any other is tried
    on the last one with all that follows from it, up to the answer that it waits for.
    """
    node = session.node
    moment = node.moment(lookup.require(node, block))
    return data(node.calls.call(transaction.call(), moment))


def estimate_gas(
    session: LedgerSession,
    transaction: TransactionForm,
    block: BlockId = LATEST,  # noqa: ARG001 - clients name one
) -> Hex:
    """Work with which a transaction, and all that follows, ends as with all the work there is.

    It is at most one part of 64 too high, and looks at the last block alone.
    """
    return hex(session.node.estimate(transaction.call()))


def looked(session: LedgerSession, address: bytes, block: BlockId) -> Looked:
    """What an address had after a block.

    Raises:
        RpcError: There is no such block.
        UnknownVersionError: Its state is not kept any more.
    """
    node = session.node
    return node.calls.looked(address, node.moment(lookup.require(node, block)).version)


METHODS = rows(
    {
        "eth_accounts": accounts,
        "eth_getBalance": get_balance,
        "eth_getCode": get_code,
        "eth_getTransactionCount": get_transaction_count,
        "eth_getStorageAt": get_storage_at,
        "eth_call": call,
        "eth_estimateGas": estimate_gas,
    }
)
