"""A small ledger with people and scripted contracts on it."""

from collections.abc import Sequence

from numen.base.codec import U256
from numen.base.crypto import SigningKey
from numen.ledger.cell import Account
from numen.ledger.ledger import Ledger, Made
from numen.ledger.state.kv import MemoryKV
from numen.ledger.transactions import Call, Transaction, sign
from numen.ledger.world import World
from tests.ledger import scripts

CHAIN = 7
COINS = 10**15
MAKER = SigningKey.from_seed(b"maker")
PEOPLE = [SigningKey.from_seed(bytes([i])) for i in range(3)]
CONTRACTS = [bytes([0xC0 + i]) * 20 for i in range(4)]


class Town:
    """A ledger, its state, and the nonces of its people."""

    def __init__(self, price: int = 1, lanes: int = 1) -> None:
        people = [(key.address, Account(COINS)) for key in PEOPLE]
        code = [(address, Account(1000, code=scripts.CODE)) for address in CONTRACTS]
        self.world = World(MemoryKV(), [*people, *code], {scripts.CODE: scripts.Scripted()})
        self.ledger = Ledger(CHAIN, self.world, lanes)
        self.price = price
        self.nonces = [0] * len(PEOPLE)
        self.supply = sum(account.balance for _, account in [*people, *code])

    def call(
        self, to: bytes, script: scripts.Script, *, who: int = 0, value: int = 0, work: int = 10**6
    ) -> bytes:
        return self.calls([(to, scripts.write(script), value, work)], who=who)

    def calls(self, calls: Sequence[tuple[bytes, bytes, int, int]], *, who: int = 0) -> bytes:
        wanted = tuple(Call(to, U256(value), payload, work) for to, payload, value, work in calls)
        nonce = self.nonces[who]
        self.nonces[who] += 1
        return sign(Transaction(CHAIN, nonce, self.price, 10**6, wanted), PEOPLE[who])

    def block(self, *transactions: bytes) -> Made:
        return self.ledger.make(transactions, self.ledger.time_ms + 1, self.price, MAKER)

    def balance(self, address: bytes) -> int:
        return self.world.peek(address).balance
