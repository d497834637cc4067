"""Ceremonies as files: who contributes, who verifies, and what a person sees of them."""

import hashlib
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from numen.api.bounds import Bounds
from numen.api.proofs import Keys
from numen.proof.ceremony import phase1, phase2, prepare, verify1
from numen.proof.ceremony.circuit_key import first_key
from numen.proof.ceremony.ptau import Ptau
from numen.proof.ceremony.record import Beacon, Signature
from numen.proof.errors import CeremonyError
from numen.proof.files import read_file, write_file
from numen.proof.formats import read_r1cs, write_r1cs
from numen.proof.keys import ProvingKey
from numen.proof.r1cs import R1CS
from numen.proof.zkey import read_zkey, write_zkey

new_powers = phase1.new
prepare_powers = prepare.prepare

_ENTROPY_BYTES: Final = 64


class Contributor(msgspec.Struct, frozen=True):
    """One line of a ceremony.

    Attributes:
        name: As the party calls itself; nothing vouches for it.
        receipt: The hash that the party was given.
        beacon: A beacon's value, or empty.
        iterations_log: Binary logarithm of how often a beacon was hashed, or 0.
    """

    name: str
    receipt: bytes
    beacon: bytes
    iterations_log: int


def is_powers(path: Path) -> bool:
    """Whether a file has powers of tau; else it must be a circuit's key.

    Raises:
        FileError: It cannot be read.
        CeremonyError: It is neither.
    """
    # A pipe that nobody writes to would hold us until somebody does.
    if path.exists() and not path.is_file():
        raise CeremonyError(f"{path} is not an ordinary file")
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise CeremonyError(f"{path}: {error.strerror}") from error
    if magic not in (b"ptau", b"zkey"):
        raise CeremonyError(f"{path} is neither a .ptau nor a .zkey file")
    return magic == b"ptau"


def contribute(source: Path, target: Path, *, typed: bytes = b"", name: str = "") -> Contributor:
    """Add a party's contribution to powers of tau, or to a circuit's key.

    The secret is drawn from the operating system's generator, mixed with what was typed, and
    overwritten afterwards where Python lets us.

    Args:
        source: The file so far.
        target: Where the next is written, whole or not at all.
        typed: Anything nobody else knows; guards against a generator that is broken.
        name: What the party calls itself.

    Raises:
        NumenError: A file cannot be read, is malformed, or takes no contributions.
    """
    drawn = bytearray(secrets.token_bytes(_ENTROPY_BYTES))
    seed = bytearray(hashlib.blake2b(bytes(drawn) + typed, person=b"numen ceremony").digest())
    try:
        if is_powers(source):
            made = phase1.contribute(source, target, seed=seed, name=name)
            return _contributor(made.signature, made.response)
        key = phase2.contribute(read_zkey(read_file(source)), seed=seed, name=name)
    finally:
        drawn[:] = bytes(len(drawn))
        seed[:] = bytes(len(seed))
    write_file(target, write_zkey(key))
    return contributors_of(key)[-1]


def contribute_beacon(
    source: Path, target: Path, *, value: bytes, iterations_log: int, name: str = ""
) -> Contributor:
    """End a ceremony with a public random value.

    Raises:
        NumenError: As for `contribute`, or the value is too long.
    """
    signature = Signature(name, Beacon(value, iterations_log))
    if is_powers(source):
        made = phase1.contribute_beacon(source, target, signature)
        return _contributor(made.signature, made.response)
    key = phase2.contribute_beacon(read_zkey(read_file(source)), signature)
    write_file(target, write_zkey(key))
    return contributors_of(key)[-1]


def contributors(path: Path) -> list[Contributor]:
    """Who a file says has contributed; it is not verified.

    Raises:
        NumenError: It cannot be read, or is malformed.
    """
    if is_powers(path):
        with Ptau(path) as file:
            return [_contributor(one.signature, one.response) for one in file.contributions]
    return contributors_of(read_zkey(read_file(path)))


def contributors_of(key: ProvingKey) -> list[Contributor]:
    """Who a key says has contributed."""
    made = phase2.transcript_of(key).contributions
    return [_contributor(one.signature, one.receipt) for one in made]


def _contributor(signature: Signature, receipt: bytes) -> Contributor:
    beacon = signature.beacon or Beacon(b"", 0)
    return Contributor(signature.name, receipt, beacon.value, beacon.iterations_log)


def verify_powers(path: Path) -> list[Contributor]:
    """Verify powers of tau; give who contributed.

    Raises:
        CeremonyRejectedError: The file is not what its contributions make.
        NumenError: It cannot be read, or is malformed.
    """
    made = verify1.verify_file(path, entropy=secrets.token_bytes(32))
    return [_contributor(one.signature, one.response) for one in made]


def first_keys(r1cs: R1CS, powers: Path) -> Keys:
    """The keys that a circuit's ceremony begins with.

    Raises:
        NumenError: The powers cannot be read, are not prepared, or serve smaller circuits.
    """
    with Ptau(powers) as file:
        return Keys(first_key(r1cs, file), write_r1cs(r1cs))


def verify_key(key: Path, circuit: Path, powers: Path) -> Keys:
    """Verify a circuit's key against the circuit and the powers that it began with.

    The powers themselves are for `verify_powers`. Bounds that stand beside the circuit are kept.

    Raises:
        CeremonyRejectedError: The key is not what its contributions make.
        NumenError: A file cannot be read, or is malformed.
    """
    data = read_file(circuit)
    r1cs, given = read_r1cs(data), read_zkey(read_file(key))
    with Ptau(powers) as file:
        verified = phase2.verify(given, r1cs, file, entropy=secrets.token_bytes(32))
    return Keys(verified, data, Bounds.load(circuit.parent))


def lines_of(made: Iterable[Contributor]) -> list[str]:
    """One line a contributor, as a person reads it."""
    lines = []
    for number, one in enumerate(made, 1):
        name = one.name or "(no name)"
        if one.beacon:
            name += f", the beacon {one.beacon.hex()} after 2**{one.iterations_log} hashes"
        lines.append(f"{number:3}  {one.receipt.hex()[:32]}  {name}")
    return lines
