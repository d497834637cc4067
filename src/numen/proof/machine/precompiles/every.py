"""All precompiles."""

from typing import Final

from numen.proof.machine.precompiles.keccak import KECCAK
from numen.proof.machine.precompiles.poseidon2 import POSEIDON2
from numen.proof.machine.precompiles.sha256 import SHA256
from numen.proof.machine.precompiles.spec import Precompile

PRECOMPILES: Final[dict[int, Precompile]] = {
    one.function: one for one in (SHA256, KECCAK, POSEIDON2)
}
"""By their numbers."""

BY_CONTENT: Final = {content: one for one in PRECOMPILES.values() for content in one.contents}
"""By the digests of their code."""
