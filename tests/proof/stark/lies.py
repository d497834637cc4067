"""Changes of proofs that no verifier may accept, each drawn from a seed."""

import random
from collections.abc import Callable

import numpy as np

from numen.proof.stark import codec, merkle
from numen.proof.stark.errors import StarkError
from numen.proof.stark.field import P
from numen.proof.stark.layout import Layout
from numen.proof.stark.merkle import Opening
from numen.proof.stark.proof import Proof
from numen.proof.stark.statement import Statement
from numen.proof.stark.verifier import verify

import msgspec  # isort: skip

change = msgspec.structs.replace

Lie = Callable[[random.Random, bytes, Layout, Proof], bytes]


def is_refused(told: Statement, data: bytes) -> bool:
    """Whether a proof is refused with an error of ours; any other error is let through."""
    try:
        verify(told, data)
    except StarkError:
        return True
    return False


def byte(rng: random.Random, data: bytes, _layout: Layout, _proof: Proof) -> bytes:
    place = rng.randrange(len(data))
    return data[:place] + bytes([data[place] ^ rng.randrange(1, 256)]) + data[place + 1 :]


def bit(rng: random.Random, data: bytes, _layout: Layout, _proof: Proof) -> bytes:
    place = rng.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :]


def cut(rng: random.Random, data: bytes, _layout: Layout, _proof: Proof) -> bytes:
    return data[: rng.randrange(len(data))]


def grow(rng: random.Random, data: bytes, _layout: Layout, _proof: Proof) -> bytes:
    place = rng.choice([len(data), rng.randrange(len(data))])
    return data[:place] + rng.randbytes(rng.randrange(1, 40)) + data[place:]


def drop(rng: random.Random, data: bytes, _layout: Layout, _proof: Proof) -> bytes:
    start = rng.randrange(len(data))
    return data[:start] + data[start + rng.randrange(1, 40) :]


def copy(rng: random.Random, data: bytes, _layout: Layout, _proof: Proof) -> bytes:
    """Write a piece over another."""
    size = rng.choice([1, 2, 4, 16, 32, 64])
    start, target = (rng.randrange(len(data) - size) for _ in range(2))
    return data[:target] + data[start : start + size] + data[target + size :]


def noncanonical(rng: random.Random, data: bytes, layout: Layout, proof: Proof) -> bytes:
    """Write an element as itself plus P."""
    size = len(data) - 4
    for place in (rng.randrange(size) for _ in range(10_000)):
        value = int.from_bytes(data[place : place + 4], "little")
        if value + P < 1 << 32:
            return data[:place] + (value + P).to_bytes(4, "little") + data[place + 4 :]
    return byte(rng, data, layout, proof)


def swapped_roots(rng: random.Random, _data: bytes, layout: Layout, proof: Proof) -> bytes:
    roots = [*proof.roots, *proof.layer_roots]
    i, j = rng.sample(range(len(roots)), 2)
    roots[i], roots[j] = roots[j], roots[i]
    count = len(proof.roots)
    told = change(proof, roots=tuple(roots[:count]), layer_roots=tuple(roots[count:]))
    return codec.encode(layout.profile, told)


def height(rng: random.Random, _data: bytes, layout: Layout, proof: Proof) -> bytes:
    rows = list(proof.log_rows)
    place = rng.randrange(len(rows))
    rows[place] = rng.choice([log for log in (None, *range(26), 31) if log != rows[place]])
    return codec.encode(layout.profile, change(proof, log_rows=tuple(rows)))


def element(rng: random.Random, _data: bytes, layout: Layout, proof: Proof) -> bytes:
    """Change one element of a field of the proof, canonically."""
    name = rng.choice(["values", "last", "sums"])
    values = np.array(getattr(proof, name), dtype=np.uint32)
    if values.size:
        place = rng.randrange(values.size)
        flat = values.reshape(-1)
        flat[place] = (int(flat[place]) + rng.choice([1, P - 1, rng.randrange(1, P)])) % P
    else:
        name, values = "values", proof.values + np.uint32(1)
    told = values if name != "sums" else tuple(tuple(one) for one in values.tolist())
    return codec.encode(layout.profile, change(proof, **{name: told}))


def balanced_sums(rng: random.Random, _data: bytes, layout: Layout, proof: Proof) -> bytes:
    """Move a part of one chip's total to another's, so that they still balance."""
    sums = [list(one) for one in proof.sums]
    if len(sums) < 2:
        return element(rng, b"", layout, proof)
    i, j = rng.sample(range(len(sums)), 2)
    place, part = rng.randrange(len(sums[0])), rng.randrange(1, P)
    sums[i][place] = (sums[i][place] + part) % P
    sums[j][place] = (sums[j][place] - part) % P
    told = change(proof, sums=tuple(tuple(one) for one in sums))
    return codec.encode(layout.profile, told)


def opened(rng: random.Random, _data: bytes, layout: Layout, proof: Proof) -> bytes:
    """Change, drop, repeat or reorder rows and hashes of one opening."""
    name = rng.choice(["openings", "layer_openings"] if proof.layer_openings else ["openings"])
    all_ = list(getattr(proof, name))
    place = rng.randrange(len(all_))
    all_[place] = _opening(rng, all_[place])
    return codec.encode(layout.profile, change(proof, **{name: tuple(all_)}))


def _opening(rng: random.Random, one: Opening) -> Opening:
    rows, size = list(one.rows), merkle.HASH_BYTES
    place = rng.randrange(len(rows))
    table, kind = rows[place], rng.randrange(6)
    if kind == 0:
        table = table.copy()
        row, column = rng.randrange(len(table)), rng.randrange(table.shape[1])
        table[row, column] = (int(table[row, column]) + rng.randrange(1, P)) % P
    elif kind == 1:
        table = table[:-1]
    elif kind == 2:
        table = np.concatenate([table, table[-1:]])
    elif kind == 3 and len({row.tobytes() for row in table}) > 1:
        table = np.roll(table, 1, axis=0)
    elif kind == 4 and one.siblings:
        return change(one, siblings=one.siblings[:-size])
    else:
        return change(one, siblings=one.siblings + bytes(size))
    rows[place] = table
    return change(one, rows=tuple(rows))


def nonce(rng: random.Random, _data: bytes, layout: Layout, proof: Proof) -> bytes:
    nonces = list(proof.nonces)
    place = rng.randrange(len(nonces))
    nonces[place] = (nonces[place] + rng.randrange(1, 1 << 20)) % (1 << 64)
    return codec.encode(layout.profile, change(proof, nonces=tuple(nonces)))


LIES: tuple[Lie, ...] = (
    byte,
    bit,
    cut,
    grow,
    drop,
    copy,
    noncanonical,
    swapped_roots,
    height,
    element,
    balanced_sums,
    opened,
    nonce,
)
