"""The Ethereum execution specifications (PyPI: ethereum-execution): slow, complete, the arbiter."""

from collections.abc import Mapping
from dataclasses import fields
from importlib import import_module
from typing import Any, Final

import sha3
from ethereum_types.bytes import Bytes0, Bytes20, Bytes32
from ethereum_types.numeric import U64, U256, Uint

from numen.evm.fuzz.case import Case, Outcome, Status, Trial, World, delegate_of
from numen.evm.message import Log
from numen.evm.state import Account

_MODULES: Final = {
    "frontier": "frontier",
    "homestead": "homestead",
    "tangerine_whistle": "tangerine_whistle",
    "spurious_dragon": "spurious_dragon",
    "byzantium": "byzantium",
    "petersburg": "constantinople",  # the specification leaves out what never ran on the main net
    "istanbul": "istanbul",
    "berlin": "berlin",
    "london": "london",
    "paris": "paris",
    "shanghai": "shanghai",
    "cancun": "cancun",
    "prague": "prague",
    "osaka": "osaka",
}


class EelsJudge:
    """Runs cases on the specifications."""

    name = "eels"
    forks = frozenset(_MODULES)

    def adapted(self, case: Case) -> Case:
        return case

    def prepare(self, case: Case) -> Trial:
        return _Trial(case)


class _Trial:
    """A case on one fork's modules."""

    def __init__(self, case: Case) -> None:
        root = f"ethereum.forks.{_MODULES[case.fork]}"
        self._case = case
        self._state_module = import_module(f"{root}.state")
        self._vm = import_module(f"{root}.vm")
        self._interpreter = import_module(f"{root}.vm.interpreter")
        self._types = import_module(f"{root}.fork_types")
        self._prepare = import_module(f"{root}.utils.message").prepare_message
        self._state = self._state_module.State()
        self._put(case.pre)
        self._message = self._new_message()
        self._evm: Any = None
        self._is_collision = False

    def run(self) -> None:
        message, state = self._message, self._state
        sm = self._state_module
        if message.target == Bytes0(b""):
            has_storage = getattr(sm, "account_has_storage", lambda _state, _address: False)
            self._is_collision = sm.account_has_code_or_nonce(
                state, message.current_target
            ) or has_storage(state, message.current_target)
            if not self._is_collision:
                self._evm = self._interpreter.process_create_message(message)
            return
        delegate = delegate_of(message.code) if hasattr(message, "disable_precompiles") else None
        if delegate is not None:
            message.disable_precompiles = True
            message.accessed_addresses.add(self._types.Address(delegate))
            message.code = sm.get_account(state, self._types.Address(delegate)).code
            message.code_address = self._types.Address(delegate)
        self._evm = self._interpreter.process_message(message)

    def outcome(self, seen: World) -> Outcome:  # noqa: ARG002 - it lists its accounts itself
        if self._is_collision:
            return Outcome("failure", 0, b"", (), self._accounts())
        evm = self._evm
        status: Status = "success"
        if evm.error is not None:
            status = "revert" if type(evm.error).__name__ == "Revert" else "failure"
        self._finish(evm)
        logs = () if evm.error else evm.logs
        is_made = self._case.message.to is None and status == "success"
        return Outcome(
            status=status,
            gas_left=int(evm.gas_left),
            # Some forks leave the code that could not be paid for.
            output=b"" if is_made or status == "failure" else bytes(evm.output),
            logs=tuple(
                Log(bytes(g.address), tuple(map(bytes, g.topics)), bytes(g.data)) for g in logs
            ),
            post=self._accounts(),
        )

    def _finish(self, evm: Any) -> None:
        """What the end of a transaction does to the accounts."""
        sm, state = self._state_module, self._state
        if not evm.error:
            for address in evm.accounts_to_delete:
                sm.destroy_account(state, address)
        if not hasattr(sm, "destroy_touched_empty_accounts"):
            return
        # A touch does not outlive the failure of the outermost message.
        if not evm.error:
            target, touched = self._message.current_target, set(evm.touched_accounts)
            is_call = self._case.message.to is not None
            if is_call and sm.account_exists_and_is_empty(state, target):
                touched.add(target)
            sm.destroy_touched_empty_accounts(state, touched)

    def _put(self, world: World) -> None:
        sm, state = self._state_module, self._state
        for address, account in world.items():
            key = self._types.Address(address)
            sm.set_account(state, key, self._new_account(account))
            for slot, word in account.storage.items():
                sm.set_storage(state, key, Bytes32(slot.to_bytes(32, "big")), U256(word))

    def _new_account(self, account: Account) -> Any:
        values: dict[str, Any] = {
            "nonce": Uint(account.nonce),
            "balance": U256(account.balance),
            "code": account.code,
            "code_hash": Bytes32(sha3.keccak_256(account.code).digest()),
        }
        return _made(self._types.Account, values)

    def _new_message(self) -> Any:
        case, message = self._case, self._case.message
        address = self._types.Address
        env = self._block_environment()
        if message.to is None:
            self._state_module.increment_nonce(self._state, address(message.caller))
        warms_coinbase = case.fork in {"shanghai", "cancun", "prague", "osaka"}
        # Nothing of a type that does not exist in the fork is asked for: `_made` picks by name.
        values: dict[str, Any] = {
            "origin": address(message.caller),
            "gas_price": Uint(case.context.gas_price),
            "gas": Uint(message.gas),
            "access_list_addresses": {address(case.block.coinbase)} if warms_coinbase else set(),
            "access_list_storage_keys": set(),
            "blob_versioned_hashes": tuple(map(Bytes32, case.context.blob_hashes)),
            "authorizations": (),
            "index_in_block": Uint(0),
            "tx_hash": None,
        }
        if hasattr(self._state_module, "TransientStorage"):
            values["transient_storage"] = self._state_module.TransientStorage()
        transaction = _Transaction(
            to=Bytes0(b"") if message.to is None else address(message.to),
            data=message.data,
            value=U256(message.value),
            gas=Uint(message.gas),
        )
        return self._prepare(env, _made(self._vm.TransactionEnvironment, values), transaction)

    def _block_environment(self) -> Any:
        block = self._case.block
        hashes = [Bytes32(h) for _, h in sorted(block.block_hashes.items())]
        values: dict[str, Any] = {
            "chain_id": U64(block.chain_id),
            "state": self._state,
            "block_gas_limit": Uint(block.gas_limit),
            "block_hashes": hashes,
            "coinbase": self._types.Address(block.coinbase),
            "number": Uint(block.number),
            "base_fee_per_gas": Uint(block.base_fee),
            "time": U256(block.timestamp),
            "difficulty": Uint(block.prev_randao),
            "prev_randao": Bytes32(block.prev_randao.to_bytes(32, "big")),
            "excess_blob_gas": U64(0),
            "parent_beacon_block_root": Bytes32(bytes(32)),
        }
        return _made(self._vm.BlockEnvironment, values)

    def _accounts(self) -> World:
        """Everybody, read out of the state's tries."""
        state = self._state
        codes = getattr(state, "_code_store", {})
        found = {}
        for address, account in state._main_trie._data.items():  # noqa: SLF001
            trie = state._storage_tries.get(address)  # noqa: SLF001
            slots = trie._data if trie else {}  # noqa: SLF001
            storage = {int.from_bytes(key, "big"): int(word) for key, word in slots.items()}
            code = account.code if hasattr(account, "code") else codes[account.code_hash]
            nonce, balance = int(account.nonce), int(account.balance)
            found[bytes(address)] = Account(nonce, balance, bytes(code), storage)
        return found


class _Transaction:
    """As much of a transaction as the specification's `prepare_message` looks at."""

    def __init__(self, *, to: Bytes0 | Bytes20, data: bytes, value: U256, gas: Uint) -> None:
        self.to, self.data, self.value, self.gas = to, data, value, gas


def _made(kind: Any, values: Mapping[str, Any]) -> Any:
    """Make a record of the specification from those values that the fork's record has."""
    return kind(
        **{field.name: values[field.name] for field in fields(kind) if field.name in values}
    )
