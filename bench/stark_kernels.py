"""Native kernels of the STARK: against numpy, hashlib a call a row, and a bar of rows a second.

numpy is the portable prover of `numen.proof.stark`, whose results are the same to the bit. The
whole prover is run over a chip of 60 columns, 128 constraints of degree 3 and 18 messages of six
values (40 columns of LogUp), and its proof verified before anything is timed.
"""

import hashlib
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from harness import Contest, Row, main
from numen.kernels import koalabear, sha256
from numen.kernels.extension import Extension as Native
from numen.proof.stark import logup
from numen.proof.stark.air import Chip, ChipBuilder, Machine
from numen.proof.stark.field import Felts, P, extension, multiply
from numen.proof.stark.fixed import preprocess
from numen.proof.stark.native import NATIVE
from numen.proof.stark.portable import PORTABLE, Kernels
from numen.proof.stark.profile import PROFILES
from numen.proof.stark.prover import prove
from numen.proof.stark.statement import Statement
from numen.proof.stark.verifier import verify

ROWS_PER_SECOND = 350_000
"""What we promise of the profile `fast` on two quiet processors."""

TRIPLES, CONSTRAINTS, MESSAGES, LENGTH = 20, 128, 9, 6


def felts(*shape: int) -> Felts:
    """Elements from a fixed seed."""
    return np.random.default_rng(1).integers(0, P, shape).astype(np.uint32)


def products_chip() -> Chip:
    """A chip of triples (a, b, a b), whose messages are all received in their own row."""
    b = ChipBuilder("products")
    triples = [b.columns(f"triple {i}", 3) for i in range(TRIPLES)]
    b.require("the first stays", b.transition * (triples[0][0].next - triples[0][0]))
    for i in range(1, CONSTRAINTS):
        x, y, product = triples[i % TRIPLES]
        b.require(f"product {i}", triples[i * 7 % TRIPLES][i % 3] * (x * y - product))
    columns = [column for triple in triples for column in triple]
    for i in range(MESSAGES):
        values = columns[LENGTH * i : LENGTH * (i + 1)]
        b.send(f"bus {i}", values, columns[i])
        b.receive(f"bus {i}", values, columns[i])
    return b.build()


def products(rows: int) -> Felts:
    """A table of the chip."""
    table = felts(rows, 3 * TRIPLES)
    table[:, 0] = 5
    table[:, 2::3] = multiply(table[:, 0::3], table[:, 1::3])
    return table


def prover(log: int, profile_name: str) -> Callable[[], bytes]:
    """A proof of a table of ``2**log`` rows, which is verified once."""
    machine, profile, table = (
        Machine.of([products_chip()]),
        PROFILES[profile_name],
        products(1 << log),
    )
    fixed = preprocess(machine, {}, profile, NATIVE)

    def run() -> bytes:
        return prove(machine, {"products": table}, fixed, (), (), profile, kernels=NATIVE)

    verify(Statement(machine, (), (), fixed.root, profile), run())
    return run


def readings(log: int) -> tuple[Callable[[Kernels], Any], Callable[[Kernels], Any]]:
    """LogUp's columns and the quotient of a table, for either kernels."""
    chip, table = products_chip(), products(1 << log)
    machine, none = Machine.of([chip]), table[:, :0]
    alpha, *betas = (tuple(row) for row in felts(LENGTH + 1, 4).tolist())
    terms = logup.Terms(logup.Challenges(alpha, tuple(betas)), machine)
    columns, total = NATIVE.fractions(chip, table, none, (), terms, 4)
    words = felts(2 << log, chip.width), felts(2 << log, 0), felts(2 << log, columns.shape[1])

    def fractions(kernels: Kernels) -> Felts:
        return kernels.fractions(chip, table, none, (), terms, 4)[0]

    def quotient(kernels: Kernels) -> Felts:
        return kernels.quotient(chip, words, log, (), terms, total, alpha)

    return fractions, quotient


def against_numpy(name: str, call: Callable[[Kernels], Any], target: float) -> Contest:
    """One step of the prover by both kernels."""
    return Contest(
        name,
        lambda: call(NATIVE),
        {"numpy": lambda: call(PORTABLE)},
        targets={"numpy": target},
        same=np.array_equal,
    )


def contests(quick: bool) -> Iterator[Contest | Row]:
    """Everything that is compared."""
    log, log_word = (10, 12) if quick else (13, 16)
    ext, beta = extension(4), (1, 2, 3, 4)
    table, word = felts(1 << log, 60), felts(1 << log_word, 4)
    native, other = Native(koalabear.QUARTIC), word[::-1].copy()
    yield against_numpy(f"extend 2^{log} x 60 by 2", lambda k: k.extend(table, log + 1, None), 0.1)
    yield Contest(
        f"multiply 2^{log_word} elements of degree 4",
        lambda: native.mul(word, other),
        {"numpy": lambda: ext.multiply_arrays(word, other)},
        targets={"numpy": 0.1},
        same=np.array_equal,
    )
    yield against_numpy(f"fold 2^{log_word} by 8", lambda k: k.fold(ext, word, 3, beta), 0.2)
    yield from hashing(1 << log_word)
    fractions, quotient = readings(log)
    yield against_numpy(f"fractions of 2^{log} rows", fractions, 0.1)
    yield against_numpy(f"quotient of 2^{log} rows", quotient, 0.1)
    for profile, log_rows in (("fast", 12 if quick else 18), ("proven", 10 if quick else 14)):
        is_promised = profile == "fast" and not quick
        yield from both_clocks(profile, log_rows, 1.0 if is_promised else None)


def both_clocks(profile: str, log: int, target: float | None) -> Iterator[Row]:
    """Prove thrice: a row for wall time and one for CPU time, medians in seconds."""
    run, samples = prover(log, profile), []
    for _ in range(3):
        wall, cpu = time.perf_counter(), time.process_time()
        run()
        samples.append((time.perf_counter() - wall, time.process_time() - cpu))
    bar = (1 << log) / ROWS_PER_SECOND
    walls, cpus = zip(*samples, strict=True)
    name = f"prove 2^{log} rows, {profile}"
    rate = f"{ROWS_PER_SECOND} rows/s"
    yield Row(f"{name}, wall vs {rate}", statistics.median(walls), bar, "s", target)
    yield Row(f"{name}, CPU vs {rate} on 2", statistics.median(cpus), 2 * bar, "s", target)


def hashing(size: int) -> Iterator[Contest]:
    """Digests of rows as long as a node and as a row of the trace."""
    for columns, target in ((16, 0.25), (60, 0.6)):
        rows = felts(size, columns)
        texts = [row.tobytes() for row in rows]

        def ours(rows: Felts = rows) -> bytes:
            return sha256.hash_rows([rows]).tobytes()

        def one_by_one(texts: list[bytes] = texts) -> bytes:
            return b"".join([hashlib.sha256(text).digest() for text in texts])

        name = f"SHA-256 of {size} rows of {4 * columns} bytes"
        yield Contest(name, ours, {"hashlib": one_by_one}, targets={"hashlib": target})


if __name__ == "__main__":
    main(__doc__, contests)
