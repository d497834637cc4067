"""`eth_`: signing and sending transactions."""

from typing import Final

import msgspec

from numen.base.crypto import keccak256
from numen.evm.transaction import Kind, Transaction
from numen.node import typed_data
from numen.node.blocks import Signed
from numen.node.rpc import shapes
from numen.node.rpc.faults import INVALID_PARAMS, RpcError
from numen.node.rpc.forms import TransactionForm
from numen.node.rpc.shapes import Hex, ReceiptShape, TransactionShape
from numen.node.rpc.table import DevSession, Session, rows
from numen.node.rpc.values import Address, Data, data
from numen.node.surface import TIP, Node, NoKeyError

_MESSAGE: Final = b"\x19Ethereum Signed Message:\n"
"""What is signed before a message's length and the message (EIP-191)."""


def send_raw_transaction(session: Session, raw: Data) -> Hex:
    """Take a signed transaction; gives its hash.

    All types are taken. One of type 3 may have its blobs with it, as networks send them: they are
    compared with its commitments and then forgotten.
    """
    return data(session.node.submit(session.node.read(bytes(raw))))


def send_raw_transaction_sync(session: Session, raw: Data) -> ReceiptShape:
    """Take a signed transaction, and give its receipt (EIP-7966).

    Where blocks are not made at once, one is made for it.
    """
    node = session.node
    tx_hash = node.submit(node.read(bytes(raw)))
    place = node.chain.holding(tx_hash)
    if place is None:
        node.mine()
        place = node.chain.holding(tx_hash)
    if place is None:
        raise RpcError(-32000, "the transaction waits for others")
    return shapes.receipt(*place, session.written)


def send_transaction(session: Session, transaction: TransactionForm) -> Hex:
    """Sign a transaction with a key of the node, or impersonate its sender, and take it.

    What it leaves out is filled in: nonce, gas (estimated), and fees.
    """
    node = session.node
    sender = _sender(node, transaction)
    return data(node.submit(node.sign(fill(node, transaction, sender), sender)))


def send_unsigned_transaction(session: DevSession, transaction: TransactionForm) -> Hex:
    """Take a transaction of anybody, as if its sender were impersonated."""
    node = session.node
    sender = _sender(node, transaction)
    return data(node.submit(Signed.impersonated(fill(node, transaction, sender), sender)))


class SignedShape(msgspec.Struct):
    """A signed transaction: its bytes, and what is in them."""

    raw: Hex
    tx: TransactionShape


def sign_transaction(session: Session, transaction: TransactionForm) -> SignedShape:
    """Sign a transaction with a key of the node, and do not send it."""
    node = session.node
    sender = _sender(node, transaction)
    if sender not in node.keys:
        raise NoKeyError(sender)
    signed = node.sign(fill(node, transaction, sender), sender)
    return SignedShape(data(signed.raw), shapes.waiting(signed, node.chain.latest.block.base_fee))


def fill_transaction(session: Session, transaction: TransactionForm) -> SignedShape:
    """Fill in what a transaction leaves out, and neither sign nor send it."""
    node = session.node
    sender = _sender(node, transaction)
    signed = Signed.of(fill(node, transaction, sender), sender)
    return SignedShape(data(signed.raw), shapes.waiting(signed, node.chain.latest.block.base_fee))


def _sender(node: Node, form: TransactionForm) -> bytes:
    if form.sender is not None:
        return form.sender
    if not node.keys:
        raise RpcError(INVALID_PARAMS, "the transaction names no sender")
    return next(iter(node.keys))


def fill(node: Node, form: TransactionForm, sender: bytes) -> Transaction:
    """Fill in what a transaction leaves out.

    Raises:
        RpcError: It contradicts itself, or is for another chain.
        RevertedError: Its gas is to be estimated, and it reverts.
        CallError: The same, and it fails.
    """
    if form.chain_id is not None and form.chain_id != node.chain.chain_id:
        raise RpcError(INVALID_PARAMS, "chainId does not match node's")
    call = msgspec.structs.replace(form.call(), caller=sender)
    kind, most, tip = _fees(node, form)
    if form.gas is not None:
        gas = int(form.gas)
    else:
        # Fees are left out: who cannot pay is told so when the transaction is taken.
        free = msgspec.structs.replace(call, gas_price=0)
        gas = node.estimate(free)
    return Transaction(
        kind=kind,
        chain_id=node.chain.chain_id if node.chain.fork.has_replay_protection else None,
        nonce=node.next_nonce(sender) if form.nonce is None else form.nonce,
        max_fee=most,
        max_priority_fee=tip,
        gas_limit=gas,
        to=form.to,
        value=call.value,
        data=call.data,
        access_list=call.access_list,
        max_fee_per_blob_gas=_blob_fee(node, form) if kind is Kind.BLOB else 0,
        blob_hashes=call.blob_hashes,
        authorizations=call.authorizations,
    )


def _fees(node: Node, form: TransactionForm) -> tuple[Kind, int, int]:
    """The kind of a transaction, the most that it pays for gas, and its tip."""
    base_fee = node.next_block().base_fee
    if form.gas_price is not None or not node.chain.fork.has_dynamic_fee:
        price = TIP if form.gas_price is None else form.gas_price
        kind = Kind.LEGACY if form.access_list is None else Kind.ACCESS_LIST
        return kind, price, price
    kind = Kind.FEE_MARKET
    if form.authorization_list is not None:
        kind = Kind.SET_CODE
    elif form.blob_versioned_hashes is not None:
        kind = Kind.BLOB
    most, tip = form.max_fee_per_gas, form.max_priority_fee_per_gas
    given = TIP if most is None else min(TIP, most)
    given = given if tip is None else int(tip)
    return kind, (2 * base_fee + given if most is None else int(most)), given


def _blob_fee(node: Node, form: TransactionForm) -> int:
    if form.max_fee_per_blob_gas is not None:
        return form.max_fee_per_blob_gas
    return 2 * node.next_block().blob_base_fee


def sign(session: Session, address: Address, message: Data) -> Hex:
    """Sign a message with a key of the node (EIP-191); 65 bytes."""
    return _signed(session, address, _message_digest(message))


def personal_sign(session: Session, message: Data, address: Address) -> Hex:
    """Sign a message with a key of the node (EIP-191); as `eth_sign`, the other way round."""
    return _signed(session, address, _message_digest(message))


def _message_digest(message: bytes) -> bytes:
    return keccak256(_MESSAGE, str(len(message)).encode(), message)


def sign_typed_data(session: Session, address: Address, typed: msgspec.Raw) -> Hex:
    """Sign typed data with a key of the node (EIP-712); 65 bytes.

    The data is an object with types, primaryType, domain and message, or the text of one.
    """
    return _signed(session, address, typed_data.digest(bytes(typed)))


def _signed(session: Session, address: Address, digest: bytes) -> Hex:
    key = session.node.keys.get(address)
    if key is None:
        raise NoKeyError(address)
    return data(key.sign(digest))


METHODS = rows(
    {
        "eth_sendRawTransaction": send_raw_transaction,
        "eth_sendRawTransactionSync": send_raw_transaction_sync,
        "eth_sendTransaction": send_transaction,
        "eth_sendUnsignedTransaction": send_unsigned_transaction,
        "eth_signTransaction": sign_transaction,
        "eth_fillTransaction": fill_transaction,
        "eth_sign": sign,
        "personal_sign": personal_sign,
        "eth_signTypedData_v4": sign_typed_data,
        "eth_signTypedData": sign_typed_data,
    }
)
