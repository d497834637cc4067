"""Transactions end to end: signed ERC-20 transfers in, state root out.

A transaction comes as bytes. It is decoded, its sender recovered, checked, executed, its fees paid;
after every thousand the state root is computed. Each step is done for all thousand before the next
begins: nodes read transactions when they come, before a block holds them, and the code of one step
fits the processor's caches where that of all steps does not. Ours against pyrevm with the glue in
Python that it needs (the same decoding and recovery in the same order, nonces and fees by hand; it
keeps slots warm from one to the next and gives no state root, both of which make it faster than it
may be), and py-evm, which runs a thousand and is counted up. One core, one thread. Times are the
processor's for this process, so that it does not matter who else is on the machine.
"""

import itertools
import json
import random
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import sha3

from harness import Contest, Row, Trial, main
from numen.base.crypto import SigningKey
from numen.evm import abi, engines, forks, transition
from numen.evm.block import Block
from numen.evm.evm import EVM
from numen.evm.forks import Fork
from numen.evm.state import Account, State
from numen.evm.transaction import Kind, Transaction, decode
from rivals import machines

try:
    import pyrevm
except ImportError:
    pyrevm = None

HERE = Path(__file__).parent
FORK = "prague"
BAR_S = 1 / 5000
"""Seconds of a transaction: five thousand a second."""

SENDERS, ROOT_EVERY = 200, 1000
BASE_FEE, TIP, GAS = 7, 2, 100_000
COIN = 10**18

DICE = random.Random(7)
KEYS = [SigningKey(sha3.keccak_256(b"sender %d" % n).digest()) for n in range(SENDERS)]
BLOCK = Block(
    number=1,
    timestamp=1_700_000_000,
    gas_limit=2**50,
    base_fee=BASE_FEE,
    coinbase=bytes.fromhex("c0" * 20),
    blob_base_fee=1,
)


def contests(quick: bool) -> Iterator[Contest | Row]:
    """Everything that is compared."""
    count = ROOT_EVERY if quick else 5 * ROOT_EVERY
    state, token = world()
    raw = list(transfers(token, count))
    slow, fast = (Ours(state, raw[:20], engine)() for engine in ("reference", "hot"))
    assert slow == fast, "the engines disagree about the root"
    rivals = {
        "5000/s": BAR_S * count,
        "pyrevm": with_pyrevm(state, raw),
        "py-evm": with_pyevm(state, raw[: 20 if quick else ROOT_EVERY], count),
    }
    ours = Ours(state, raw, "hot")
    sides = Trial(ours, ours.reset), rivals
    clock = time.process_time
    yield Contest(f"{count} transfers", *sides, {"5000/s": 1.0}, None, clock)
    yield Contest("decode and recover, each", recovery(raw), {"bar": BAR_S}, {}, None, clock)


def world() -> tuple[State, bytes]:
    """Senders with ether and coins, and the token."""
    evm = EVM(FORK, engine="interpreter")
    made = json.loads((HERE / "contracts/artifacts.json").read_text())["contracts"]["Token"]
    owner = KEYS[0].address
    token = evm.deploy(made, sender=owner)
    token.transact("initialize", "Coin", "COIN", owner, 10**9 * COIN, sender=owner)
    for key in KEYS:
        token.transact("transfer", key.address, 10**6 * COIN, sender=owner)
        evm.set_balance(key.address, 1000 * COIN)
    evm.set_nonce(owner, 0)
    return evm.state, token.address


def transfers(token: bytes, count: int) -> Iterator[bytes]:
    """Signed transactions in the order of their nonces; half the receivers are new."""
    nonces = dict.fromkeys(range(SENDERS), 0)
    for _ in range(count):
        sender = DICE.randrange(SENDERS)
        known = KEYS[DICE.randrange(SENDERS)].address
        to = known if DICE.random() < 0.5 else DICE.randbytes(20)
        data = abi.selector("transfer(address,uint256)")
        tx = Transaction(
            kind=Kind.FEE_MARKET,
            chain_id=1,
            nonce=nonces[sender],
            max_fee=BASE_FEE + TIP,
            max_priority_fee=TIP,
            gas_limit=GAS,
            to=token,
            data=data + abi.encode(["address", "uint256"], [to, DICE.randrange(COIN)]),
        )
        nonces[sender] += 1
        yield tx.sign(KEYS[sender]).encode()


class Ours:
    """Our side: a machine over a copy of the state."""

    def __init__(self, state: State, raw: list[bytes], engine: str) -> None:
        self._start, self._raw, self._engine = state, raw, engine
        self.fork = forks.fork(FORK)
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self._state = self._start.copy()
        self._state.root()
        self._machine = engines.make(self._engine, self.fork, self._state)

    def __call__(self) -> bytes:
        root = b""
        for signed in read(self._raw, self.fork):
            for tx, sender in signed:
                receipt = transition.apply(self._machine, BLOCK, tx, sender)
                assert receipt.success
            self._state.apply(self._machine.take_diff())
            root = self._state.root()
        return root


def read(raw: list[bytes], fork: Fork) -> Iterator[Iterable[tuple[Transaction, bytes]]]:
    """Transactions and their senders, a thousand at a time."""
    for start in range(0, len(raw), ROOT_EVERY):
        block = [decode(one, fork) for one in raw[start : start + ROOT_EVERY]]
        yield zip(block, [tx.sender(fork, BLOCK.chain_id) for tx in block], strict=True)


def recovery(raw: list[bytes]) -> Callable[[], object]:
    """What decoding and recovery take of it."""
    fork = forks.fork(FORK)
    place = iter(range(10**12))

    def one() -> bytes:
        return decode(raw[next(place) % len(raw)], fork).sender(fork, 1)

    return one


# --- rivals -------------------------------------------------------------------------------------


def with_pyrevm(state: State, raw: list[bytes]) -> Trial | None:
    """Give the other side: pyrevm, and in Python what it leaves to its user."""
    if pyrevm is None:
        return None
    fork, box = forks.fork(FORK), []

    def reset() -> None:
        evm = pyrevm.EVM(gas_limit=BLOCK.gas_limit, spec_id="CANCUN")
        for address, account in state.accounts.items():
            put(evm, "0x" + address.hex(), account)
        box[:] = [evm]

    def run() -> object:
        evm, nonces, fees = box[0], {}, {}
        for tx, sender in itertools.chain.from_iterable(read(raw, fork)):
            caller = "0x" + sender.hex()
            assert tx.nonce == nonces.get(sender, 0)
            nonces[sender] = tx.nonce + 1
            assert tx.to is not None
            evm.message_call(caller, "0x" + tx.to.hex(), calldata=tx.data, gas=tx.gas_limit)
            used = evm.result.gas_used
            evm.set_balance(caller, evm.get_balance(caller) - used * tx.max_fee)
            fees[BLOCK.coinbase] = fees.get(BLOCK.coinbase, 0) + used * TIP
        return fees

    return Trial(run, reset)


def put(evm: object, address: str, account: Account) -> None:
    """Give pyrevm an account."""
    info = pyrevm.AccountInfo(
        nonce=account.nonce, balance=account.balance, code=account.code or None
    )
    evm.insert_account_info(address, info)
    for key, word in account.storage.items():
        moment = evm.snapshot()
        evm.insert_account_storage(address, key, word)
        evm.revert(moment)


def with_pyevm(state: State, raw: list[bytes], count: int) -> float | None:
    """Seconds that py-evm would take for all, from some."""
    if machines.PyEvmJudge is None:
        return None
    return machines.pyevm_transactions(state.accounts, BLOCK, raw, len(raw)) / len(raw) * count


if __name__ == "__main__":
    main(__doc__, contests)
