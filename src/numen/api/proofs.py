"""Keys and proofs as files and values."""

import hashlib
import secrets
from pathlib import Path
from typing import Any, Final

import msgspec

from numen.api.bounds import Bounds
from numen.api.errors import KeysError
from numen.proof import groth16, snarkjs
from numen.proof.files import read_file, write_file
from numen.proof.formats import write_r1cs
from numen.proof.r1cs import R1CS
from numen.proof.zkey import read_zkey, write_zkey

CIRCUIT_FILE: Final = "circuit.r1cs"
KEY_FILE: Final = "circuit.zkey"
VERIFYING_FILE: Final = "verification_key.json"
CEREMONY_FILE: Final = "ceremony.json"
PROOF_FILE: Final = "proof.json"
PUBLIC_FILE: Final = "public.json"

_RECORD_BYTES_MAX: Final = 4096

ENTROPY_BYTES: Final = 64
"""Random bytes drawn for a setup or a proof."""


class Verified(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is kept of a ceremony that this machine has verified: which files it was about.

    Who can write into the folder of keys can write this too, and could write other keys.

    Attributes:
        key: SHA-256 of the `.zkey` file, hexadecimal.
        circuit: SHA-256 of the `.r1cs` file, hexadecimal.
    """

    key: str
    circuit: str

    @staticmethod
    def of(key: bytes, circuit: bytes) -> "Verified":
        """The record for two files."""
        return Verified(*(hashlib.sha256(data).hexdigest() for data in (key, circuit)))


class Keys(msgspec.Struct, frozen=True, eq=False):
    """What a setup leaves.

    Attributes:
        proving: Makes proofs; holds the verifying key.
        circuit: The `.r1cs` bytes of the circuit it is for.
        bounds: With which the circuit was made of a program.
    """

    proving: groth16.ProvingKey
    circuit: bytes
    bounds: Bounds = Bounds()

    @property
    def verifying(self) -> groth16.VerifyingKey:
        """Checks proofs."""
        return self.proving.verifying

    def save(self, folder: Path) -> None:
        """Write circuit, proving key and verifying key into a folder, made if absent.

        Keys of a ceremony that was verified come with a record of that, and those of a program that
        took bounds with the bounds.
        """
        folder.mkdir(parents=True, exist_ok=True)
        key = write_zkey(self.proving)
        write_file(folder / CIRCUIT_FILE, self.circuit)
        write_file(folder / KEY_FILE, key)
        write_file(folder / VERIFYING_FILE, snarkjs.write_verifying_key(self.verifying))
        self.bounds.save(folder)
        if self.proving.is_verified:
            record = msgspec.json.encode(Verified.of(key, self.circuit))
            write_file(folder / CEREMONY_FILE, record)

    @staticmethod
    def load(folder: Path) -> "Keys":
        """Read what `save` wrote, or what circom and snarkjs did.

        Raises:
            NumenError: A file is absent or malformed.
        """
        data, circuit = read_file(folder / KEY_FILE), read_file(folder / CIRCUIT_FILE)
        key, path = read_zkey(data), folder / CEREMONY_FILE
        if path.exists() and _read_record(path) == Verified.of(data, circuit):
            key = msgspec.structs.replace(key, is_verified=True)
        return Keys(key, circuit, Bounds.load(folder))

    def require_for(self, r1cs: R1CS) -> None:
        """Refuse to serve another circuit.

        Raises:
            KeysError: The circuit differs from the one the keys were made for.
        """
        if write_r1cs(r1cs) != self.circuit:
            raise KeysError(
                "these keys were made for another program",
                hint="run `numen setup` again, or give the folder that it wrote",
            )


def _read_record(path: Path) -> Verified:
    try:
        return msgspec.json.decode(read_file(path, size_max=_RECORD_BYTES_MAX), type=Verified)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise KeysError(f"{path}: {error}") from error


class Proven(msgspec.Struct, frozen=True):
    """A run and its proof.

    Attributes:
        value: What the program returned.
        proof: Three points.
        public: The outputs, then the public inputs: what the proof is about.
    """

    value: Any
    proof: groth16.Proof
    public: tuple[int, ...]

    def save(self, folder: Path) -> None:
        """Write `proof.json` and `public.json` into a folder, made if absent."""
        folder.mkdir(parents=True, exist_ok=True)
        write_file(folder / PROOF_FILE, snarkjs.write_proof(self.proof))
        write_file(folder / PUBLIC_FILE, snarkjs.write_public(list(self.public)))


def verify(
    key: Keys | groth16.VerifyingKey,
    proof: Proven | groth16.Proof,
    public: tuple[int, ...] | list[int] | None = None,
) -> None:
    """Check a proof; return nothing when it is true.

    Args:
        key: The verifying key, or keys that hold it.
        proof: The proof, or a run with its proof.
        public: The outputs and public inputs; those of the run where one is given.

    Raises:
        ProofRejectedError: The proof is false.
        NumenError: The proof or the public values are malformed.
    """
    verifying = key.verifying if isinstance(key, Keys) else key
    if isinstance(proof, Proven):
        public = proof.public if public is None else public
        proof = proof.proof
    if public is None:
        raise KeysError("give the public values that the proof is about")
    groth16.verify(verifying, proof, list(public))


def draw_entropy() -> bytes:
    """Fresh random bytes of the operating system, for one setup or one proof."""
    return secrets.token_bytes(ENTROPY_BYTES)
