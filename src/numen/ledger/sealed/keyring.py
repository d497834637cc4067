"""The keys that a node has, and what it does with them for one contract.

Who makes blocks or checks them by carrying them out needs the keys of every private contract of the
ledger; who has none applies diffs.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from numen.base.crypto import keccak256
from numen.ledger.sealed.cell import seal, unseal
from numen.ledger.sealed.charter import Charter, shares_of
from numen.ledger.sealed.envelope import disclose, enclose, public_key
from numen.ledger.sealed.errors import UnsealError
from numen.ledger.sealed.keys import EpochKeys
from numen.ledger.state.kv import Writes
from numen.vm.host import Address

SEALED: Final = keccak256(b"numen sealed request")[:4]
"""The first bytes of a request that only who has the keys can read."""

KNOWN_MAX: Final = 8
"""Most secrets of one contract; before it is there, its owner may offer several."""

_REQUEST: Final = b"numen/sealed/request/1"
_RECORD: Final = b"record/"
_LENGTH_BYTES: Final = 4
_LEAST_BYTES: Final = 128


class Secrets:
    """What opens and seals everything of one contract.

    Args:
        keys: Of the contract, in the present epoch.
        needed: Shares that are their secret.

    Attributes:
        keys: The same.
        needed: The same.
    """

    def __init__(self, keys: EpochKeys, needed: int = 1) -> None:
        self.keys = keys
        self.needed = needed
        self._point: tuple[EpochKeys | None, bytes] = (None, b"")

    @property
    def point(self) -> bytes:
        """The commitment to the secret, which tells it from every other; 33 bytes."""
        keys, point = self._point
        if keys is not self.keys:
            point = shares_of(self.keys, 1, 1).commitments[0]
            self._point = self.keys, point
        return point

    def next(self, salt: bytes) -> "Secrets":
        """Those of the next epoch; anybody may know the salt."""
        return Secrets(self.keys.next(salt), self.needed)

    def charter(self, salt: bytes) -> Charter:
        """What others may know of them, if they follow from some salt."""
        dealt = shares_of(self.keys, self.needed, self.needed)
        return Charter(self.keys.epoch, salt, self.public, dealt.commitments)

    def fits(self, charter: Charter) -> bool:
        """Whether a charter is of these."""
        return (
            self.keys.epoch == charter.epoch
            and self.needed == len(charter.commitments)
            and self.point == charter.commitments[0]
        )

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
    """The secrets of some contracts.

    Args:
        keys: What there is.
        draw: Gives a new secret for a contract that is about to be, where this node decides alone;
            None where the nodes of a ledger decide together.
        kept: Gives the records by which a node has keys again after a stop, of contracts whose keys
            are new; they are written with the block that makes them so.
    """

    def __init__(
        self,
        keys: Iterable[EpochKeys] = (),
        draw: Callable[[Address], bytes] | None = None,
        kept: Callable[[Mapping[Address, Secrets]], Writes] = lambda _: (),
    ) -> None:
        self._draw = draw
        self.kept = kept
        self._secrets: dict[Address, list[Secrets]] = {}
        for one in keys:
            self.add(one)

    def add(self, keys: EpochKeys, needed: int = 1) -> None:
        """Have the keys of one more contract, or further ones that its charter may name."""
        known = self._secrets.setdefault(keys.contract, [])
        known.append(Secrets(keys, needed))
        del known[:-KNOWN_MAX]

    def of(self, contract: Address) -> Secrets | None:
        """The secrets of a contract that came last; None where there are none."""
        known = self._secrets.get(contract)
        return known[-1] if known else None

    def fitting(self, contract: Address, charter: Charter) -> Secrets | None:
        """The secrets that a charter is of; None where they are not here.

        Those of the epoch before become them.
        """
        for secrets in self._secrets.get(contract, ()):
            if secrets.fits(charter):
                return secrets
            if secrets.keys.epoch + 1 == charter.epoch:
                following = secrets.next(charter.salt)
                if following.fits(charter):
                    secrets.keys = following.keys
                    return secrets
        return None

    def begin(self, contract: Address, point: bytes) -> Secrets | None:
        """The secrets of a contract that is about to be.

        Args:
            contract: Its address.
            point: The commitment to its secret; empty where this node decides alone.
        """
        known = self._secrets.get(contract, ())
        found = next((each for each in known if not point or each.point == point), None)
        if found is None and not point and self._draw is not None:
            self.add(EpochKeys(self._draw(contract), contract, 0))
            found = self.of(contract)
        return found

    def forget(self, contract: Address, point: bytes) -> None:
        """Forget the secrets with a commitment, of a contract that was to be."""
        known = [each for each in self._secrets.pop(contract, ()) if each.point != point]
        if known:
            self._secrets[contract] = known

    def keep_only(self, secrets: Secrets) -> None:
        """Forget all other secrets of a contract."""
        self._secrets[secrets.keys.contract] = [secrets]

    def contracts(self) -> tuple[Address, ...]:
        """Of whom there are any."""
        return tuple(self._secrets)


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
