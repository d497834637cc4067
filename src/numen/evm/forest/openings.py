"""Openings: the nodes from a native trie's root to a key, which anybody can check by hashing.

The nodes are encoded again from the references of their children, which the pool keeps. They are
those of `eth_getProof` (EIP-1186): each is an RLP list, and the first one hashes to the root.
"""

import ctypes
from collections.abc import Iterator

from numen.base.crypto import keccak256
from numen.evm import rlp
from numen.evm.forest.nodes import DIGITS, NODE

_ABSENT = b"\x80"


def opening(pool: int, root: int, key: bytes) -> list[bytes]:
    """The encoded nodes on a key's way, from the root down.

    Args:
        pool: Address of the pool; every reference below the root is known.
        root: Index of the root; 0 for a trie without keys.
        key: The hashed key, 32 bytes. Where it is not in the trie, the nodes show that.
    """
    return list(_nodes(pool, root, key.hex())) if root else []


def _nodes(pool: int, root: int, digits: str) -> Iterator[bytes]:
    index, start = root, 0
    while index:
        node = _at(pool, index)
        depth, own = NODE.read(node, "depth"), _spelled(node)
        if depth == DIGITS:
            yield rlp.wrap(_path(own[start:], 2) + rlp.encode_bytes(_payload(node)))
            return
        children = [_child(node, digit) for digit in range(16)]
        branch = rlp.wrap(b"".join(_reference(pool, each) for each in children) + _ABSENT)
        if depth > start:
            yield rlp.wrap(_path(own[start:depth], 0) + _referred(branch))
            if own[start:depth] != digits[start:depth]:
                return
        if depth == start or len(branch) >= 32:
            yield branch
        index, start = children[int(digits[depth], 16)], depth + 1
        if index and len(_reference(pool, index)) != 33:
            return  # the child is written out inside its branch


def _at(pool: int, index: int) -> int:
    return pool + index * NODE.size_bytes


def _spelled(node: int) -> str:
    return f"{NODE.read(node, 'key'):064x}"


def _child(node: int, digit: int) -> int:
    return ctypes.c_uint32.from_address(node + NODE.offset("payload") + 4 * digit).value


def _payload(node: int) -> bytes:
    return ctypes.string_at(node + NODE.offset("payload"), NODE.read(node, "length"))


def _reference(pool: int, index: int) -> bytes:
    if not index:
        return _ABSENT
    node = _at(pool, index)
    return ctypes.string_at(node + NODE.offset("reference"), NODE.read(node, "reference_length"))


def _referred(encoded: bytes) -> bytes:
    """How a node refers to another one."""
    return rlp.encode_bytes(keccak256(encoded)) if len(encoded) >= 32 else encoded


def _path(digits: str, flag: int) -> bytes:
    packed = f"{flag + 1}{digits}" if len(digits) & 1 else f"{flag}0{digits}"
    return rlp.encode_bytes(bytes.fromhex(packed))
