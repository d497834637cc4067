"""A ledger for tests: asked in this process without a socket, or started as a program."""

import functools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from numen.base.crypto import SigningKey
from numen.evm.contract import Artifact, decode_output, encode_input, function_of, with_arguments
from numen.lang.contracts.build import Contract
from numen.ledger.state.kv import MemoryKV
from numen.node.ledger.node import LedgerNode
from numen.node.ledger.settings import Settings
from numen.node.rpc.dispatch import Dispatcher
from numen.node.rpc.ledger_methods import METHODS
from numen.testing import build
from numen.vm.codes import Code, write_code
from numen.vm.contract import write_contract
from tests.markdown import ROOT
from tests.node.served import ADDRESSES, ETHER, KEYS, Asked, ended

MAKER = SigningKey.from_seed(b"maker")

SHOP = """
from numen import Bounce, address, contract, interface, map, message, payable, view

@interface
class Token:
    async def transferFrom(owner: address, to: address, amount: u128) -> bool: ...

@contract
class Shop:
    token: Token
    price: u128
    bought: map[address, u128]

    def __init__(self, token: Token, price: u128):
        self.token = token
        self.price = price

    @message
    async def buy(self, count: u128) -> u128:
        try:
            paid = await self.token.transferFrom(self.sender, self.address, count * self.price)
        except Bounce:
            return 0
        self.bought[self.sender] += count
        return self.bought[self.sender]

    @view
    def bought_by(self, who: address) -> u128:
        return self.bought[who]

    @message
    @payable
    def tip(self):
        pass
"""

TICKER = """
from numen import contract, emit, event, indexed, message, payable, timer, view

@event
class Ticked:
    number: indexed[u128]

@contract
class Ticker:
    count: u128

    @message
    @payable
    def start(self):
        every(1, self.tick(), work=10000)

    @timer
    def tick(self):
        self.count += 1
        emit(Ticked(self.count))

    @view
    def ticks(self) -> u128:
        return self.count
"""


@functools.cache
def compiled(name: str) -> Contract:
    """A contract by its name."""
    sources = {"shop": SHOP, "ticker": TICKER}
    return build(sources.get(name) or (ROOT / f"examples/contracts/{name}.py").read_text())


def creation(contract: Contract, *args) -> str:
    """The input of a transaction that creates a contract."""
    code = write_code(Code("numen", write_contract(contract)))
    return "0x" + (code + with_arguments(Artifact(b"", contract.abi), args)).hex()


class AskedLedger(Asked):
    """A ledger that is asked without a socket."""

    def __init__(self, kv=None, **settings):
        accounts = {key.address: 10_000 * ETHER for key in KEYS}
        given = {"accounts": accounts, "keys": KEYS, "maker": MAKER}
        self.now_s = 1_800_000_000
        self.kv = kv if kv is not None else MemoryKV()
        self.settings = Settings(**(given | settings))
        self.node = LedgerNode(self.kv, self.settings, self.now_s)
        self.reports = []
        self.dispatcher = Dispatcher(
            self.node, METHODS, report=lambda *args: self.reports.append(args)
        )

    def create(self, contract: Contract, *args, **fields) -> "Deployed":
        """Create a contract."""
        receipt = self.send(data=creation(contract, *args), **fields)
        assert receipt["status"] == "0x1", receipt
        return Deployed(self, receipt["contractAddress"], contract.abi)


class Deployed:
    """A contract on a ledger that is asked."""

    def __init__(self, asked: AskedLedger, address: str, entries) -> None:
        self.asked, self.address, self.abi = asked, address, entries

    def data(self, name: str, *args) -> str:
        plain = [getattr(arg, "address", arg) for arg in args]
        return "0x" + encode_input(function_of(self.abi, name, len(plain)), plain).hex()

    def send(self, name: str, *args, **fields) -> dict:
        """Send a transaction; give its receipt."""
        return self.asked.send(to=self.address, data=self.data(name, *args), **fields)

    def call(self, name: str, *args, block="latest", **fields):
        """Ask without a transaction."""
        form = {"from": ADDRESSES[0], "to": self.address, "data": self.data(name, *args), **fields}
        output = bytes.fromhex(self.asked("eth_call", form, block)[2:])
        return decode_output(function_of(self.abi, name, len(args)), output)


@contextmanager
def running(*options: str) -> Iterator[tuple[dict, subprocess.Popen]]:
    """Start `numen node`, and give what it says when it is ready, and the process."""
    command = [sys.executable, "-m", "numen", "node", "--json", "--port", "0", *options]
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            assert process.stdout
            line = process.stdout.readline()
            assert line, process.stderr.read()
            yield json.loads(line), process
        finally:
            errors = ended(process)
    assert "Traceback" not in errors, errors
