"""A strongbox: the keys of contracts on a node's own disk, sealed with a secret that is not there.

The secret follows from an account's key, which is in a key file under a password. A record is bound
to its contract and its epoch, and changes in the same batch as the state: keys of an epoch that
ended are not on the disk any more when the block is that ended it.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from numen.base.codec import digest
from numen.base.crypto import Address, SigningKey, keccak256
from numen.ledger.sealed.cell import Opened, seal, unseal
from numen.ledger.sealed.errors import SealedError, UnsealError
from numen.ledger.sealed.keyring import Secrets
from numen.ledger.sealed.keys import EpochKeys
from numen.ledger.state.kv import KV, Writes

KEYS: Final = b"lk"
"""Names of the records of whole keys begin so; the contract follows."""

_DOMAIN: Final = "numen/strongbox/1"
_OWNER: Final = bytes(20)


class StrongboxError(SealedError):
    """A record was sealed with another secret, or altered."""


def secret_of(account: SigningKey) -> bytes:
    """The secret of a strongbox, from an account's key: a signature of what is signed nowhere else.

    Returns:
        32 bytes.
    """
    return keccak256(account.sign(digest(_DOMAIN, account.address)))


class Strongbox:
    """Seals records and opens them.

    Args:
        secret: 32 bytes.
    """

    def __init__(self, secret: bytes) -> None:
        self._keys = EpochKeys(secret, _OWNER, 0)

    def seal(self, name: bytes, epoch: int, content: bytes) -> bytes:
        """Seal what is kept under a name, of some epoch of a contract."""
        return seal(self._keys, name, epoch + 1, content)

    def open(self, name: bytes, record: bytes) -> Opened:
        """Open it; its version is one more than the epoch.

        Raises:
            StrongboxError: It was sealed with another secret, or altered.
        """
        try:
            return unseal(self._keys, name, record)
        except UnsealError as error:
            raise StrongboxError(
                "the keys of contracts that are kept here cannot be opened",
                hint="they were sealed with another key file, or altered",
            ) from error

    def keys(self, kv: KV) -> Iterator[EpochKeys]:
        """The whole keys that a disk has.

        Raises:
            StrongboxError: One cannot be opened.
        """
        for name, record in kv.scan(KEYS):
            opened = self.open(name, record)
            yield EpochKeys(opened.value, name[len(KEYS) :], opened.version - 1)

    def writes(self, turned: Mapping[Address, Secrets]) -> Writes:
        """Records of whole keys in their present epoch, over those of the one before."""
        found = ((KEYS + contract, each.keys) for contract, each in turned.items())
        return [(name, self.seal(name, keys.epoch, keys.secret)) for name, keys in found]
