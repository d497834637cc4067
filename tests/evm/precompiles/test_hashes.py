"""Precompiles 1 to 5, 9 and 0x100 against the specifications."""

import hashlib
import random

import coincurve
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from numen.base.crypto import CURVE_ORDER
from numen.evm import precompiles
from numen.evm.errors import ResourceLimitError
from numen.evm.forks import FORKS, fork
from numen.evm.precompiles.p256 import ORDER
from numen.evm.precompiles.ripemd160 import ripemd160, ripemd160_in_python
from tests.evm.precompiles.judge import GAS, check, ours

pytestmark = pytest.mark.judges

BYZANTINE = ["byzantium", "berlin", "osaka"]
"""Forks whose precompile 5 differ in price."""

edges = st.sampled_from([0, 1, 2, 26, 27, 28, 29, CURVE_ORDER - 1, CURVE_ORDER, 2**256 - 1])
words = (edges | st.integers(0, 2**256 - 1)).map(lambda word: word.to_bytes(32, "big"))


@pytest.mark.parametrize("number", [1, 2, 3, 4])
@given(data=st.binary(max_size=200))
def test_any_bytes(number, data):
    check(number, data, "frontier")


def test_every_contract_of_every_fork_is_there():
    for each in FORKS.values():
        for number in each.precompiles:
            result = precompiles.run(number, b"", GAS, each)
            fails = number in (9, 10, *range(11, 18))
            assert (result is None) == fails


def signed(seed):
    """A digest and a signature of it, ``r ‖ s`` and parity."""
    key = coincurve.PrivateKey(hashlib.sha256(bytes([seed])).digest())
    digest = hashlib.sha256(bytes([seed, 1])).digest()
    raw = key.sign_recoverable(digest, hasher=None)
    return digest, raw[:64], raw[64], key.public_key.format(compressed=False)


@given(seed=st.integers(0, 255), tail=st.binary(max_size=40), high=st.booleans())
def test_ecrecover_finds_who_signed(seed, tail, high):
    digest, signature, parity, key = signed(seed)
    if high:
        s = CURVE_ORDER - int.from_bytes(signature[32:], "big")
        signature, parity = signature[:32] + s.to_bytes(32, "big"), 1 - parity
    data = digest + (27 + parity).to_bytes(32, "big") + signature + tail

    assert check(1, data)[12:] == keccak_address(key)
    check(1, data[:127])


def keccak_address(key):
    from numen.base.crypto import address_of

    return address_of(key)


@given(digest=words, v=words, r=words, s=words)
@settings(max_examples=150)
def test_ecrecover_of_any_words(digest, v, r, s):
    check(1, digest + v + r + s)


@given(digest=words, v=st.sampled_from([27, 28]), r=words, s=words)
def test_ecrecover_of_words_with_a_parity(digest, v, r, s):
    check(1, digest + v.to_bytes(32, "big") + r + s)


@given(data=st.binary(max_size=200) | st.integers(50, 130).map(bytes))
def test_ripemd160_needs_no_openssl(data):
    assert ripemd160_in_python(data) == ripemd160(data)


def test_ripemd160_of_the_paper():
    vectors = {
        b"": "9c1185a5c5e9fc54612808977ee8f548b2258d31",
        b"abc": "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc",
        b"1234567890" * 8: "9b752e45573d4b39f4dbd3323cab82bf63326bfb",
    }
    for data, digest in vectors.items():
        assert ripemd160_in_python(data).hex() == digest


# Precompile 5. ----------------------------------------------------------------------------------

sizes = st.sampled_from([0, 1, 2, 7, 8, 9, 31, 32, 33, 63, 64, 65, 96])
fills = st.sampled_from([b"\0", b"\1", b"\2", b"\xff"])


def modexp_input(base, exponent, modulus):
    header = b"".join(len(part).to_bytes(32, "big") for part in (base, exponent, modulus))
    return header + base + exponent + modulus


@st.composite
def operands(draw):
    size = draw(sizes)
    return draw(st.binary(min_size=size, max_size=size) | fills.map(lambda byte: byte * size))


@pytest.mark.parametrize("name", BYZANTINE)
@given(base=operands(), exponent=operands(), modulus=operands(), cut=st.integers(0, 250))
@settings(max_examples=100)
def test_modexp(name, base, exponent, modulus, cut):
    data = modexp_input(base, exponent, modulus)

    check(5, data, name)
    check(5, data[:cut], name)


@pytest.mark.parametrize("name", BYZANTINE)
@pytest.mark.parametrize("size", [64, 65, 1023, 1024, 1025, 1100])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_modexp_where_its_price_changes_shape(name, size, place):
    parts = [b"\3", b"\5", b"\xfb"]
    parts[place] = b"\0" * (size - 1) + b"\x7f"
    data = modexp_input(*parts)

    result = check(5, data, name)
    assert (result is None) == (name == "osaka" and size > 1024)


@pytest.mark.parametrize("name", BYZANTINE)
@pytest.mark.parametrize("base_size", [0, 1, 2**64, 2**255])
@pytest.mark.parametrize("exponent_size", [0, 1, 2**64, 2**255])
@pytest.mark.parametrize("modulus_size", [0, 1, 2**64, 2**255])
def test_modexp_of_lengths_alone(name, base_size, exponent_size, modulus_size):
    data = b"".join(n.to_bytes(32, "big") for n in (base_size, exponent_size, modulus_size))

    check(5, data, name)


def test_modexp_beyond_this_machine_is_no_result():
    sizes = (1, 2**40, 1)
    data = b"".join(n.to_bytes(32, "big") for n in sizes)
    with pytest.raises(ResourceLimitError, match=str(2**40)):
        precompiles.run(5, data, 2**60, fork("berlin"))


def test_modexp_of_a_base_that_is_mostly_missing():
    """The input ends inside the base: the rest is zeros, and there is no modulus."""
    data = modexp_input(b"\7" * 40, b"", b"")[:100] + b""
    assert check(5, data[:96] + b"\7" * 3, "byzantium") == b""
    long_base = (10_000).to_bytes(32, "big") + (0).to_bytes(32, "big") + (1).to_bytes(32, "big")
    assert check(5, long_base + b"\7", "byzantium") == b"\0"


# Precompile 9. ----------------------------------------------------------------------------------


def blake2_input(rounds, h, m, t, final):
    return rounds.to_bytes(4, "big") + h + m + t + bytes([final])


@given(
    rounds=st.sampled_from([0, 1, 2, 9, 10, 11, 12, 25, 300]),
    fill=st.binary(min_size=208, max_size=208) | fills.map(lambda byte: byte * 208),
    final=st.sampled_from([0, 1, 2, 255]),
)
@example(rounds=12, fill=bytes(208), final=1)
def test_blake2f(rounds, fill, final):
    output = check(9, blake2_input(rounds, fill[:64], fill[64:192], fill[192:], final), "istanbul")

    assert (output is None) == (final > 1)


@pytest.mark.parametrize("size", [0, 4, 212, 214])
def test_blake2f_takes_one_size(size):
    assert check(9, bytes(size)) is None


def test_blake2f_hashes_like_blake2b():
    """EIP-152's test vector 5, which is BLAKE2b of "abc"."""
    iv = bytes.fromhex(
        "48c9bdf267e6096a3ba7ca8485ae67bb2bf894fe72f36e3cf1361d5f3af54fa5"
        "d182e6ad7f520e511f6c3e2b8c68059b6bbd41fbabd9831f79217e1319cde05b"
    )
    data = blake2_input(12, iv, b"abc".ljust(128, b"\0"), (3).to_bytes(16, "little"), 1)

    assert check(9, data) == hashlib.blake2b(b"abc").digest()


# Precompile 0x100. ------------------------------------------------------------------------------


def p256_signed(seed):
    from cryptography.hazmat.primitives.asymmetric import ec, utils
    from cryptography.hazmat.primitives.hashes import SHA256

    key = ec.derive_private_key(seed + 1, ec.SECP256R1())
    digest = hashlib.sha256(bytes([seed])).digest()
    r, s = utils.decode_dss_signature(key.sign(digest, ec.ECDSA(utils.Prehashed(SHA256()))))
    numbers = key.public_key().public_numbers()
    return digest, r, s, numbers.x, numbers.y


P256_PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1


@given(
    seed=st.integers(0, 255),
    place=st.integers(0, 4),
    value=st.sampled_from(
        [0, 1, 2, ORDER - 1, ORDER, ORDER + 1, P256_PRIME - 1, P256_PRIME, 2**256 - 1]
    ),
)
def test_p256(seed, place, value):
    digest, r, s, x, y = p256_signed(seed)
    numbers = [int.from_bytes(digest, "big"), r, s, x, y]

    def data():
        return b"".join(number.to_bytes(32, "big") for number in numbers)

    assert check(0x100, data(), "osaka") == (1).to_bytes(32, "big")
    numbers[2] = ORDER - s
    assert check(0x100, data(), "osaka") == (1).to_bytes(32, "big")
    numbers[place] = value
    assert check(0x100, data(), "osaka") == b""
    assert check(0x100, data() + b"\0", "osaka") == check(0x100, data()[:159], "osaka") == b""


def test_p256_refuses_points_that_differ_by_the_prime_or_are_compressed():
    digest, r, s, x, y = p256_signed(3)
    head = digest + r.to_bytes(32, "big") + s.to_bytes(32, "big")
    for a, b in ((0, 0), (x, P256_PRIME - y), (y, x), (x, 0)):
        check(0x100, head + a.to_bytes(32, "big") + b.to_bytes(32, "big"), "osaka")
    assert ours(0x100, head + x.to_bytes(32, "big") + y.to_bytes(32, "big"), "osaka")[1]


def test_identity_gives_back_long_inputs():
    data = random.Random(7).randbytes(100_000)

    assert check(4, data) == data
