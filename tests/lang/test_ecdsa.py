"""ECDSA of the standard library, against vectors and libsecp256k1, and what must be refused."""

import json
from pathlib import Path

import coincurve
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.ir.passes.meter import meter
from numen.ir.pipeline import optimise
from numen.ir.trap import Reason
from numen.lang.compile import compile_source
from tests.engines.all_engines import Run, prepare
from tools import ecdsa
from tools.ecdsa import BASE, N, P

STD = Path(__file__).resolve().parents[2] / "src/numen/lang/std"
VECTORS = json.loads((Path(__file__).parent / "vectors/ecdsa.json").read_text())

SOURCE = """
from numen.std.ecdsa import verify

def main(h: u256, r: u256, s: u256, x: u256, y: u256) -> bool:
    return verify(h, r, s, x, y)
"""

WORK = 10**9


@pytest.fixture(scope="module", params=["interp", "jit"])
def engine(request: pytest.FixtureRequest) -> Run:
    return prepare(request.param, meter(optimise(compile_source(SOURCE))))


def says(engine: Run, *numbers: int) -> bool | Reason:
    outcome = engine(list(numbers), work_limit=WORK)
    if outcome.results is None:
        assert outcome.trap is not None
        return outcome.trap.reason
    return bool(outcome.results[0])


def point(k: int, of: ecdsa.Point = BASE) -> tuple[int, int]:
    found = ecdsa.multiply(k % N, of)
    assert found is not None
    return found


def signed(secret: int, digest: int, nonce: int) -> tuple[int, int]:
    """A signature with a nonce of our own."""
    r = point(nonce)[0] % N
    return r, (digest + r * secret) * pow(nonce, -1, N) % N


def test_the_module_is_what_the_curve_gives():
    assert (STD / "ecdsa.numen").read_text() == ecdsa.render()


def test_the_vectors_are_all_here():
    assert len(VECTORS) == 242
    assert sum(vector["is_valid"] for vector in VECTORS) == 168
    # Points of which x is N or more are rare, and r is then what is above N.
    assert any(int(v["numbers"][1], 16) < P - N and v["is_valid"] for v in VECTORS)


def test_wycheproof(engine: Run):
    wrong = []
    for vector in VECTORS:
        numbers = [int(number, 16) for number in vector["numbers"]]
        if says(engine, *numbers) is not vector["is_valid"]:
            wrong.append((vector["id"], vector["says"]))

    assert wrong == []


secrets = st.integers(1, N - 1) | st.sampled_from([1, 2, 3, N - 1, N - 2, N // 2, 2**128])
digests = st.binary(min_size=32, max_size=32)


@settings(max_examples=25)
@given(secrets, digests, st.integers(0, 4), st.integers(1, 2**255))
def test_it_says_what_libsecp256k1_says(engine, secret, digest, which, change):
    key = coincurve.PrivateKey(secret.to_bytes(32, "big"))
    made = key.sign_recoverable(digest, hasher=None)
    x, y = key.public_key.point()
    numbers = [int.from_bytes(part, "big") for part in (digest, made[:32], made[32:64])]
    numbers += [x, y]

    assert says(engine, *numbers) is True
    numbers[which] ^= change
    other = numbers[0].to_bytes(32, "big")
    assert says(engine, *numbers) is judged(numbers[1], numbers[2], numbers[3:], other)


def judged(r: int, s: int, key: list[int], digest: bytes) -> bool:
    """What coincurve says; it takes low s only, so a high one is turned."""
    if not (0 < r < N and 0 < s < N):
        return False
    try:
        public = coincurve.PublicKey.from_point(*key)
    except ValueError:
        return False
    raw = r.to_bytes(32, "big") + min(s, N - s).to_bytes(32, "big")
    signature = coincurve.ecdsa.cdata_to_der(coincurve.ecdsa.deserialize_compact(raw))
    return public.verify(signature, digest, hasher=None)


SECRETS = (1, 2, 3, N - 1, N - 3, ecdsa.endomorphism()[1], 2**128, 12345)


@pytest.mark.parametrize("secret", SECRETS)
def test_keys_that_are_in_the_tables(engine: Run, secret: int):
    """Sums would meet their own points here, if they did not begin at START."""
    for digest, nonce in ((0, 1), (1, 2), (N, 7), (2**256 - 1, N - 1), (secret, secret)):
        r, s = signed(secret, digest, nonce)
        if s:
            assert says(engine, digest, r, s, *point(secret)) is True
            assert says(engine, digest, r, N - s, *point(secret)) is True
            assert says(engine, digest + 1 if digest < N else 5, r, s, *point(secret)) is False


def test_what_is_outside_the_rules_is_refused(engine: Run):
    digest, secret = 10**50, 77
    r, s = signed(secret, digest, 5)
    x, y = point(secret)

    assert says(engine, digest, r, s, x, y) is True
    for numbers in (
        (0, s, x, y), (r, 0, x, y), (0, 0, x, y), (N, s, x, y), (r, N, x, y), (r, s, y, x),
        (r, s, x, P - y), (r, s, 0, 0), (r, s, P, y), (r, s, x, 2**256 - 1), (r, s, x, y ^ 1),
    ):  # fmt: skip
        assert says(engine, digest, *numbers) is False, numbers
    small = next(k for k in range(1, 100) if ecdsa.root(k**3 + 7) is not None)
    root = ecdsa.root(small**3 + 7)
    assert root is not None
    assert says(engine, digest, r, s, small + P, root) is False


def test_a_sum_that_is_nothing_is_refused(engine: Run):
    """The points of both numbers are opposites: what is left has no x, whatever r is."""
    digest, secret = 99, 1234
    r = -digest * pow(secret, -1, N) % N

    assert says(engine, digest, r, 5, *point(secret)) is False


def test_a_key_made_of_start_ends_in_a_trap_and_is_not_called_false(engine: Run):
    k = 3**150 % N
    beta, scalar = ecdsa.endomorphism()
    assert beta
    digits = top_digits(k)
    key = point(2 * pow(digits[0] + digits[1] * scalar, -1, N), ecdsa.start())

    assert says(engine, 7, k, 1, *key) is Reason.DIVISION_BY_ZERO


def top_digits(k: int) -> tuple[int, int]:
    """The first digits of the two halves of a number."""
    scalar = ecdsa.endomorphism()[1]
    (a1, b1), (a2, b2) = ecdsa.basis(scalar)
    ones = (1 << 130) - 1
    scaled = (k * pow(2, -1, N) + ones * (1 + scalar) * pow(2, -1, N) - (scalar << 128)) % N
    first, second = scaled * b2 // N, scaled * -b1 // N
    low = scaled - first * a1 - second * a2
    high = (1 << 128) - first * b1 - second * b2
    assert (low + scalar * (high - (1 << 128)) - scaled) % N == 0
    assert 0 <= low < 1 << 130
    assert 0 <= high < 1 << 130
    return 2 * (low >> 128) - 3, 2 * (high >> 128) - 3


@given(st.integers(0, N - 1))
def test_halves_of_any_number_have_their_digits(k: int):
    top_digits(k)
