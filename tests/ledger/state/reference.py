"""The root of a map, as its definition says: by recursion, with hashlib, from the map alone."""

import hashlib
from collections.abc import Mapping


def root(values: Mapping[bytes, bytes]) -> bytes:
    leaves = [
        (key, hashlib.sha256(b"\0" + key + hashlib.sha256(value).digest()).digest())
        for key, value in sorted(values.items())
    ]
    return _root(leaves) if leaves else bytes(32)


def _root(leaves: list[tuple[bytes, bytes]]) -> bytes:
    if len(leaves) == 1:
        return leaves[0][1]
    first, last = (int.from_bytes(leaves[i][0], "big") for i in (0, -1))
    bit = 256 - (first ^ last).bit_length()
    left = [leaf for leaf in leaves if not int.from_bytes(leaf[0], "big") >> (255 - bit) & 1]
    halves = _root(left) + _root(leaves[len(left) :])
    return hashlib.sha256(bytes([1, bit]) + halves).digest()
