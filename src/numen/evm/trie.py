"""The modified Merkle-Patricia trie, kept in memory and hashed again only where it changed.

A key is spelled in hexadecimal digits. A node holds the digits that all keys below it share, and
then either a value (a leaf) or sixteen children; what the yellow paper calls an extension is the
shared digits of a node with children, and appears only when that node is hashed.

A node knows its reference (its hash, or its encoding if that is shorter than a hash) once it has
been hashed. A node with a reference never changes again: it is copied instead. So copies of a trie
share all their nodes, and copying one costs no more than hashing it. Nodes without a reference
belong to one trie and lie above no other kind, thus every node above one has none either.

Source: yellow paper, appendix D.
"""

from collections.abc import Sequence
from typing import Final

import sha3

from numen.evm import rlp

EMPTY_ROOT: Final = bytes.fromhex(
    "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
)
"""Root of a trie without keys: keccak256 of the empty string's encoding."""

_NOTHING: Final = b"\x80"
"""What stands for a child or a value that is not there."""

_HASH_FIRST: Final = b"\xa0"
"""The first byte of an encoded hash."""

_DIGITS: Final = {f"{value:x}": value for value in range(16)}


class _Node:
    """A node.

    Attributes:
        path: Hexadecimal digits that all keys below share, after those of the nodes above.
        value: What is stored for the key that ends here; empty for none.
        children: Sixteen nodes or None, by the next digit; None for a leaf.
        reference: How the node above refers to this one, encoded; None where something below has
            changed since it was last hashed.
    """

    __slots__ = ("children", "path", "reference", "value")

    def __init__(self, path: str, value: bytes, children: "list[_Node | None] | None") -> None:
        self.path = path
        self.value = value
        self.children = children
        self.reference: bytes | None = None


class Trie:
    """A map from bytes to bytes with a root that commits to it.

    Args:
        is_secure: Whether keys are hashed before they are spelled, as those of accounts and slots
            are, so that nobody can make a path long.
    """

    __slots__ = ("_is_secure", "_top")

    def __init__(self, *, is_secure: bool = True) -> None:
        self._is_secure = is_secure
        self._top: _Node | None = None

    def put(self, key: bytes, value: bytes) -> None:
        """Store a value, not empty, for a key, and forget the one it had.

        A key that is not hashed has at most some hundred bytes.

        Cost: about three microseconds, and some ten more for the next root.
        """
        assert value, "an empty value is stored by deleting its key"
        self._top = _put(self._top, self._spell(key), 0, value)

    def delete(self, key: bytes) -> None:
        """Forget a key and its value, if there is one."""
        if self._top is not None:
            self._top = _delete(self._top, self._spell(key), 0)

    def get(self, key: bytes) -> bytes:
        """Find the value of a key; empty where there is none."""
        digits, at, node = self._spell(key), 0, self._top
        while node is not None and digits.startswith(node.path, at):
            at += len(node.path)
            if at == len(digits):
                return node.value
            node = node.children[_DIGITS[digits[at]]] if node.children else None
            at += 1
        return b""

    def prove(self, key: bytes) -> list[bytes]:
        """The encoded nodes on the way to a key, or to where it would be, from the root down.

        Each is hashed in the one before; what is shorter than a hash lies in the one before, and
        is not there by itself. `numen.evm.proofs` reads them.
        """
        self.root()
        digits, at, node = self._spell(key), 0, self._top
        nodes: list[bytes] = []
        while node is not None:
            fits = digits.startswith(node.path, at)
            encodings = _encodings(node)
            if not fits:  # the shared digits alone tell that the key is not here
                encodings = encodings[:1]
            nodes += [each for each in encodings if len(each) >= 32 or not nodes]
            at += len(node.path)
            if not fits or node.children is None or at == len(digits):
                break
            node = node.children[_DIGITS[digits[at]]]
            at += 1
        return nodes

    def root(self) -> bytes:
        """Commit to all keys and values; 32 bytes.

        Cost: about five microseconds for each node above or at what changed since the last time.
        """
        if self._top is None:
            return EMPTY_ROOT
        reference = self._top.reference or _refer(self._top)
        # What is shorter than a hash stands for itself below another node, but not as a root.
        return reference[1:] if len(reference) == 33 else sha3.keccak_256(reference).digest()

    def copy(self) -> "Trie":
        """Make a trie that is the same, and changes on its own from then on."""
        self.root()
        other = Trie(is_secure=self._is_secure)
        other._top = self._top
        return other

    def _spell(self, key: bytes) -> str:
        return sha3.keccak_256(key).hexdigest() if self._is_secure else key.hex()


def root_of_list(items: Sequence[bytes]) -> bytes:
    """Commit to a list, as blocks do to transactions, receipts and withdrawals; 32 bytes.

    Args:
        items: The items, encoded. Each is stored for the RLP of its index.
    """
    trie = Trie(is_secure=False)
    for index, item in enumerate(items):
        trie.put(rlp.encode(index), item)
    return trie.root()


def _put(node: _Node | None, key: str, at: int, value: bytes) -> _Node:
    """Store a value below a node, for the digits of a key from a place on; give what replaces it.

    A node that gives itself had no reference, and then no node above it has one.
    """
    if node is None:
        return _Node(key[at:], value, None)
    path = node.path
    if not key.startswith(path, at):
        return _split(node, key, at, value)
    at += len(path)
    if at == len(key):
        if node.reference is not None:
            return _Node(path, value, _unshared(node))
        node.value = value
        return node
    children = node.children
    if children is None:
        children = [None] * 16
        node = _Node(path, node.value, children)
    elif node.reference is not None:
        children = children.copy()
        node = _Node(path, node.value, children)
    digit = _DIGITS[key[at]]
    children[digit] = _put(children[digit], key, at + 1, value)
    return node


def _split(node: _Node, key: str, at: int, value: bytes) -> _Node:
    """Put a node with children above one whose path goes another way than the key."""
    path, rest = node.path, key[at:]
    shared = 0
    for ours, theirs in zip(path, rest, strict=False):
        if ours != theirs:
            break
        shared += 1
    children: list[_Node | None] = [None] * 16
    lower = _Node(path[shared + 1 :], node.value, _unshared(node))
    children[_DIGITS[path[shared]]] = lower
    if shared == len(rest):
        return _Node(rest, value, children)
    children[_DIGITS[rest[shared]]] = _Node(rest[shared + 1 :], value, None)
    return _Node(path[:shared], b"", children)


def _delete(node: _Node, key: str, at: int) -> _Node | None:
    """Forget a key below a node; give what replaces it, which is itself where nothing changed.

    As with `_put`, a node that changed and gives itself had no reference.
    """
    path = node.path
    if not key.startswith(path, at):
        return node
    at += len(path)
    children = node.children
    if at == len(key):
        if children is None:
            return None
        return _joined(path, b"", children.copy()) if node.value else node
    if children is None:
        return node
    digit = _DIGITS[key[at]]
    child = children[digit]
    if child is None:
        return node
    below = _delete(child, key, at + 1)
    if below is child:
        return node
    if node.reference is not None:
        children = children.copy()
    children[digit] = below
    if below is None:
        return _joined(path, node.value, children)
    if node.reference is None:
        return node
    return _Node(path, node.value, children)


def _joined(path: str, value: bytes, children: list[_Node | None]) -> _Node:
    """Make a node with children, or what is left of it where they have become too few."""
    left = [digit for digit, child in enumerate(children) if child is not None]
    if not left:
        return _Node(path, value, None)
    only = children[left[0]]
    if len(left) > 1 or value or only is None:
        return _Node(path, value, children)
    return _Node(f"{path}{left[0]:x}{only.path}", only.value, _unshared(only))


def _unshared(node: _Node) -> list[_Node | None] | None:
    """Give a node's children to a node without a reference, which may write to them."""
    children = node.children
    return children if children is None or node.reference is None else children.copy()


def _refer(node: _Node) -> bytes:
    """Work out a node's reference, and those below it that are missing.

    Recursion is as deep as a key has digits.
    """
    node.reference = reference = _shortened(_encodings(node)[0])
    return reference


def _encodings(node: _Node) -> list[bytes]:
    """The encoding of a node; where it is shared digits above children, also that of the latter."""
    children = node.children
    if children is None:
        return [rlp.wrap(_spelled(node.path, 2) + rlp.encode_bytes(node.value))]
    references = [
        _NOTHING if child is None else child.reference or _refer(child) for child in children
    ]
    references.append(rlp.encode_bytes(node.value))
    branch = rlp.wrap(b"".join(references))
    if not node.path:
        return [branch]
    return [rlp.wrap(_spelled(node.path, 0) + _shortened(branch)), branch]


def _shortened(encoded: bytes) -> bytes:
    """Give the encoding itself, or that of its hash if this is shorter."""
    return encoded if len(encoded) < 32 else _HASH_FIRST + sha3.keccak_256(encoded).digest()


def _spelled(path: str, flag: int) -> bytes:
    """Encode digits as bytes behind a flag: 0 above children, 2 in a leaf; one more if odd."""
    packed = bytes.fromhex(f"{flag + 1}{path}" if len(path) & 1 else f"{flag}0{path}")
    return rlp.encode_bytes(packed)
