"""Digests of rows and trees of digests, against hashlib."""

import hashlib

import numpy as np
import pytest

from numen.kernels import compiler, sha256, threads
from numen.kernels.errors import KernelInputError
from numen.kernels.koalabear import Matrix
from numen.kernels.native import Kernels
from numen.kernels.options import Options
from numen.kernels.sha256 import Digests
from numen.kernels.sha256_code import Engine, Instructions, Vectors, hash_functions


@pytest.fixture(params=[Instructions, Vectors])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash in one way, if this machine can."""
    chosen: Engine = request.param()
    if isinstance(chosen, Instructions) and not compiler.has_feature("sha"):
        pytest.skip("the processor has no instructions for SHA-256")
    kernels = Kernels(lambda: hash_functions(chosen), Options(passes="O1"))
    monkeypatch.setattr(sha256, "_KERNELS", kernels)
    monkeypatch.setattr(sha256, "_engine", lambda: chosen)


def words(rows: int, columns: int, seed: int = 0) -> Matrix:
    return np.random.default_rng(seed).integers(0, 1 << 32, (rows, columns), dtype=np.uint32)


def digest(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def rows_of(digests: Digests) -> list[bytes]:
    return [row.tobytes() for row in digests]


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("widths", [(1,), (13,), (14,), (15,), (16,), (29,), (7, 1, 30)])
def test_a_digest_is_that_of_the_joined_rows(widths: tuple[int, ...]) -> None:
    for rows in (1, 2, 7, 8, 9, 31):
        matrices = [words(rows, width, seed) for seed, width in enumerate(widths)]

        found = rows_of(sha256.hash_rows(matrices))

        assert found == [digest(*(m[i].tobytes() for m in matrices)) for i in range(rows)]


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("workers", [1, 3])
def test_threads_divide_the_rows(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "count", lambda: workers)
    matrix = words(1027, 3)

    assert rows_of(sha256.hash_rows([matrix])) == [digest(row.tobytes()) for row in matrix]


def test_a_tree_is_what_its_definition_says() -> None:
    tall, tall_too, short, single = words(8, 5), words(8, 2, 1), words(4, 3, 2), words(1, 9, 3)

    levels = [rows_of(level) for level in sha256.tree([single, tall, short, tall_too])]

    assert levels[0] == [digest(tall[i].tobytes(), tall_too[i].tobytes()) for i in range(8)]
    pairs = list(zip(levels[0][::2], levels[0][1::2], strict=True))
    assert levels[1] == [digest(*pair, digest(short[i].tobytes())) for i, pair in enumerate(pairs)]
    assert levels[2] == [digest(*levels[1][:2]), digest(*levels[1][2:])]
    assert levels[3] == [digest(*levels[2], digest(single[0].tobytes()))]
    assert len(levels) == 4


def test_the_tree_of_one_row_is_its_digest() -> None:
    row = words(1, 4)

    assert [rows_of(level) for level in sha256.tree([row])] == [[digest(row.tobytes())]]


def test_what_is_no_matrix_is_refused() -> None:
    for matrices in (
        [],
        [words(2, 1).astype(np.uint64)],
        [words(2, 1), words(3, 1)],
        [words(4, 4)[:, ::2]],
        [np.zeros((1, sha256.ROW_BYTES_MAX // 4 + 1), np.uint32)],
    ):
        with pytest.raises(KernelInputError):
            sha256.hash_rows(matrices)
    for matrices in ([], [words(3, 1)], [words(0, 1)]):
        with pytest.raises(KernelInputError):
            sha256.tree(matrices)


def test_the_longest_row_is_hashed() -> None:
    row = np.zeros((1, sha256.ROW_BYTES_MAX // 4), np.uint32)

    assert rows_of(sha256.hash_rows([row])) == [digest(row.tobytes())]


def test_what_are_no_pairs_of_digests_are_refused() -> None:
    digests = sha256.hash_rows([words(4, 1)])
    for wrong, joined in (
        (digests[:3], None),
        (digests[:, :16], None),
        (digests.view(np.uint32), None),
        (digests, digests),
        (digests, digests[:2].view(np.int8)),
    ):
        with pytest.raises(KernelInputError):
            sha256.parents(wrong, joined)
