"""The keys that a node has, and what it does with them for one contract.

Who makes blocks or checks them by carrying them out needs the keys of every private contract of the
ledger; who has none applies diffs.
"""

from collections.abc import Iterable
from typing import Final

from numen.base.crypto import keccak256
from numen.ledger.sealed.cell import seal, unseal
from numen.ledger.sealed.envelope import disclose, enclose, public_key
from numen.ledger.sealed.errors import UnsealError
from numen.ledger.sealed.keys import EpochKeys
from numen.vm.host import Address

SEALED: Final = keccak256(b"numen sealed request")[:4]
"""The first bytes of a request that only who has the keys can read."""

_REQUEST: Final = b"numen/sealed/request/1"
_RECORD: Final = b"record/"
_LENGTH_BYTES: Final = 4
_LEAST_BYTES: Final = 128


class Secrets:
    """What opens and seals everything of one contract.

    Args:
        keys: Of the contract, in the present epoch.

    Attributes:
        keys: The same.
    """

    def __init__(self, keys: EpochKeys) -> None:
        self.keys = keys

    @property
    def public(self) -> bytes:
        """What requests to the contract are sealed for; 32 bytes that anyone may have."""
        return public_key(self.keys.mail_key)

    def open_request(self, payload: bytes, sender: Address) -> bytes:
        """The payload that was sealed in a request.

        Args:
            payload: As it was sent; begins with `SEALED`.
            sender: Who sent it; copied by somebody else, it does not open.

        Raises:
            UnsealError: It is not for this contract and epoch from this sender, or was altered.
        """
        about = _about(self.keys.contract, sender)
        padded = disclose(payload[len(SEALED) :], self.keys.mail_key, about)
        length = int.from_bytes(padded[:_LENGTH_BYTES], "big")
        if length > len(padded) - _LENGTH_BYTES:
            raise UnsealError("its length is not that of a request")
        return padded[_LENGTH_BYTES : _LENGTH_BYTES + length]

    def seal_record(self, name: bytes, raw: bytes) -> bytes:
        """Seal what the ledger keeps for the contract under a name that is never used again."""
        return seal(self.keys, _RECORD + name, 1, raw) if raw else b""

    def open_record(self, name: bytes, cell: bytes) -> bytes:
        """Open such a record; nothing for nothing.

        Raises:
            UnsealError: It was altered, or is another's.
        """
        return unseal(self.keys, _RECORD + name, cell).value if cell else b""


class Keyring:
    """The secrets of some contracts, by address."""

    def __init__(self, keys: Iterable[EpochKeys] = ()) -> None:
        self._secrets: dict[Address, Secrets] = {}
        for one in keys:
            self.add(one)

    def add(self, keys: EpochKeys) -> None:
        """Have the keys of one more contract."""
        self._secrets[keys.contract] = Secrets(keys)

    def of(self, contract: Address) -> Secrets | None:
        """The secrets of a contract; None where there are none."""
        return self._secrets.get(contract)


def seal_request(
    payload: bytes, contract: Address, sender: Address, public: bytes, fresh: bytes
) -> bytes:
    """Seal a request: message and arguments are hidden, and the length up to a power of two.

    Args:
        payload: A selector and arguments.
        contract: Whom it is for.
        sender: Who will send it.
        public: The contract's `Secrets.public`.
        fresh: 32 bytes of randomness, not used for anything else.
    """
    size = max(_LEAST_BYTES, 1 << (_LENGTH_BYTES + len(payload) - 1).bit_length())
    padded = (len(payload).to_bytes(_LENGTH_BYTES, "big") + payload).ljust(size, b"\0")
    return SEALED + enclose(padded, public, _about(contract, sender), fresh)


def _about(contract: Address, sender: Address) -> bytes:
    return _REQUEST + contract + sender
