"""`numen evm run`."""

from pathlib import Path
from typing import Any

import click
import msgspec

from numen.cli.output import EXIT_FALSE, print_json
from numen.evm import alloc, engines, readers
from numen.evm.alloc import Alloc
from numen.evm.block import Block
from numen.evm.forks import fork
from numen.evm.message import Log, Message, Result
from numen.evm.reference.machine import ReferenceMachine
from numen.evm.state import Account, State
from numen.evm.substate import Substate
from numen.evm.trace import Tracer
from numen.evm.transition import call

SENDER = bytes.fromhex("000000000000000000000000000073656e646572")
RECEIVER = bytes.fromhex("0000000000000000000000007265636569766572")
"""Where code runs unless an account is named: the word receiver, as with geth."""

_GAS = 10_000_000_000
_BALANCE = 2**128
"""Wei that a sender has who is not in the prestate."""


class Octets(click.ParamType[bytes]):
    """Bytes in hexadecimal, or ``@file`` with such in it."""

    name = "hex"

    def __init__(self, size: int | None = None) -> None:
        self._size = size

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> bytes:
        if isinstance(value, bytes):
            return value
        if value.startswith("@"):
            value = "".join(Path(value[1:]).read_text().split())
        try:
            return readers.octets(value, param.name or "" if param else "", self._size)
        except readers.MalformedFileError as error:
            self.fail(error.reason, param, ctx)


class Natural(click.ParamType[int]):
    """A natural number of so many bits, decimal or hexadecimal with 0x."""

    name = "number"

    def __init__(self, bits: int) -> None:
        self._bits = bits

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return readers.number(value, "", self._bits)
        except readers.MalformedFileError as error:
            self.fail(error.reason, param, ctx)


class _Genesis(msgspec.Struct):
    alloc: Alloc | None = None


class _Options(msgspec.Struct):
    """What `run` was asked to do."""

    code: bytes | None
    data: bytes
    gas: int
    fork_name: str
    value: int
    sender: bytes
    receiver: bytes
    prestate: Path | None
    create: bool
    engine: str
    trace: bool
    as_json: bool

    def message(self) -> Message:
        if self.create:
            initcode = (self.code or b"") + self.data
            return Message(self.sender, None, self.value, initcode, self.gas)
        return Message(self.sender, self.receiver, self.value, self.data, self.gas)

    def state(self) -> State:
        """The accounts of a file, a sender who can pay, and the code where it is to run."""
        accounts: dict[bytes, Account] = {}
        if self.prestate is not None:
            genesis: _Genesis = readers.load(self.prestate, _Genesis)
            found = genesis.alloc or readers.load(self.prestate, Alloc)
            accounts = alloc.accounts(found, str(self.prestate))
        accounts.setdefault(self.sender, Account(balance=_BALANCE))
        if self.code is not None and not self.create:
            there = accounts.get(self.receiver, Account())
            accounts[self.receiver] = msgspec.structs.replace(there, code=self.code)
        return State(accounts)


@click.command()
@click.option("--code", type=Octets(), help="Bytecode, or @FILE; by default the prestate's.")
@click.option("--input", "data", type=Octets(), default=b"", help="Calldata, or @FILE.")
@click.option("--gas", type=Natural(63), default=_GAS, show_default=True)
@click.option("--fork", "fork_name", default="prague", show_default=True, metavar="NAME")
@click.option("--value", type=Natural(256), default=0, help="Wei to send.")
@click.option("--sender", type=Octets(20), default=SENDER, help="Who calls.")
@click.option("--receiver", type=Octets(20), default=RECEIVER, help="Where the code is.")
@click.option("--prestate", type=click.Path(exists=True, path_type=Path), help="Accounts in JSON.")
@click.option("--create", is_flag=True, help="Run the code as one that makes a contract.")
@click.option("--engine", type=click.Choice(list(engines.ENGINES)), default="interpreter")
@click.option("--trace", is_flag=True, help="Print each instruction (EIP-3155), by the reference.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def run(**given: Any) -> int:
    """Call code, and print its output and the gas it used.

    With --trace the lines of a trace go to standard output instead, the last one with output and
    gas used. Gas is that of the call itself, without what a transaction costs.

    Exit code: 0 if the call succeeds, 1 if it reverts or fails.
    """
    options = _Options(**given)
    rules, tracer = fork(options.fork_name), Tracer(click.echo) if options.trace else None
    state = options.state()
    if tracer:
        machine: Substate = ReferenceMachine(rules, state, tracer)
    else:
        machine = engines.make(options.engine, rules, state)
    result = call(machine, Block(), options.message())
    used, logs = options.gas - result.gas_left, machine.logs()
    if tracer:
        tracer.end(result, used)
    elif options.as_json:
        print_json(_report(result, used, logs))
    else:
        _show(result, used)
    return 0 if result.success else EXIT_FALSE


def _show(result: Result, used: int) -> None:
    click.echo(readers.hexadecimal(result.output))
    if result.created:
        click.secho(f"made contract {readers.hexadecimal(result.created)}", dim=True, err=True)
    ending = "" if result.success else f", {_ending(result)}"
    click.secho(f"{used:,} gas{ending}", dim=True, err=True)


def _report(result: Result, used: int, logs: tuple[Log, ...]) -> dict[str, Any]:
    return {
        "output": readers.hexadecimal(result.output),
        "gasUsed": used,
        "error": "" if result.success else _ending(result),
        "created": result.created and readers.hexadecimal(result.created),
        "logs": [
            {
                "address": readers.hexadecimal(log.address),
                "topics": [readers.hexadecimal(topic) for topic in log.topics],
                "data": readers.hexadecimal(log.data),
            }
            for log in logs
        ],
    }


def _ending(result: Result) -> str:
    return result.halt.name.lower().replace("_", " ")
