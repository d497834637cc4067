"""What a block commits to: accounts, logs, receipts, withdrawals, requests.

The root of a block's receipts, transactions or withdrawals is `trie.root_of_list` of their
encodings.

Sources: yellow paper, sections 4.1 and 4.3; EIP-658 and EIP-2718 for receipts; EIP-4895 for
withdrawals; EIP-7685 for requests.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from numen.base.crypto import keccak256
from numen.evm import rlp
from numen.evm.message import Log
from numen.evm.trie import EMPTY_ROOT, Trie

EMPTY_CODE_HASH = keccak256()
"""Hash of the code of an account that has none."""

_HASH_FIRST = b"\xa0"
"""First byte of an encoded hash."""

_BLOOM_BYTES = 256


class StateTrie:
    """The trie of accounts, and below each account the trie of its slots.

    It keeps what it hashed, so that a root costs what changed since the one before.
    """

    __slots__ = ("_accounts", "_codes", "_storages")

    def __init__(self) -> None:
        self._accounts = Trie()
        self._storages: dict[bytes, Trie] = {}
        # The code last seen at an address with its hash: long, and nearly never another one.
        self._codes: dict[bytes, tuple[bytes, bytes]] = {}

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

        Cost: about 10 microseconds, and as much for each slot.
        """
        storage = self._storages.get(address)
        if slots:
            if storage is None:
                storage = self._storages[address] = Trie()
            for key, word in slots.items():
                if word:
                    storage.put(key.to_bytes(32, "big"), rlp.encode_int(word))
                else:
                    storage.delete(key.to_bytes(32, "big"))
        storage_root = storage.root() if storage is not None else EMPTY_ROOT
        numbers = rlp.encode_int(nonce) + rlp.encode_int(balance)
        hashes = b"".join((_HASH_FIRST, storage_root, _HASH_FIRST, self._code_hash(address, code)))
        self._accounts.put(address, rlp.wrap(numbers + hashes))

    def wipe(self, address: bytes) -> None:
        """Forget all slots of an account, before it is put again."""
        self._storages.pop(address, None)

    def delete(self, address: bytes) -> None:
        """Forget an account, if it is there."""
        self.wipe(address)
        self._codes.pop(address, None)
        self._accounts.delete(address)

    def root(self) -> bytes:
        """Commit to all accounts; 32 bytes."""
        return self._accounts.root()

    def copy(self) -> "StateTrie":
        """Make one that is the same, and changes on its own from then on."""
        other = StateTrie()
        other._accounts = self._accounts.copy()
        other._storages = {address: trie.copy() for address, trie in self._storages.items()}
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
