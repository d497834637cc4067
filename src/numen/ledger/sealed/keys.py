"""Keys of a contract's private state: one secret for each epoch, and what follows from it.

A secret is 32 bytes that the contract's nodes share; see `numen.ledger.sealed.shares`. The next
epoch's comes from this one's and fresh randomness, through a function that cannot be turned back:
who learns it knows nothing of epochs before, and who knew an earlier one nothing of it without the
randomness.

Keys are told apart by purpose, contract and epoch, so no contract's key opens another's cells.
"""

import hmac
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SECRET_BYTES: Final = 32


class EpochKeys:
    """The keys of one contract in one epoch. They are never shown.

    Args:
        secret: 32 bytes.
        contract: Its address.
        epoch: Below 2**32, counted from 0.

    Attributes:
        contract: Its address.
        epoch: Which epoch.
    """

    __slots__ = ("_cell", "_mail", "_name", "_nonce", "_secret", "contract", "epoch")

    def __init__(self, secret: bytes, contract: bytes, epoch: int) -> None:
        assert len(secret) == SECRET_BYTES
        assert len(contract) == 20
        assert 0 <= epoch < 1 << 32
        self.contract = contract
        self.epoch = epoch
        self._secret = secret
        self._cell, self._name, self._nonce, self._mail = (
            _derived(secret, self._about(purpose))
            for purpose in (b"cell", b"name", b"nonce", b"mail")
        )

    @property
    def cell_key(self) -> bytes:
        """What cells are sealed with; 32 bytes."""
        return self._cell

    @property
    def mail_key(self) -> bytes:
        """The secret key for what is sealed for the contract itself; 32 bytes."""
        return self._mail

    @property
    def secret(self) -> bytes:
        """What all of this follows from; 32 bytes, to be shared and for nothing else."""
        return self._secret

    def coefficients(self, count: int) -> bytes:
        """Numbers that hide the secret in its shares, 32 bytes each; they follow from it."""
        parts = (b"share" + number.to_bytes(2, "big") for number in range(1, count + 1))
        return b"".join(_derived(self._secret, self._about(part)) for part in parts)

    def name(self, kind: bytes, slot: bytes) -> bytes:
        """What a slot is called where others see it; 32 bytes that look like chance."""
        return hmac.digest(self._name, _framed(kind, slot), "sha256")

    def nonce(self, about: bytes, content: bytes) -> bytes:
        """A nonce that two different cells share with odds of 2**-96; 12 bytes.

        It follows from what is sealed, so nodes that run the same step write the same bytes, and a
        step that is taken back and run otherwise does not use a nonce twice.
        """
        return hmac.digest(self._nonce, _framed(about, content), "sha256")[:12]

    def next(self, fresh: bytes) -> "EpochKeys":
        """The keys of the next epoch.

        Args:
            fresh: 32 bytes of randomness, the same for all nodes of the contract.
        """
        assert len(fresh) == SECRET_BYTES
        secret = _derived(self._secret, self._about(b"next"), salt=fresh)
        return EpochKeys(secret, self.contract, self.epoch + 1)

    def __repr__(self) -> str:
        return f"EpochKeys(contract=0x{self.contract.hex()}, epoch={self.epoch})"

    def _about(self, purpose: bytes) -> bytes:
        return b"numen/sealed/1/" + purpose + self.contract + self.epoch.to_bytes(4, "big")


def _derived(secret: bytes, info: bytes, salt: bytes | None = None) -> bytes:
    return HKDF(algorithm=SHA256(), length=SECRET_BYTES, salt=salt, info=info).derive(secret)


def _framed(first: bytes, second: bytes) -> bytes:
    """Two strings as one that no other two give."""
    return len(first).to_bytes(4, "big") + first + second
