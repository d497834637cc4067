"""What circuits, keys, proofs and their files can be wrong about.

The tree of the errors of this floor:

    ProofError
    ├── FormatError              bytes or text that are not what their format says
    ├── CircuitError             an R1CS that contradicts itself, or is too large for the curve
    ├── WitnessError             a witness that does not belong to the circuit
    │   └── UnsatisfiedError     a constraint does not hold: the statement is false
    ├── KeyMismatchError         a proving key, a circuit and a witness of different shapes
    ├── WrongKeyError            a proving key that makes no proofs of its circuit
    ├── InvalidProofError        a proof or public inputs not of the form the key asks for
    ├── WeakKeyError             a verifying key for which anyone can forge proofs
    ├── ProofRejectedError       everything is well formed, and the statement is not proven
    ├── CeremonyError            something that cannot be done to a ceremony's file
    └── CeremonyRejectedError    a ceremony's file that is well formed, and not what it must be
"""

from numen.base.errors import NumenError


class ProofError(NumenError):
    """Root of what the proof floor refuses."""


class FormatError(ProofError):
    """Bytes or text from outside that are not of the format they claim.

    Attributes:
        format: Name of the format, for instance ``zkey``.
        reason: What is wrong.
        offset: Where, in bytes from the beginning of the file; None when the file is a text
            whose place is named in the reason.
    """

    def __init__(self, format: str, reason: str, offset: int | None = None) -> None:  # noqa: A002
        where = "" if offset is None else f" at byte {offset}"
        super().__init__(f"not a valid {format}{where}: {reason}")
        self.format = format
        self.reason = reason
        self.offset = offset


class CircuitError(ProofError):
    """An R1CS that contradicts itself or exceeds what the curve can prove.

    Attributes:
        reason: What is wrong.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"circuit: {reason}")
        self.reason = reason


class WitnessError(ProofError):
    """A witness that does not belong to the circuit."""


class UnsatisfiedError(WitnessError):
    """A constraint does not hold, so the statement is false.

    Attributes:
        row: Index of the first constraint that fails.
        a: Value of its first linear combination.
        b: Value of its second.
        c: Value of its third, which should be ``a * b``.
    """

    def __init__(self, row: int, a: int, b: int, c: int) -> None:
        super().__init__(f"constraint {row} does not hold: {a} * {b} is not {c}")
        self.row, self.a, self.b, self.c = row, a, b, c


class KeyMismatchError(ProofError):
    """A proving key and what it is used with have different shapes.

    Attributes:
        what: The quantity that differs.
        key: Its value in the key.
        got: Its value in the other.
    """

    def __init__(self, what: str, key: int, got: int) -> None:
        super().__init__(f"the key is for {key} {what}, not {got}")
        self.what, self.key, self.got = what, key, got


class WrongKeyError(ProofError):
    """A proving key that makes no proofs of the circuit it is used with."""

    def __init__(self) -> None:
        super().__init__("the proving key is of another circuit, or damaged")


class InvalidProofError(ProofError):
    """A proof or its public inputs are not of the form the verifying key asks for.

    Attributes:
        part: Which part, for instance ``pi_a`` or ``public input 3``.
        reason: What is wrong with it.
    """

    def __init__(self, part: str, reason: str) -> None:
        super().__init__(f"{part}: {reason}")
        self.part = part
        self.reason = reason


class ProofRejectedError(ProofError):
    """The proof is well formed, and it does not prove the statement."""

    def __init__(self) -> None:
        super().__init__("the proof does not prove this statement")


class WeakKeyError(ProofError):
    """A verifying key for which anyone can forge proofs."""

    def __init__(self) -> None:
        super().__init__(
            "gamma and delta of the verifying key are equal, so anyone can forge proofs",
            hint="the setup had no contribution; add one, then export the key again",
        )


class CeremonyError(ProofError):
    """Something was asked of a ceremony's file that cannot be done.

    Attributes:
        reason: Why.
    """

    def __init__(self, reason: str, *, hint: str = "") -> None:
        super().__init__(f"ceremony: {reason}", hint=hint)
        self.reason = reason


class CeremonyRejectedError(ProofError):
    """A file of a ceremony is well formed, and not what an honest ceremony would have made.

    Attributes:
        part: Which part of the file, for instance ``contribution 2``.
        reason: What does not hold.
    """

    def __init__(self, part: str, reason: str) -> None:
        super().__init__(f"this ceremony is not to be trusted: {part}: {reason}")
        self.part = part
        self.reason = reason
