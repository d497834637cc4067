"""`proof.json`, `public.json` and `verification_key.json`, byte for byte as snarkjs writes them.

Numbers are decimal strings. Points carry a third coordinate, "1"; infinity is ("0", "1", "0").
Readers take text as hostile: sizes are bounded, spellings canonical, points on their curves and
in their groups.

Source: https://github.com/iden3/snarkjs, version 0.7.
"""

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from numen.proof.bn254 import G1, Fq2, G1Point, G2Point, Q, R, is_in_g2
from numen.proof.errors import FormatError
from numen.proof.pairing import pairing
from numen.proof.verifier import Proof, VerifyingKey

SIZE_MAX_BYTES = 1 << 21
"""Bound on any of the three texts; a key this large has some 12,000 public inputs."""

Decimal = Annotated[str, Meta(pattern=r"^(0|[1-9][0-9]{0,77})\Z", max_length=78)]
Pair = tuple[Decimal, Decimal]
JsonG1 = tuple[Decimal, Decimal, Decimal]
JsonG2 = tuple[Pair, Pair, Pair]
JsonFq6 = tuple[Pair, Pair, Pair]

T = TypeVar("T")


class _ProofText(msgspec.Struct, forbid_unknown_fields=True):
    pi_a: JsonG1
    pi_b: JsonG2
    pi_c: JsonG1
    protocol: Literal["groth16"]
    curve: Literal["bn128"] = "bn128"


class _KeyText(msgspec.Struct, forbid_unknown_fields=True):
    protocol: Literal["groth16"]
    curve: Literal["bn128"]
    nPublic: Annotated[int, Meta(ge=0)]  # noqa: N815 - snarkjs's spelling
    vk_alpha_1: JsonG1
    vk_beta_2: JsonG2
    vk_gamma_2: JsonG2
    vk_delta_2: JsonG2
    IC: list[JsonG1]
    vk_alphabeta_12: tuple[JsonFq6, JsonFq6] | None = None


def read_proof(data: bytes) -> Proof:
    """Read `proof.json`.

    Raises:
        FormatError: Not such a text, or a coordinate not below the prime. Whether the points
            lie on their curves is for `verify` to say.
    """
    text = _decode("proof.json", data, _ProofText)
    return Proof(
        _read_g1("proof.json", "pi_a", text.pi_a),
        _read_g2("proof.json", "pi_b", text.pi_b),
        _read_g1("proof.json", "pi_c", text.pi_c),
    )


def read_public(data: bytes) -> list[int]:
    """Read `public.json`: the values of the statement.

    Raises:
        FormatError: Not such a text, or a value not below the prime.
    """
    values = [int(value) for value in _decode("public.json", data, list[Decimal])]
    for index, value in enumerate(values):
        if value >= R:
            raise FormatError("public.json", f"$[{index}] is not below the prime")
    return values


def read_verifying_key(data: bytes) -> VerifyingKey:
    """Read `verification_key.json`.

    The pairing of alpha and beta that the text may carry is compared with the points.

    Raises:
        FormatError: Not such a text, or a point that is not in its group, or infinity.
    """
    name = "verification_key.json"
    text = _decode(name, data, _KeyText)
    if len(text.IC) != text.nPublic + 1:
        raise FormatError(name, f"{len(text.IC)} points of IC for {text.nPublic} public values")
    beta, gamma, delta = (
        _read_g2(name, field, getattr(text, field))
        for field in ("vk_beta_2", "vk_gamma_2", "vk_delta_2")
    )
    alpha = _read_g1(name, "vk_alpha_1", text.vk_alpha_1)
    ic = tuple(_read_g1(name, f"IC[{i}]", point) for i, point in enumerate(text.IC))
    key = VerifyingKey(alpha, beta, gamma, delta, ic)
    check_verifying_key(name, key)
    if text.vk_alphabeta_12 is not None and text.vk_alphabeta_12 != _alphabeta(key):
        raise FormatError(name, "vk_alphabeta_12 is not the pairing of vk_alpha_1 and vk_beta_2")
    return key


def check_verifying_key(name: str, key: VerifyingKey) -> None:
    """Refuse a key whose points are not where they belong.

    Raises:
        FormatError: Of the format named.
    """
    for field, twisted in (("beta", key.beta), ("gamma", key.gamma), ("delta", key.delta)):
        if twisted is None or not is_in_g2(twisted):
            raise FormatError(name, f"{field} is not a point of G2, or infinity")
    for field, point in (("alpha", key.alpha), *((f"IC[{i}]", p) for i, p in enumerate(key.ic))):
        if point is None or not G1.contains(point):
            raise FormatError(name, f"{field} is not a point of G1, or infinity")


def write_proof(proof: Proof) -> bytes:
    """Write `proof.json`."""
    return _encode(
        {
            "pi_a": _write_g1(proof.a),
            "pi_b": _write_g2(proof.b),
            "pi_c": _write_g1(proof.c),
            "protocol": "groth16",
            "curve": "bn128",
        }
    )


def write_public(statement: Sequence[int]) -> bytes:
    """Write `public.json`."""
    # Python writes an empty array in one line, snarkjs in two.
    return _encode([str(value) for value in statement]) if statement else b"[\n]"


def write_verifying_key(key: VerifyingKey) -> bytes:
    """Write `verification_key.json`."""
    return _encode(
        {
            "protocol": "groth16",
            "curve": "bn128",
            "nPublic": key.statement_count,
            "vk_alpha_1": _write_g1(key.alpha),
            "vk_beta_2": _write_g2(key.beta),
            "vk_gamma_2": _write_g2(key.gamma),
            "vk_delta_2": _write_g2(key.delta),
            "vk_alphabeta_12": _alphabeta(key),
            "IC": [_write_g1(point) for point in key.ic],
        }
    )


def _decode(name: str, data: bytes, kind: type[T]) -> T:
    if len(data) > SIZE_MAX_BYTES:
        raise FormatError(name, f"{len(data)} bytes; at most {SIZE_MAX_BYTES} are allowed")
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise FormatError(name, str(error)) from error


def _encode(value: Any) -> bytes:
    return json.dumps(value, indent=1).encode()


def _read_g1(name: str, field: str, text: JsonG1) -> G1Point:
    if text == ("0", "1", "0"):
        return None
    if text[2] != "1":
        raise FormatError(name, f"$.{field} is neither affine nor infinity")
    return _read_coordinate(name, field, text[0]), _read_coordinate(name, field, text[1])


def _read_g2(name: str, field: str, text: JsonG2) -> G2Point:
    if text == (("0", "0"), ("1", "0"), ("0", "0")):
        return None
    if text[2] != ("1", "0"):
        raise FormatError(name, f"$.{field} is neither affine nor infinity")
    x, y = (
        (_read_coordinate(name, field, c0), _read_coordinate(name, field, c1))
        for c0, c1 in text[:2]
    )
    return x, y


def _read_coordinate(name: str, field: str, text: str) -> int:
    value = int(text)
    if value >= Q:
        raise FormatError(name, f"a coordinate of $.{field} is not below the prime")
    return value


def _write_fq2(a: Fq2) -> tuple[str, str]:
    return str(a[0]), str(a[1])


def _write_g1(point: G1Point) -> JsonG1:
    return ("0", "1", "0") if point is None else (str(point[0]), str(point[1]), "1")


def _write_g2(point: G2Point) -> JsonG2:
    if point is None:
        return ("0", "0"), ("1", "0"), ("0", "0")
    return _write_fq2(point[0]), _write_fq2(point[1]), ("1", "0")


def _alphabeta(key: VerifyingKey) -> tuple[JsonFq6, JsonFq6]:
    low, high = pairing(key.alpha, key.beta)
    return tuple(map(_write_fq2, low)), tuple(map(_write_fq2, high))  # type: ignore[return-value]
