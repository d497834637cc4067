"""Precompile 9: the compression function F of BLAKE2b, with as many rounds as wanted.

The input is the count of rounds (4 bytes, big-endian), the state h (64), the message m (128), the
offset t (16), all little-endian, and the flag f of a final block (1).

Source: EIP-152.
"""

import ctypes
from typing import Final

from numen.evm.forks import Fork
from numen.evm.precompiles.contract import Contract
from numen.kernels import blake2b

INPUT_BYTES: Final = 213


def _price(data: bytes, fork: Fork) -> int:
    return int.from_bytes(data[:4], "big") * fork.gas.blake2_round


def _answer(data: bytes, _: Fork) -> bytes | None:
    if len(data) != INPUT_BYTES or data[-1] > 1:
        return None
    words = (ctypes.c_char * blake2b.WORDS_BYTES).from_buffer_copy(data, 4)
    blake2b.compressor()(int.from_bytes(data[:4], "big"), -data[-1], words)
    return words.raw[: blake2b.STATE_BYTES]


CONTRACTS: Final = {9: Contract(_price, _answer)}
