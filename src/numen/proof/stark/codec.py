"""The bytes of a proof.

    magic        "NSTK", version u16, length of the profile's name u8, the name, hiding u8
    heights      a byte for each chip: logarithm of its rows, or 255
    roots        32 bytes each
    sums         d elements each
    values       d elements each
    folding      a root for each layer
    last         d elements for each coefficient
    nonces       u64 each
    openings     of each tree, then of each layer:
                 for each height, a u16 number of rows, and the rows
                 a u32 number of hashes, and the hashes

Numbers are little-endian, elements u32 below P. Every number of items but those of the openings
follows from the machine, the profile and the heights; those are bounded by the queries. A proof
has one encoding.
"""

import struct
from collections.abc import Sequence
from typing import Final

import numpy as np

from numen.proof.stark.air import PREPROCESSED, Machine
from numen.proof.stark.conversation import ABSENT
from numen.proof.stark.errors import MalformedStarkError
from numen.proof.stark.field import Felts, P
from numen.proof.stark.fri import layer_shape
from numen.proof.stark.layout import Layout, layout_of
from numen.proof.stark.merkle import HASH_BYTES, Opening, Shape
from numen.proof.stark.profile import Profile
from numen.proof.stark.proof import Proof, nonces_count

MAGIC: Final = b"NSTK"
VERSION: Final = 1


def encode(profile: Profile, proof: Proof) -> bytes:
    """Write a proof."""
    name = profile.name.encode("ascii")
    parts = [MAGIC, struct.pack("<HB", VERSION, len(name)), name, bytes([profile.is_hiding])]
    parts.append(bytes(ABSENT if log is None else log for log in proof.log_rows))
    parts += proof.roots
    parts.append(_felts(np.array(proof.sums, dtype=np.uint32)))
    parts.append(_felts(proof.values))
    parts += proof.layer_roots
    parts.append(_felts(proof.last))
    parts.append(b"".join(struct.pack("<Q", nonce) for nonce in proof.nonces))
    for opening in (*proof.openings, *proof.layer_openings):
        for rows in opening.rows:
            parts += (struct.pack("<H", len(rows)), _felts(rows))
        parts += (struct.pack("<I", len(opening.siblings) // HASH_BYTES), opening.siblings)
    return b"".join(parts)


def decode(data: bytes, machine: Machine, profile: Profile) -> tuple[Layout, Proof]:
    """Read a proof of a machine.

    Raises:
        MalformedStarkError: The bytes are not one, of this machine and this profile.

    Cost: linear in the length of the bytes; nothing is allocated for what is not there.
    """
    reader = _Reader(data)
    log_rows = _read_header(reader, machine, profile)
    layout = layout_of(machine, profile, log_rows)
    d = profile.degree
    committed = [tree for tree in layout.trees if tree.name != PREPROCESSED]
    roots = reader.hashes("roots", len(committed))
    sums = reader.felts("sums", len(layout.summed), d)
    values = reader.felts("values", layout.values_count, d)
    layer_roots = reader.hashes("folding", len(layout.layers))
    last = reader.felts("last polynomial", layout.final_length, d)
    nonces = tuple(reader.number("nonces", 8) for _ in range(nonces_count(layout)))
    queries = profile.queries
    openings = [reader.opening(tree.name, tree.shape, queries) for tree in layout.trees]
    shapes = [layer_shape(layout, place) for place in range(len(layout.layers))]
    layers = [reader.opening(f"folding {i}", shape, queries) for i, shape in enumerate(shapes)]
    reader.finish()
    return layout, Proof(
        layout.log_rows,
        roots,
        tuple(tuple(one) for one in sums.tolist()),
        values,
        layer_roots,
        last,
        nonces,
        tuple(openings),
        tuple(layers),
    )


def _read_header(reader: "_Reader", machine: Machine, profile: Profile) -> Sequence[int | None]:
    if reader.take("magic", len(MAGIC)) != MAGIC:
        raise reader.wrong("magic", "these bytes are not a proof")
    version = reader.number("version", 2)
    if version != VERSION:
        raise reader.wrong("version", f"{version} is not known")
    name = reader.take("profile", reader.number("profile", 1))
    if name != profile.name.encode("ascii"):
        raise reader.wrong("profile", f"{name!r} is not {profile.name!r}")
    if reader.number("hiding", 1) != profile.is_hiding:
        raise reader.wrong("hiding", f"the profile says {profile.is_hiding}")
    heights = reader.take("heights", len(machine.chips))
    return [None if log == ABSENT else _checked(reader, log) for log in heights]


def _checked(reader: "_Reader", log: int) -> int:
    if log > 32:
        raise reader.wrong("heights", f"2**{log} rows")
    return log


def _felts(values: Felts) -> bytes:
    return values.astype("<u4").tobytes()


class _Reader:
    """Takes bytes from the front, and says where something is wrong."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._offset = 0

    def wrong(self, part: str, reason: str) -> MalformedStarkError:
        return MalformedStarkError(part, reason, self._offset)

    def take(self, part: str, count: int) -> bytes:
        end = self._offset + count
        if end > len(self._data):
            left = len(self._data) - self._offset
            raise self.wrong(part, f"{count} bytes are asked for, {left} are left")
        taken = self._data[self._offset : end]
        self._offset = end
        return taken

    def number(self, part: str, size: int) -> int:
        return int.from_bytes(self.take(part, size), "little")

    def hashes(self, part: str, count: int) -> tuple[bytes, ...]:
        data = self.take(part, count * HASH_BYTES)
        return tuple(data[i : i + HASH_BYTES] for i in range(0, len(data), HASH_BYTES))

    def felts(self, part: str, count: int, width: int) -> Felts:
        """Elements, shape ``(count, width)``."""
        data = self.take(part, 4 * count * width)
        values = np.frombuffer(data, dtype="<u4").astype(np.uint32).reshape(count, width)
        if values.size and int(values.max()) >= P:
            raise self.wrong(part, f"an element is not below {P}")
        return values

    def opening(self, part: str, shape: Shape, queries: int) -> Opening:
        """An opening of a tree at no more places than there are queries."""
        rows = []
        for _, width in shape:
            count = self.number(part, 2)
            if count > queries:
                raise self.wrong(part, f"{count} rows, but {queries} queries")
            rows.append(self.felts(part, count, width))
        count = self.number(part, 4)
        if count > queries * shape[0][0]:
            raise self.wrong(part, f"{count} hashes, more than {queries} paths have")
        return Opening(tuple(rows), self.take(part, count * HASH_BYTES))

    def finish(self) -> None:
        if self._offset != len(self._data):
            raise self.wrong("end", f"{len(self._data) - self._offset} bytes too many")
