"""py-evm: the reference client in Python, every fork up to Prague."""

from importlib import import_module
from typing import Any, Final

from eth.db.atomic import AtomicDB
from eth.exceptions import Revert
from eth.vm.execution_context import ExecutionContext
from eth.vm.message import Message
from eth_typing import Address, Hash32

from numen.evm import forks
from numen.evm.fuzz.case import Case, Outcome, Status, Trial, World, delegate_of, warm_addresses
from numen.evm.message import Log
from numen.evm.state import Account

_STATES: Final = {
    "frontier": "Frontier",
    "homestead": "Homestead",
    "tangerine_whistle": "TangerineWhistle",
    "spurious_dragon": "SpuriousDragon",
    "byzantium": "Byzantium",
    "constantinople": "Constantinople",
    "petersburg": "Petersburg",
    "istanbul": "Istanbul",
    "berlin": "Berlin",
    "london": "London",
    "paris": "Paris",
    "shanghai": "Shanghai",
    "cancun": "Cancun",
    "prague": "Prague",
}

_BLANK_ROOT: Final = bytes.fromhex(
    "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
)
"""Root of a trie of nothing."""


class PyEvmJudge:
    """Runs cases on py-evm."""

    name = "py-evm"
    forks = frozenset(_STATES)

    def adapted(self, case: Case) -> Case:
        return case

    def prepare(self, case: Case) -> Trial:
        return _Trial(case)


class _Trial:
    """A case in a state of its own."""

    def __init__(self, case: Case) -> None:
        module = import_module(f"eth.vm.forks.{case.fork}.state")
        self._case = case
        kind = getattr(module, f"{_STATES[case.fork]}State")
        self._state = kind(AtomicDB(), _execution_context(case), Hash32(_BLANK_ROOT))
        for address, account in case.pre.items():
            self._put(Address(address), account)
        self._state.persist()
        self._create_address: bytes | None = None
        if case.message.to is None:
            self._state.increment_nonce(Address(case.message.caller))
        self._message = self._new_message()
        context: dict[str, Any] = {}
        if hasattr(kind.transaction_context_class, "blob_versioned_hashes"):
            context["blob_versioned_hashes"] = list(case.context.blob_hashes)
        self._context = kind.transaction_context_class(
            gas_price=case.context.gas_price, origin=Address(case.message.caller), **context
        )
        for address in warm_addresses(forks.fork(case.fork), case):
            self._state.mark_address_warm(Address(address))
        if self._create_address and forks.fork(case.fork).has_access_lists:
            self._state.mark_address_warm(Address(self._create_address))
        self._computation: Any = None
        self._is_collision = False

    def _put(self, address: Address, account: Account) -> None:
        state = self._state
        state.set_balance(address, account.balance)
        state.set_nonce(address, account.nonce)
        state.set_code(address, account.code)
        for key, word in account.storage.items():
            state.set_storage(address, key, word)

    def _new_message(self) -> Message:
        message, state = self._case.message, self._state
        if message.to is None:
            nonce = state.get_nonce(Address(message.caller)) - 1
            addresses = import_module("eth._utils.address")
            made = addresses.generate_contract_address(Address(message.caller), nonce)
            self._create_address = made
            target, code, data = b"", message.data, b""
        else:
            made, target, data = None, message.to, message.data
            code = self._lent(state.get_code(Address(message.to)))
        return Message(
            gas=message.gas + self._initcode_gas(),
            to=Address(target),
            sender=Address(message.caller),
            value=message.value,
            data=data,
            code=code,
            create_address=made,
            is_static=message.is_static,
        )

    def _lent(self, code: bytes) -> bytes:
        """Code of the account that this code points to, if it does (EIP-7702)."""
        delegate = delegate_of(code) if forks.fork(self._case.fork).has_delegations else None
        if delegate is None:
            return code
        self._state.mark_address_warm(Address(delegate))
        lent: bytes = self._state.get_code(Address(delegate))
        return lent

    def _initcode_gas(self) -> int:
        """What it charges inside a creation, and others before it (EIP-3860)."""
        if self._case.message.to is not None:
            return 0
        words = (len(self._case.message.data) + 31) // 32
        return forks.fork(self._case.fork).gas.create_word * words

    def run(self) -> None:
        state, message = self._state, self._message
        kind = state.computation_class
        if not message.is_create:
            self._computation = kind.apply_message(state, message, self._context)
            return
        self._is_collision = state.has_code_or_nonce(message.storage_address)
        if not self._is_collision:
            self._computation = kind.apply_create_message(state, message, self._context)

    def outcome(self, seen: World) -> Outcome:
        computation = self._computation
        if self._is_collision:
            return Outcome("failure", 0, b"", (), self._accounts(seen), is_whole=False)
        status: Status = "success"
        if computation.is_error:
            status = "revert" if isinstance(computation.error, Revert) else "failure"
        self._finish(computation)
        is_made = self._case.message.to is None and status == "success"
        return Outcome(
            status=status,
            gas_left=computation.get_gas_remaining(),
            output=b"" if is_made or status == "failure" else bytes(computation.output),
            logs=tuple(_log(*entry) for entry in computation.get_log_entries()),
            post=self._accounts(seen),
            is_whole=False,
        )

    def _finish(self, computation: Any) -> None:
        """What the end of a transaction does to the accounts."""
        for address in computation.get_accounts_for_deletion():
            self._state.delete_account(address)
        if not forks.fork(self._case.fork).deletes_empty_accounts:
            return
        executor = import_module("eth.vm.forks.spurious_dragon._utils")
        for address in executor.collect_touched_accounts(computation):
            if self._state.account_exists(address) and self._state.account_is_empty(address):
                self._state.delete_account(address)

    def _accounts(self, seen: World) -> World:
        found = {}
        for raw, account in seen.items():
            address = Address(raw)
            if self._state.account_exists(address):
                found[raw] = self._account(address, account)
        return found

    def _account(self, address: Address, seen: Account) -> Account:
        state = self._state
        storage = {key: state.get_storage(address, key) for key in seen.storage}
        return Account(
            nonce=state.get_nonce(address),
            balance=state.get_balance(address),
            code=bytes(state.get_code(address)),
            storage={key: word for key, word in storage.items() if word},
        )


def _execution_context(case: Case) -> ExecutionContext:
    block = case.block
    return ExecutionContext(
        coinbase=Address(block.coinbase),
        timestamp=block.timestamp,
        block_number=block.number,
        difficulty=block.prev_randao,
        mix_hash=Hash32(block.prev_randao.to_bytes(32, "big")),
        gas_limit=block.gas_limit,
        prev_hashes=[Hash32(h) for _, h in sorted(block.block_hashes.items(), reverse=True)],
        chain_id=block.chain_id,
        base_fee_per_gas=block.base_fee,
        excess_blob_gas=0,
    )


def _log(address: bytes, topics: Any, data: bytes) -> Log:
    return Log(bytes(address), tuple(t.to_bytes(32, "big") for t in topics), bytes(data))
