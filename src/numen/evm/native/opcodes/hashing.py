"""KECCAK256."""

from typing import Final

from numen.evm.native.body import Body, Emitter
from numen.evm.native.opcodes.copying import charge_words
from numen.evm.opcodes import BY_NAME


def keccak256(body: Body) -> None:
    """KECCAK256: hash of memory, paid by the word."""
    offset, length = body.pop(), body.pop()
    place, size = body.memory(offset, length)
    charge_words(body, size, body.fork.gas.keccak_word)
    body.push(body.call("keccak_memo", body.world(), place, size))


EMIT: Final[dict[int, Emitter]] = {BY_NAME["KECCAK256"].byte: keccak256}
"""By byte."""
