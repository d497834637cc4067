"""Put the contracts of this folder into worlds, and write ``cases.json``.

    python bench/contracts/scenarios.py

Every deployment and every setting-up call runs on the Ethereum execution specifications, and so do
the measured calls, which give what every engine must answer. The file has the form of the public
collections of benchmark calls: the accounts before, a plain message (no intrinsic gas, refunds not
counted), and what it comes to.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import sha3
from eth_abi.abi import encode

from numen.evm.block import Block, Context
from numen.evm.fuzz.case import Case, Outcome
from numen.evm.fuzz.judges.eels import EelsJudge
from numen.evm.message import Message
from numen.evm.state import Account

HERE = Path(__file__).parent
TARGET = HERE / "cases.json"
FORK = "cancun"
OWNER = bytes.fromhex("00000000000000000000000000000000000a11ce")
BLOCK = Block(number=1, timestamp=1_700_000_000, gas_limit=2**63 - 1, blob_base_fee=1)
GAS = 2**40
COIN = 10**18
FIRST_RECEIVER = 0x1000000
TRANSFERS, SWAPS, DEPTH, WALLETS, BIDS = 1_000, 100, 100, 1_000, 10_000

ARTIFACTS = json.loads((HERE / "artifacts.json").read_text())["contracts"]


class Chain:
    """A world that grows message by message."""

    def __init__(self) -> None:
        self.world: dict[bytes, Account] = {OWNER: Account(balance=2**100)}

    def deploy(self, name: str, kinds: str = "", *values: object) -> bytes:
        """Deploy a contract with arguments; return its address."""
        before = set(self.world)
        self.run(Message(OWNER, None, 0, code_of(name) + encoded(kinds, values), GAS))
        made = [a for a in set(self.world) - before if self.world[a].nonce == 1]
        address = next(a for a in made if a == created_by_owner(self.world[OWNER].nonce - 1))
        assert self.world[address].code
        return address

    def call(self, to: bytes, signature: str, *values: object, value: int = 0) -> Outcome:
        """Call a function, keeping what it changes."""
        return self.run(Message(OWNER, to, value, call_data(signature, values), GAS))

    def run(self, message: Message) -> Outcome:
        """Run a message, keeping what it changes; it must succeed."""
        outcome = outcome_of(self.world, message)
        assert outcome.status == "success", outcome.output
        self.world = dict(outcome.post)
        return outcome


def main() -> None:
    """Build every scenario, run it, write the file."""
    cases = []
    for name, chain, message in scenarios():
        outcome = outcome_of(chain.world, message)
        cases.append(record(name, chain, message, outcome))
        print(f"{name}: {outcome.status}, gas {message.gas - outcome.gas_left}")
    TARGET.write_text(json.dumps(cases, indent=1) + "\n")


def scenarios() -> Iterator[tuple[str, Chain, Message]]:
    """Each scenario's name, its world, and the message that is measured."""
    yield "erc20_through_proxy", *proxy()
    yield "uniswap_v2_swaps", *swaps()
    yield "call_chain", *call_chain()
    yield "factory", *factory()
    yield "auction", *auction()


def proxy() -> tuple[Chain, Message]:
    """A payroll pays a thousand people through an upgradeable token."""
    chain = Chain()
    payroll = chain.deploy("Payroll")
    token = chain.deploy("Token")
    setup = call_data(
        "initialize(string,string,address,uint256)", ("Coin", "COIN", payroll, 10**6 * COIN)
    )
    front = chain.deploy("Proxy", "address,bytes", token, setup)
    values = (front, FIRST_RECEIVER, TRANSFERS, COIN)
    return chain, measured(payroll, "pay(address,uint160,uint256,uint256)", *values)


def swaps() -> tuple[Chain, Message]:
    """A trader goes back and forth through a pair that has liquidity."""
    chain = Chain()
    maker, trader = chain.deploy("PairMaker"), chain.deploy("Trader")
    tokens = []
    for symbol in ("ONE", "TWO"):
        token = chain.deploy("Token")
        setup = (symbol, symbol, OWNER, 10**9 * COIN)
        chain.call(token, "initialize(string,string,address,uint256)", *setup)
        tokens.append(token)
    made = chain.call(maker, "createPair(address,address)", *tokens)
    pair = made.output[12:]
    for token, liquidity in zip(sorted(tokens), (50_000, 80_000), strict=True):
        chain.call(token, "transfer(address,uint256)", pair, liquidity * COIN)
        chain.call(token, "transfer(address,uint256)", trader, 1_000 * COIN)
    chain.call(pair, "mint(address)", OWNER)
    return chain, measured(trader, "trade(address,uint256,uint256)", pair, 10 * COIN, SWAPS)


def call_chain() -> tuple[Chain, Message]:
    """A call that goes down a chain of contracts and comes back."""
    chain = Chain()
    link = bytes(20)
    for _ in range(DEPTH):
        link = chain.deploy("Link", "address", link)
    return chain, measured(link, "pass(uint256)", 7)


def factory() -> tuple[Chain, Message]:
    """A factory makes a thousand contracts."""
    chain = Chain()
    maker = chain.deploy("Factory")
    return chain, measured(maker, "make(uint256)", WALLETS)


def auction() -> tuple[Chain, Message]:
    """Ten thousand bids; a quarter of them fail with a reason."""
    chain = Chain()
    house = chain.deploy("Auction", "address,uint256", OWNER, 86_400)
    crowd = chain.deploy("Crowd")
    chain.run(Message(OWNER, crowd, 2**90, b"", GAS))
    return chain, measured(crowd, "bid(address,uint256)", house, BIDS)


# --- messages and files -------------------------------------------------------------------------


def measured(to: bytes, signature: str, *values: object) -> Message:
    """The message of a scenario."""
    return Message(OWNER, to, 0, call_data(signature, values), GAS)


def code_of(name: str) -> bytes:
    """The code that deploys a contract."""
    return bytes.fromhex(ARTIFACTS[name]["bytecode"])


def call_data(signature: str, values: tuple[object, ...]) -> bytes:
    """A call's input: the selector and the arguments."""
    selector = sha3.keccak_256(signature.encode()).digest()[:4]
    return selector + encoded(signature[signature.index("(") + 1 : -1], values)


def encoded(kinds: str, values: tuple[object, ...]) -> bytes:
    """Arguments of the types that are named with commas between."""
    return encode(kinds.split(",") if kinds else [], values)


def created_by_owner(nonce: int) -> bytes:
    """Address of the contract that the owner makes with a nonce below 128."""
    counter = bytes([0x80 if nonce == 0 else nonce])
    return sha3.keccak_256(b"\xd6\x94" + OWNER + counter).digest()[12:]


def outcome_of(world: dict[bytes, Account], message: Message) -> Outcome:
    """What the specifications make of a message."""
    case = Case("scenario", FORK, BLOCK, Context(OWNER), world, message)
    trial = EelsJudge().prepare(case)
    trial.run()
    return trial.outcome({})


def record(name: str, chain: Chain, message: Message, outcome: Outcome) -> dict[str, object]:
    """A case in the form of the file."""
    assert message.to is not None
    accounts = {
        "0x" + address.hex(): {
            "code": "0x" + account.code.hex(),
            "balance": hex(account.balance),
            "nonce": hex(account.nonce),
            "storage": {hex(key): hex(word) for key, word in sorted(account.storage.items())},
        }
        for address, account in sorted(chain.world.items())
    }
    return {
        "name": name,
        "pre": accounts,
        "sender": "0x" + message.caller.hex(),
        "to": "0x" + message.to.hex(),
        "data": "0x" + message.data.hex(),
        "value": hex(message.value),
        "gas": message.gas,
        "env": {"currentTimestamp": hex(BLOCK.timestamp)},
        "expect": {
            "fork": FORK,
            "ok": outcome.status == "success",
            "execution_gas_used": message.gas - outcome.gas_left,
            "output": "0x" + outcome.output.hex(),
            "log_count": len(outcome.logs),
        },
    }


if __name__ == "__main__":
    main()
