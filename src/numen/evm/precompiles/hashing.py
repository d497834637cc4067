"""Precompiles 2, 3 and 4: SHA-256, RIPEMD-160, and the input as it is.

Source: yellow paper, appendix E.1.
"""

import hashlib
from typing import Final

from numen.evm.forks import Fork
from numen.evm.gas import words
from numen.evm.precompiles.contract import Contract
from numen.evm.precompiles.ripemd160 import ripemd160


def _price_sha256(data: bytes, fork: Fork) -> int:
    return fork.gas.sha256 + fork.gas.sha256_word * words(len(data))


def _price_ripemd160(data: bytes, fork: Fork) -> int:
    return fork.gas.ripemd160 + fork.gas.ripemd160_word * words(len(data))


def _price_identity(data: bytes, fork: Fork) -> int:
    return fork.gas.identity + fork.gas.identity_word * words(len(data))


def _sha256(data: bytes, _: Fork) -> bytes:
    return hashlib.sha256(data).digest()


def _ripemd160(data: bytes, _: Fork) -> bytes:
    return bytes(12) + ripemd160(data)


def _identity(data: bytes, _: Fork) -> bytes:
    return data


CONTRACTS: Final = {
    2: Contract(_price_sha256, _sha256),
    3: Contract(_price_ripemd160, _ripemd160),
    4: Contract(_price_identity, _identity),
}
