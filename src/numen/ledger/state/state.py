"""The state of the ledger: accounts, slots and code, with one root, changed by diffs.

A diff is applied only if it starts from the root that is here, writes nothing but what somebody
attested that it may, and ends at the root that it names; else nothing changes. That costs what the
diff costs, not what was executed to make it.
"""

from collections.abc import Mapping

import msgspec

from numen.ledger.state.account import (
    Account,
    account_key,
    code_hash,
    decode_account,
    encode_account,
    slot_key,
)
from numen.ledger.state.diff import AccountChanges, Diff, Write, check, writes
from numen.ledger.state.errors import CorruptError, RootMismatchError, WriteSetError
from numen.ledger.state.kv import KV, Writes
from numen.ledger.state.opening import Opening, open_key, verify
from numen.ledger.state.tree import Prepared, Tree


class State:
    """Accounts, slots and code in a `KV`, of which one object at a time may write.

    Attributes:
        tree: What commits to accounts and slots.
    """

    def __init__(self, kv: KV) -> None:
        self._kv = kv
        self.tree = Tree(kv)

    @property
    def root(self) -> bytes:
        """The root of the newest version."""
        return self.tree.root

    def account(self, address: bytes, version: int | None = None) -> Account:
        """What an address has.

        Raises:
            UnknownVersionError: There is no such version.
        """
        return decode_account(self.tree.get(account_key(address), version))

    def slot(self, address: bytes, slot: bytes, version: int | None = None) -> bytes:
        """What a slot has; no bytes for nothing.

        Raises:
            UnknownVersionError: There is no such version.
        """
        return self.tree.get(slot_key(address, slot), version) or b""

    def code(self, address: bytes, version: int | None = None) -> bytes:
        """The code of an address; no bytes for none.

        Raises:
            UnknownVersionError: There is no such version.
            CorruptError: The code is missing.
        """
        name = self.account(address, version).code_hash
        if not any(name):
            return b""
        code = self._kv.get(b"c" + name)
        if code is None:
            raise CorruptError(f"the code of account 0x{address.hex()}", "it is missing")
        return code

    def open_account(self, address: bytes, version: int | None = None) -> tuple[Account, Opening]:
        """Read an account, and show that what was read is right."""
        value, opening = open_key(self.tree, account_key(address), version)
        return decode_account(value), opening

    def open_slot(
        self, address: bytes, slot: bytes, version: int | None = None
    ) -> tuple[bytes, Opening]:
        """Read a slot, and show that what was read is right."""
        value, opening = open_key(self.tree, slot_key(address, slot), version)
        return value or b"", opening

    def prepare(self, accounts: tuple[AccountChanges, ...]) -> Prepared:
        """Compute what becomes of the state by some changes; nothing is written."""
        changes: dict[bytes, bytes | None] = {}
        for account in accounts:
            if account.is_account_written:
                after = _changed(self.account(account.address), account)
                changes[account_key(account.address)] = encode_account(after)
            for slot in account.storage:
                key = slot_key(account.address, slot.slot)
                changes[key] = slot.changes[-1].value or None
        return self.tree.prepare(changes)

    def commit(self, diff: Diff, prepared: Prepared, also: Writes = ()) -> int:
        """Write what was prepared of a diff, at once and for good; the number of the version.

        Raises:
            StorageError: The disk refuses; nothing was written.
        """
        assert prepared.version.root == diff.post_root
        codes = [change.code for account in diff.accounts for change in account.codes]
        named = [(b"c" + code_hash(code), code) for code in codes if code]
        return self.tree.commit(prepared, [*named, *also])

    def apply(self, diff: Diff, attested: frozenset[Write] | None = None, also: Writes = ()) -> int:
        """Make a diff's changes, all or none.

        Args:
            diff: From anyone.
            attested: All that it may write, as `diff.writes` gives it; None for anything.
            also: Records of others to be written in the same batch.

        Returns:
            The number of the version.

        Raises:
            DiffError: It breaks its form.
            WriteSetError: It writes more than it may.
            RootMismatchError: It is for another state, or does not end where it says.
            StorageError: The disk refuses.

        Cost: some 30 microseconds for each account and slot that it writes.
        """
        prepared = self.follow(diff, attested)
        return self.commit(diff, prepared, also)

    def follow(self, diff: Diff, attested: frozenset[Write] | None = None) -> Prepared:
        """Compute what a diff makes of the state; nothing is written. As `apply` otherwise."""
        check(diff)
        if diff.pre_root != self.root:
            raise RootMismatchError("pre", diff.pre_root, self.root)
        if attested is not None:
            check_writes(diff, attested)
        prepared = self.prepare(diff.accounts)
        if diff.post_root != prepared.version.root:
            raise RootMismatchError("post", diff.post_root, prepared.version.root)
        return prepared


def check_writes(diff: Diff, attested: frozenset[Write]) -> None:
    """See that a diff writes nothing but what is attested.

    Raises:
        WriteSetError: It does; the error names the first such place.
    """
    beyond = writes(diff) - attested
    if beyond:
        address, slot = min(beyond, key=lambda write: (write[0], write[1] or b""))
        what = "the account itself" if slot is None else f"slot 0x{slot.hex()}"
        raise WriteSetError(f"account 0x{address.hex()}", f"{what} was not attested")


def verify_account(root: bytes, address: bytes, account: Account, opening: Opening) -> None:
    """Check what an address has under a root.

    Raises:
        OpeningError: The opening does not show it.
    """
    verify(root, account_key(address), encode_account(account), opening)


def verify_slot(root: bytes, address: bytes, slot: bytes, value: bytes, opening: Opening) -> None:
    """Check what a slot has under a root; no bytes for nothing.

    Raises:
        OpeningError: The opening does not show it.
    """
    verify(root, slot_key(address, slot), value or None, opening)


def _changed(account: Account, changes: AccountChanges) -> Account:
    """An account after the last of its changes."""
    last: Mapping[str, object] = {
        name: value
        for name, value in (
            ("balance", int(changes.balances[-1].balance) if changes.balances else None),
            ("nonce", changes.nonces[-1].count if changes.nonces else None),
            ("sequence", changes.sequences[-1].count if changes.sequences else None),
            ("code_hash", code_hash(changes.codes[-1].code) if changes.codes else None),
        )
        if value is not None
    }
    return msgspec.structs.replace(account, **last)
