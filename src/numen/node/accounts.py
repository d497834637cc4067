"""Keys of a mnemonic: the accounts that a development chain unlocks.

A mnemonic is stretched to a seed (BIP-39), the seed is the root of a tree of keys (BIP-32), and
Ethereum's accounts are at ``m/44'/60'/0'/0/i`` in it (BIP-44). The phrase that every development
chain starts with is public: whoever sends real money to its accounts has lost it.

    NumenError
    └── MnemonicError    a phrase of a length that no mnemonic has
"""

import hashlib
import hmac
import unicodedata
from typing import Final

import coincurve
import msgspec

from numen.base.crypto import CURVE_ORDER, SigningKey
from numen.base.errors import NumenError

MNEMONIC: Final = "test test test test test test test test test test test junk"
"""The phrase of Hardhat, Foundry and others; its keys are known to everybody."""

PATH: Final = "m/44'/60'/0'/0"
"""Where the accounts lie in the tree of keys."""

_HARDENED: Final = 1 << 31
_STEPS: Final = (44 + _HARDENED, 60 + _HARDENED, _HARDENED, 0)
_ROUNDS: Final = 2048
"""Of PBKDF2 (BIP-39)."""

_WORDS: Final = (12, 15, 18, 21, 24)


class MnemonicError(NumenError):
    """A phrase has a number of words that no mnemonic has."""


class Account(msgspec.Struct, frozen=True):
    """An account of the development chain.

    Attributes:
        address: 20 bytes.
        secret: 32 bytes; shown to the person who starts the chain, and to nobody else.
    """

    address: bytes
    secret: bytes

    def __repr__(self) -> str:
        return f"Account(address=0x{self.address.hex()})"


def derive(mnemonic: str, count: int) -> list[Account]:
    """Derive the first accounts of a mnemonic.

    Words and checksum are not compared with BIP-39's list: any phrase of 12, 15, 18, 21 or 24 words
    names accounts.

    Raises:
        MnemonicError: It has another number of words.

    Cost: some two milliseconds, and 0.1 for each account.
    """
    words = unicodedata.normalize("NFKD", mnemonic).split()
    if len(words) not in _WORDS:
        raise MnemonicError(f"a mnemonic has 12, 15, 18, 21 or 24 words, not {len(words)}")
    seed = hashlib.pbkdf2_hmac("sha512", " ".join(words).encode(), b"mnemonic", _ROUNDS)
    secret, chain = _split(hmac.digest(b"Bitcoin seed", seed, hashlib.sha512))
    for index in _STEPS:
        secret, chain = _child(secret, chain, index)
    secrets = (_child(secret, chain, index)[0] for index in range(count))
    return [Account(SigningKey(each).address, each) for each in secrets]


def _child(secret: bytes, chain: bytes, index: int) -> tuple[bytes, bytes]:
    """Derive a child's secret and chain code (BIP-32, CKDpriv)."""
    if index >= _HARDENED:
        data = b"\0" + secret
    else:
        data = coincurve.PrivateKey(secret).public_key.format(compressed=True)
    tweak, chain = _split(hmac.digest(chain, data + index.to_bytes(4, "big"), hashlib.sha512))
    number = (int.from_bytes(tweak, "big") + int.from_bytes(secret, "big")) % CURVE_ORDER
    # One tweak in 2**127 gives no key; BIP-32 then goes on to the next index.
    assert number
    return number.to_bytes(32, "big"), chain


def _split(digest: bytes) -> tuple[bytes, bytes]:
    return digest[:32], digest[32:]
