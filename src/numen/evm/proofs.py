"""Proofs of accounts and slots under a state root, as EIP-1186 gives them, verified.

A proof is the encoded nodes of a trie on the way to a key. `verify_value` follows the key down
through them, and believes a node only because the one above has its hash; so a header whose hash is
known is all that a verifier needs.

Source: yellow paper, appendix D; EIP-1186.
"""

from collections.abc import Sequence

import msgspec

from numen.base.crypto import keccak256
from numen.base.errors import NumenError
from numen.evm import rlp
from numen.evm.rlp import Item
from numen.evm.roots import EMPTY_CODE_HASH
from numen.evm.trie import EMPTY_ROOT

NODES_MAX = 66
"""Most nodes of a proof: one for each digit of a key, a leaf and shared digits."""

NODE_BYTES_MAX = 4096
"""Longest node that is read; a branch has at most some 600 bytes, a leaf its value's."""

HEADER_BYTES_MAX = 4096
"""Longest header that is read."""

_STATE_ROOT_PLACE = 3


class TrieProofError(NumenError):
    """Nodes do not show what a key has under a root."""


class ProvenAccount(msgspec.Struct, frozen=True):
    """What a state root says of an address.

    Attributes:
        nonce: Transactions it has sent.
        balance: Wei.
        storage_root: Root of the trie of its slots.
        code_hash: keccak256 of its code.
    """

    nonce: int = 0
    balance: int = 0
    storage_root: bytes = EMPTY_ROOT
    code_hash: bytes = EMPTY_CODE_HASH


def state_root(header: bytes, block_hash: bytes) -> bytes:
    """The state root in a block's header, which is encoded and has a hash that is known.

    Raises:
        TrieProofError: It has another hash, or is no header.
    """
    if keccak256(header) != block_hash:
        raise TrieProofError("the header has another hash than the block")
    fields = _decode(header, HEADER_BYTES_MAX)
    root = fields[_STATE_ROOT_PLACE] if len(fields) > _STATE_ROOT_PLACE else b""
    if not isinstance(root, bytes) or len(root) != 32:
        raise TrieProofError("the header has no state root")
    return root


def verify_account(root: bytes, address: bytes, nodes: Sequence[bytes]) -> ProvenAccount:
    """What an address has under a state root; an absent one has nothing.

    Raises:
        TrieProofError: The nodes do not show it.
    """
    value = verify_value(root, keccak256(address), nodes)
    if not value:
        return ProvenAccount()
    fields = _decode(value, NODE_BYTES_MAX)
    if len(fields) != 4:
        raise TrieProofError("the value is no account")
    nonce, balance, storage_root, code_hash = fields
    try:
        numbers = rlp.to_int(nonce, bytes_max=8), rlp.to_int(balance)
    except rlp.IntegerError as error:
        raise TrieProofError(f"the value is no account: {error}") from error
    if not isinstance(storage_root, bytes) or not isinstance(code_hash, bytes):
        raise TrieProofError("the value is no account")
    return ProvenAccount(*numbers, storage_root, code_hash)


def verify_slot(storage_root: bytes, key: int, nodes: Sequence[bytes]) -> int:
    """The word of a slot under the root of an account's storage; 0 for an absent one.

    Raises:
        TrieProofError: The nodes do not show it.
    """
    value = verify_value(storage_root, keccak256(key.to_bytes(32, "big")), nodes)
    if not value:
        return 0
    try:
        return rlp.to_int(rlp.decode(value))
    except (rlp.DecodeError, rlp.IntegerError) as error:
        raise TrieProofError(f"the value is no word: {error}") from error


def verify_value(root: bytes, key: bytes, nodes: Sequence[bytes]) -> bytes:
    """What a key has in a trie; nothing for an absent one.

    Args:
        root: 32 bytes that somebody vouches for.
        key: As it is spelled in the trie: hashed, where keys are.
        nodes: From anyone.

    Raises:
        TrieProofError: The nodes do not show it, or there are more than the way has.
    """
    if not nodes:
        if root == EMPTY_ROOT:
            return b""
        raise TrieProofError("there are no nodes")
    if len(nodes) > NODES_MAX:
        raise TrieProofError(f"{len(nodes)} nodes, the most is {NODES_MAX}")
    waiting = list(reversed(nodes))
    reference: Item = root
    digits = key.hex()
    while True:
        node = _follow(reference, waiting, is_root=len(waiting) == len(nodes))
        value, reference, digits = _step(node, digits)
        if reference:
            continue
        if waiting:
            raise TrieProofError(f"{len(waiting)} nodes more than the way has")
        return value


def _follow(reference: Item, waiting: list[bytes], *, is_root: bool) -> list[Item]:
    """The node that a reference stands for: itself, or the next one given, if it has its hash."""
    if isinstance(reference, list):
        return reference
    if len(reference) != 32 or not waiting:
        raise TrieProofError("the way goes on and there are no more nodes")
    raw = waiting.pop()
    if keccak256(raw) != reference or (len(raw) < 32 and not is_root):
        raise TrieProofError("a node has another hash than the one above says")
    return _decode(raw, NODE_BYTES_MAX)


def _step(node: list[Item], digits: str) -> tuple[bytes, Item, str]:
    """Go through a node: a value at the end, or the next reference and the digits left."""
    if len(node) == 17:
        if digits:
            return b"", node[int(digits[0], 16)], digits[1:]
        return _value(node[16]), b"", ""
    if len(node) != 2:
        raise TrieProofError(f"a node of {len(node)} items")
    path, is_leaf = _path(node[0])
    if is_leaf:
        return (_value(node[1]) if path == digits else b""), b"", ""
    if not path or not node[1]:
        raise TrieProofError("shared digits that lead nowhere")
    if not digits.startswith(path):
        return b"", b"", ""
    return b"", node[1], digits[len(path) :]


def _path(item: Item) -> tuple[str, bool]:
    """The digits that a path spells, and whether it is that of a leaf."""
    spelled = item.hex() if isinstance(item, bytes) else ""
    if spelled[:1] not in {"0", "1", "2", "3"} or (spelled[0] in "02" and spelled[1:2] != "0"):
        raise TrieProofError("a node whose path is none")
    return spelled[1 if spelled[0] in "13" else 2 :], spelled[0] in "23"


def _value(item: Item) -> bytes:
    if not isinstance(item, bytes):
        raise TrieProofError("a list where a value is expected")
    return item


def _decode(raw: bytes, bytes_max: int) -> list[Item]:
    try:
        item = rlp.decode(raw, bounds=rlp.Bounds(bytes_max, 64, 1 << 12))
    except (rlp.DecodeError, rlp.TooLongError) as error:
        raise TrieProofError(f"a node cannot be read: {error}") from error
    if not isinstance(item, list):
        raise TrieProofError("a string where a list is expected")
    return item
