"""Contracts: one delivery of our language, beside the same token as EVM bytecode, and the bar.

Both sides are told the same message over and over, with the state as it was: an ERC-20 transfer
between two accounts that exist. What the ledger does around a delivery is not in it.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path

from harness import Contest, main
from numen.evm import abi
from numen.lang.contracts.build import build
from numen.vm.contract import ContractService
from numen.vm.evm_events import EvmService
from numen.vm.host import Delivery, Kind, Outcome, Service

ROOT = Path(__file__).resolve().parents[1]
TOKEN = ROOT / "examples" / "contracts" / "erc20.py"
ARTIFACTS = ROOT / "bench" / "contracts" / "artifacts.json"

BAR_SECONDS = 10e-6
"""Of a transfer, which leaves a ledger of 20,000 messages a second 40 microseconds for the rest."""

HERE, ANN, BOB = (bytes([number]) * 20 for number in (0x11, 0xAA, 0xBB))


class State(dict[int, int]):
    """Slots in memory."""

    taken_back = 0

    def load(self, key: int) -> int:
        return self.get(key, 0)


def word(value: int | bytes) -> bytes:
    """A static value of the ABI."""
    return value.rjust(32, b"\0") if isinstance(value, bytes) else value.to_bytes(32, "big")


def tell(service: Service, state: State, kind: Kind, payload: bytes) -> Outcome:
    """Deliver, and keep what changed."""
    told = Delivery(kind, HERE, ANN, 0, payload, 10**9, 1, 0, 0)
    outcome = service.handle(told, state)
    assert outcome.failure is None, outcome.failure
    state.update(outcome.writes)
    return outcome


def ours() -> tuple[Service, State, bytes]:
    """The token of the examples, and a transfer of it."""
    contract = build(TOKEN.read_text(), file=TOKEN.name)
    service, state = ContractService(contract.program, contract.description), State()
    tell(service, state, Kind.CREATE, word(10**12))
    return service, state, contract.description.selector("transfer") + word(BOB) + word(5)


def solidity() -> tuple[Service, State, bytes]:
    """The token of the EVM's benches, of Solidity's compiler."""
    code = bytes.fromhex(json.loads(ARTIFACTS.read_text())["contracts"]["Token"]["bytecode"])
    service, state = EvmService(code), State()
    tell(service, state, Kind.CREATE, b"")
    # initialize(string,string,address,uint256)
    texts = word(4) + b"Coin".ljust(32, b"\0"), word(1) + b"C".ljust(32, b"\0")
    head = word(128) + word(192) + word(ANN) + word(10**12)
    tell(service, state, Kind.REQUEST, selector("initialize") + head + b"".join(texts))
    return service, state, selector("transfer") + word(BOB) + word(5)


def selector(name: str) -> bytes:
    """What asks the Solidity token for a message."""
    entries = json.loads(ARTIFACTS.read_text())["contracts"]["Token"]["abi"]
    return next(abi.selector(abi.signature(e)) for e in entries if e.get("name") == name)


def contests(quick: bool) -> Iterator[Contest]:
    """One contest: a transfer."""
    sides = []
    for service, state, payload in (ours(), solidity()):
        tell(service, state, Kind.REQUEST, payload)
        told = Delivery(Kind.REQUEST, HERE, ANN, 0, payload, 10**9, 1, 0, 0)
        for _ in range(100 if quick else 5_000):
            service.handle(told, state)
        sides.append(lambda s=service, t=told, slots=state: s.handle(t, slots))
    yield Contest(
        "transfer of a token, one delivery",
        sides[0],
        {"Solidity's, as bytecode": sides[1], "10 us": BAR_SECONDS},
        targets={"10 us": 1.0},
        same=lambda a, b: (a.failure, a.result) == (b.failure, b.result),
        clock=time.process_time,
    )


if __name__ == "__main__":
    main(__doc__, contests)
