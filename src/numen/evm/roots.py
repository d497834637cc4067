"""What a block commits to: accounts, logs, receipts, withdrawals, requests.

The root of a block's receipts, transactions or withdrawals is `trie.root_of_list` of their
encodings.

Sources: yellow paper, sections 4.1 and 4.3; EIP-658 and EIP-2718 for receipts; EIP-4895 for
withdrawals; EIP-7685 for requests.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from numen.base.crypto import keccak256
from numen.evm import rlp
from numen.evm.forest import ACCOUNT, DELETED, EMPTY, Forest
from numen.evm.message import Log

EMPTY_CODE_HASH = keccak256()
"""Hash of the code of an account that has none."""

_BLOOM_BYTES = 256


class Opening(msgspec.Struct, frozen=True):
    """Nodes of tries, encoded, from the roots down: what `eth_getProof` gives (EIP-1186).

    Attributes:
        account: From the state's root to the account.
        storage_root: Of the account's storage.
        slots: For each key asked for, from that root to its word.
    """

    account: list[bytes]
    storage_root: bytes
    slots: list[list[bytes]]


class StateTrie:
    """The trie of accounts, and below each account the trie of its slots.

    It keeps what it hashed, so that a root costs what changed since the one before.
    """

    __slots__ = ("_accounts", "_codes", "_forest", "_records", "_storages")

    def __init__(self) -> None:
        self._forest = Forest()
        self._accounts = EMPTY
        self._storages: dict[bytes, int] = {}
        # The code last seen at an address with its hash: long, and nearly never another one.
        self._codes: dict[bytes, tuple[bytes, bytes]] = {}
        # Accounts that wait to be put into their trie, by address.
        self._records: dict[bytes, bytes] = {}

    def put(
        self, address: bytes, nonce: int, balance: int, code: bytes, slots: Mapping[int, int]
    ) -> None:
        """Say what an account is.

        Args:
            address: 20 bytes.
            nonce: Below 2**64.
            balance: Wei, below 2**256.
            code: All of it.
            slots: Words by key that may have changed, zeros included; the others stay.

        Cost: about five microseconds, and as much for each slot.
        """
        storage = self._storages.get(address, EMPTY)
        if slots:
            storage = self._storages[address] = self._forest.put_slots(storage, slots)
        hash_ = self._code_hash(address, code)
        wei = balance.to_bytes(32, "big")
        self._records[address] = ACCOUNT.pack(address, storage, nonce, wei, hash_)

    def wipe(self, address: bytes) -> None:
        """Forget all slots of an account, before it is put again or deleted."""
        self._forest.drop(self._storages.pop(address, EMPTY))
        self._records.pop(address, None)

    def delete(self, address: bytes) -> None:
        """Forget an account, if it is there."""
        self.wipe(address)
        self._codes.pop(address, None)
        self._records[address] = ACCOUNT.pack(address, DELETED, 0, b"", b"")

    def root(self) -> bytes:
        """Commit to all accounts; 32 bytes."""
        if self._records:
            records = list(self._records.values())
            self._accounts = self._forest.put_accounts(self._accounts, records)
            self._records.clear()
        return self._forest.root(self._accounts)

    def open(self, address: bytes, keys: Iterable[int]) -> Opening:
        """Show what an account is, and words of its storage, to whoever knows the root."""
        self.root()
        storage = self._storages.get(address, EMPTY)
        return Opening(
            account=self._forest.open(self._accounts, address),
            storage_root=self._forest.root(storage),
            slots=[self._forest.open(storage, key.to_bytes(32, "big")) for key in keys],
        )

    def copy(self) -> "StateTrie":
        """Make one that is the same, and changes on its own from then on."""
        self.root()
        other = StateTrie()
        other._forest = self._forest.copy()
        other._accounts = self._accounts
        other._storages = dict(self._storages)
        other._codes = dict(self._codes)
        return other

    def _code_hash(self, address: bytes, code: bytes) -> bytes:
        if not code:
            return EMPTY_CODE_HASH
        known = self._codes.get(address)
        if known is None or known[0] is not code:
            known = self._codes[address] = (code, keccak256(code))
        return known[1]


def logs_hash(logs: Iterable[Log]) -> bytes:
    """Hash the logs of a transaction or a block, as the public state tests do; 32 bytes."""
    return keccak256(rlp.encode(_items(logs)))


def logs_bloom(logs: Iterable[Log]) -> bytes:
    """Make the filter of 2048 bits that tells which addresses and topics are not in logs.

    Source: yellow paper, section 4.3.1.
    """
    bits = 0
    for log in logs:
        for entry in (log.address, *log.topics):
            digest = keccak256(entry)
            for at in (0, 2, 4):
                bits |= 1 << (int.from_bytes(digest[at : at + 2], "big") & 2047)
    return bits.to_bytes(_BLOOM_BYTES, "big")


def encode_receipt(
    kind: int, outcome: int | bytes, cumulative_gas: int, logs: Sequence[Log]
) -> bytes:
    """Write a receipt as the receipts' trie holds it.

    Args:
        kind: The transaction's type, 0 for one without (EIP-2718).
        outcome: 1 for success, 0 for failure (EIP-658); before Byzantium the state root after it.
        cumulative_gas: Gas used in the block up to its end.
        logs: What it logged.
    """
    body = rlp.encode([outcome, cumulative_gas, logs_bloom(logs), _items(logs)])
    return bytes([kind]) + body if kind else body


def encode_withdrawal(index: int, validator_index: int, address: bytes, gwei: int) -> bytes:
    """Write a withdrawal of a validator's stake as the withdrawals' trie holds it."""
    return rlp.encode([index, validator_index, address, gwei])


def requests_hash(requests: Iterable[bytes]) -> bytes:
    """Commit to a block's requests to the beacon chain, each a type byte and data; 32 bytes.

    A request without data is left out.
    """
    digests = [hashlib.sha256(request).digest() for request in requests if len(request) > 1]
    return hashlib.sha256(b"".join(digests)).digest()


def _items(logs: Iterable[Log]) -> list[rlp.Encodable]:
    return [[log.address, log.topics, log.data] for log in logs]
