"""Vyper's own test suite on our EVM: a plugin of pytest for a checkout of Vyper.

    git clone --branch v0.4.3 https://github.com/vyperlang/vyper && cd vyper
    pip install -e '.[test]' numen
    export PYTHONPATH=path/to/numen/bench
    pytest -n0 -p vyper_suite --evm-backend revm   tests/functional/examples     # Numen
    pytest -n0 -p vyper_suite --evm-backend py-evm tests/functional/examples     # py-evm

It puts our environment in the place of the one for revm (``NUMEN_SUITE=off`` leaves revm there),
and says at the end how much time was spent in the EVM: the rest of such a suite is compiling.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.evm_backends import base_env, pyevm_env, revm_env

from numen.evm.abi import checksummed
from numen.evm.blobs import blob_base_fee
from numen.evm.evm import EVM
from numen.evm.halt import Halt

WORDS = {
    Halt.BAD_INSTRUCTION: "Invalid opcode",
    Halt.OUT_OF_GAS: "Out of gas",
    Halt.CODE_SIZE: "Contract code size exceeds",
    Halt.INITCODE_SIZE: "Initcode size exceeds",
}
"""What the suite looks for in errors."""

SPENT: dict[str, float] = {"deployments": 0.0, "calls": 0.0}
COUNTS: dict[str, int] = {"deployments": 0, "calls": 0}


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Replace the environment before Vyper's conftest imports it."""
    del early_config
    if os.environ.get("NUMEN_SUITE") != "off":
        revm_env.RevmEnv = NumenEnv
    call = "_message_call" if hasattr(base_env.BaseEnv, "_message_call") else "message_call"
    for kind in (revm_env.RevmEnv, pyevm_env.PyEvmEnv):
        _time(kind, "_deploy", "deployments")
        _time(kind, call, "calls")


def _time(kind: Any, method: str, what: str) -> None:
    """Add up the time that a method takes."""
    plain = getattr(kind, method)

    def timed(self: Any, *args: Any, **kwargs: Any) -> Any:
        start = time.process_time()
        try:
            return plain(self, *args, **kwargs)
        finally:
            SPENT[what] += time.process_time() - start
            COUNTS[what] += 1

    setattr(kind, method, timed)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say where the time went."""
    for what, seconds in SPENT.items():
        terminalreporter.write_line(f"{COUNTS[what]} {what}: {seconds:.2f} s of CPU in the EVM")
    terminalreporter.write_line(f"{time.process_time():.2f} s of CPU in all")


class NumenEnv(base_env.BaseEnv):
    """Where Vyper's tests run contracts."""

    invalid_opcode_error = WORDS[Halt.BAD_INSTRUCTION]
    out_of_gas_error = WORDS[Halt.OUT_OF_GAS]
    contract_size_limit_error = WORDS[Halt.CODE_SIZE]
    initcode_size_limit_error = WORDS[Halt.INITCODE_SIZE]
    blob_hashes: tuple[bytes, ...] = ()

    def __init__(
        self, gas_limit: int, account_keys: Any, tracing: bool, block_number: int,
        evm_version: str, *rest: Any,
    ) -> None:  # fmt: skip
        super().__init__(gas_limit, account_keys, *rest)
        del tracing
        self._evm = EVM(evm_version, engine=os.environ.get("NUMEN_ENGINE", "hot"))
        self._evm.set_block(number=block_number, gas_limit=gas_limit)
        self._excess_blob_gas: int | None = 0

    @contextmanager
    def anchor(self) -> Iterator[None]:
        moment = self._evm.snapshot()
        try:
            yield
        finally:
            self._evm.revert(moment)

    def get_balance(self, address: str) -> int:
        return self._evm.balance(address)

    def set_balance(self, address: str, value: int) -> None:
        self._evm.set_balance(address, value)

    _set_balance = set_balance

    @property
    def block_number(self) -> int:
        return self._evm.block.number

    @block_number.setter
    def block_number(self, value: int) -> None:
        self._evm.set_block(number=value)

    @property
    def timestamp(self) -> int:
        return self._evm.block.timestamp

    @timestamp.setter
    def timestamp(self, value: int) -> None:
        self._evm.set_block(timestamp=value)

    @property
    def last_result(self) -> Any:
        return self._last

    def _run(self, **fields: Any) -> Any:
        outcome = self._evm.execute(blob_hashes=self.blob_hashes, **fields)
        logs = [
            base_env.LogEntry(
                address=checksummed(log.address),
                topics=["0x" + topic.hex() for topic in log.topics],
                data=(list(log.topics), log.data),
            )
            for log in outcome.logs
        ]
        self._last = base_env.ExecutionResult(
            is_success=outcome.success,
            logs=logs,
            gas_refunded=outcome.refunded,
            gas_used=outcome.gas_used,
        )
        if outcome.halt is Halt.REVERT:
            self._parse_revert(outcome.output, RuntimeError("reverted"), outcome.gas_used)
        if not outcome.success:
            raise base_env.EvmError(WORDS.get(outcome.halt, outcome.halt.name))
        return outcome

    def message_call(
        self, to: str, sender: str | None = None, data: Any = b"", value: int = 0,
        gas: int | None = None, gas_price: int = 0, is_modifying: bool = True,
    ) -> bytes:  # fmt: skip
        made = self._run(
            to=to, sender=sender or self.deployer, data=data, value=value,
            gas=gas or self.gas_limit, gas_price=gas_price, is_static=not is_modifying,
        )  # fmt: skip
        return bytes(made.output)

    def _deploy(self, code: bytes, value: int, gas: int | None = None) -> str:
        made = self._run(
            to=None, sender=self.deployer, data=code, value=value, gas=gas or self.gas_limit
        )
        return checksummed(made.created)

    def clear_transient_storage(self) -> None:
        """Nothing to do: every message is a transaction of its own here."""

    def get_code(self, address: str) -> bytes:
        return self._evm.code(address)

    def get_excess_blob_gas(self) -> int | None:
        return self._excess_blob_gas

    def set_excess_blob_gas(self, param: int) -> None:
        self._excess_blob_gas = param
        self._evm.set_block(blob_base_fee=blob_base_fee(param, self._evm.fork))

    def get_block_hash(self, block_number: int) -> bytes:
        return self._evm.block.block_hashes.get(block_number, b"")
