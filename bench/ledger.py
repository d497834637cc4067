"""The message ledger: messages a second, two lanes against one, and a question of three hops.

*messages* are ERC-20 transfers of the language's example: signed, carried out, recorded, their
block and the state written to disk and waited for. The rival is the bar; a signature of secp256k1
takes longer than all the rest, so it matters how many messages one of them covers, and beside the
messages stands what it takes to recover the signer alone. The time is the processor's: the bar is
of one core.

*two lanes* run contracts that compute and have nothing to do with each other, in one thread each;
beside it stands what this machine gives two processes that do the same arithmetic at once.

*three hops* is the 99th percentile of the time from a request to the quiet ledger, where one
contract asks a second, which asks a third, and the answers come back.

*a private slot* is a message to a contract with private state beside the same message to the same
contract without: the request is opened, its cell read with its opening, sealed, and written.
"""

import hashlib
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from harness import Row, main
from numen.base.codec import U256
from numen.base.crypto import SigningKey, keccak256, recover
from numen.lang.contracts.build import Contract, build
from numen.ledger.cell import Account
from numen.ledger.ledger import Ledger, Made
from numen.ledger.sealed.keyring import seal_request
from numen.ledger.sealed.keys import EpochKeys
from numen.ledger.state.embedded import LmdbKV
from numen.ledger.transactions import Call, Transaction, created_address, sign
from numen.ledger.world import World
from numen.vm.codes import Code, code_id, write_code
from numen.vm.contract import write_contract

ROOT = Path(__file__).resolve().parents[1]
TOKEN = ROOT / "examples" / "contracts" / "erc20.py"

MESSAGES_BAR, LANES_BAR, HOPS_BAR_MS = 20_000, 1.8, 20.0
CHAIN, WORK, ROUNDS = 1, 10**8, 5
OWNER, MAKER = SigningKey.from_seed(b"owner"), SigningKey.from_seed(b"maker")
SENDERS = [SigningKey.from_seed(b"sender %d" % index) for index in range(64)]

COMPUTE = """
from numen import contract, message

@contract
class Compute:
    last: u64

    @message
    def run(self, rounds: u64):
        x: u64 = 1
        for i in range(rounds):
            x = wrapping_add(wrapping_mul(x, 6364136223846793005), i)
        self.last = x
"""

HOPS = """
from numen import address, contract, interface, message

@interface
class Next:
    async def ask(number: u64) -> u64: ...

@contract
class Hop:
    next: Next
    is_last: bool

    def __init__(self, next: address):
        self.next = Next(next)
        self.is_last = next == address(0)

    @message
    async def ask(self, number: u64) -> u64:
        if self.is_last:
            return number + 1
        answer = await self.next.ask(number + 1)
        return answer
"""

PUT = """
from numen import contract, map, message

@contract
class Put:
    held: {held}

    @message
    def put(self, place: {of}, n: {of}):
        self.held[place] = n
"""


class Book:
    """A ledger on disk, and the nonces of who signs."""

    def __init__(self, folder: str, lanes: int = 1) -> None:
        keys = [OWNER, *SENDERS]
        people = [(key.address, Account(10**30)) for key in keys]
        self.kv = LmdbKV(Path(folder))
        self.world = World(self.kv, people)
        self.ledger = Ledger(CHAIN, self.world, lanes)
        self.nonces = dict.fromkeys((key.address for key in keys), 0)

    def signed(self, key: SigningKey, calls: list[Call], *codes: bytes) -> bytes:
        """A transaction of somebody."""
        nonce = self.nonces[key.address]
        self.nonces[key.address] += 1
        return sign(Transaction(CHAIN, nonce, 0, 10**9, tuple(calls), codes), key)

    def block(self, *transactions: bytes) -> Made:
        """Make a block of them; all must be taken, and succeed."""
        made = self.ledger.make(transactions, self.ledger.time_ms + 1, 0, MAKER)
        assert not made.refused, made.refused
        failed = [receipt for receipt in made.receipts if receipt.failure is not None]
        assert not failed, failed[0]
        return made

    def deploy(self, contract: Contract, *arguments: bytes) -> bytes:
        """Create a contract; its address."""
        raw = write_code(Code("numen", write_contract(contract)))
        nonce = self.nonces[OWNER.address]
        call = Call(b"", U256(0), code_id(raw) + b"".join(arguments), WORK)
        address = created_address(OWNER.address, nonce, 0)
        if contract.description.is_private:
            self.world.keys.add(EpochKeys(bytes(31) + b"\1", address, 0))
        self.block(self.signed(OWNER, [call], raw))
        return address


def word(value: int | bytes) -> bytes:
    """A static value of the ABI."""
    return value.rjust(32, b"\0") if isinstance(value, bytes) else value.to_bytes(32, "big")


def contests(quick: bool) -> Iterator[Row]:
    """Everything that is measured."""
    for per_signature in (1, 8, 64):
        yield messages(512 if quick else 4096, per_signature)
    yield signature(200 if quick else 1000)
    yield from lanes(400_000 if quick else 4_000_000)
    yield hops(50 if quick else 300)
    yield private(256 if quick else 1024)


def messages(count: int, per_signature: int) -> Row:
    """Transfers from many senders, a block of them at a time."""
    with tempfile.TemporaryDirectory() as folder:
        book = Book(folder)
        token = build(TOKEN.read_text(), file=TOKEN.name)
        address = book.deploy(token, word(10**12))
        select = token.description.selector("transfer")
        gifts = [select + word(key.address) + word(10**6) for key in SENDERS]
        book.block(book.signed(OWNER, [Call(address, U256(0), gift, WORK) for gift in gifts]))
        times = []
        for number in range(ROUNDS + 1):
            batch = []
            for at in range(0, count, per_signature):
                places = range(at, min(at + per_signature, count))
                payloads = [select + word(receiver(number, place)) + word(1) for place in places]
                calls = [Call(address, U256(0), payload, WORK) for payload in payloads]
                batch.append(book.signed(SENDERS[at // per_signature % len(SENDERS)], calls))
            start = time.process_time()
            book.block(*batch)
            times.append(time.process_time() - start)
        book.kv.close()
    ours = statistics.median(times[1:]) / count * 1e6
    name = f"a message, {per_signature} a signature, vs the bar of {MESSAGES_BAR:,} a second"
    return Row(name, ours, 1e6 / MESSAGES_BAR, "us", 1.0)


def signature(count: int) -> Row:
    """Who signed a digest, over and over."""
    digest = keccak256(b"numen")
    signed, times = OWNER.sign(digest), []
    for _ in range(ROUNDS):
        start = time.process_time()
        for _ in range(count):
            assert recover(digest, signed) == OWNER.address
        times.append(time.process_time() - start)
    ours = statistics.median(times) / count * 1e6
    return Row("the signature alone, vs the same bar", ours, 1e6 / MESSAGES_BAR, "us")


def receiver(number: int, place: int) -> bytes:
    """Who gets a transfer: one of a hundred in each round."""
    return bytes(16) + bytes([number, 1 + place % 100] * 2)


def lanes(rounds: int) -> Iterator[Row]:
    """Contracts that compute, in one lane and in two, and what the machine itself gives."""
    contract = build(COMPUTE, file="compute.numen")
    payload = contract.description.selector("run") + word(rounds)
    spent = {}
    for count in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            book = Book(folder, count)
            places: list[bytes] = []
            while len(places) < 16:
                place = book.deploy(contract)
                if sum(place[-1] % 2 == old[-1] % 2 for old in places) < 8:
                    places.append(place)
            calls = [Call(place, U256(0), payload, 10**10) for place in places]
            times = []
            for _ in range(ROUNDS + 1):
                raw = book.signed(OWNER, calls)
                start = time.perf_counter()
                book.block(raw)
                times.append(time.perf_counter() - start)
            spent[count] = statistics.median(times[1:])
            book.kv.close()
    one, two = machine()
    yield Row(
        "two lanes vs one, contracts that compute",
        spent[2] * 1e3,
        spent[1] * 1e3,
        "ms",
        1 / LANES_BAR,
    )
    yield Row("the machine itself: two processes vs one after another", two * 1e3, one * 1e3, "ms")


def private(count: int) -> Row:
    """A message that writes a private slot, sealed, beside the same without any secret."""
    spent: dict[bool, list[float]] = {True: [], False: []}
    with tempfile.TemporaryDirectory() as open_folder, tempfile.TemporaryDirectory() as folder:
        books = {True: Book(folder), False: Book(open_folder)}
        puts = {}
        for is_private, book in books.items():
            kinds = ("Private[map[u128, u128]]", "Private[u128]")
            held, of = kinds if is_private else ("map[u128, u128]", "u128")
            contract = build(PUT.format(held=held, of=of), file="put.numen")
            puts[is_private] = book.deploy(contract), contract.description.selector("put")
        for turn in range(ROUNDS + 1):
            for is_private, book in books.items():
                address, select = puts[is_private]
                payloads = [select + word(place) + word(turn + 1) for place in range(count)]
                if is_private:
                    payloads = [sealed(book, address, payload) for payload in payloads]
                calls = [Call(address, U256(0), payload, WORK) for payload in payloads]
                raw = [book.signed(OWNER, calls[at : at + 64]) for at in range(0, count, 64)]
                start = time.process_time()
                book.block(*raw)
                spent[is_private].append(time.process_time() - start)
        for book in books.values():
            book.kv.close()
    ours, rival = (statistics.median(spent[kind][1:]) / count * 1e6 for kind in (True, False))
    return Row("a private slot, written by a sealed message, vs an open one", ours, rival, "us")


def sealed(book: Book, address: bytes, payload: bytes) -> bytes:
    """A request that only the contract's nodes can read."""
    secrets = book.world.keys.of(address)
    assert secrets is not None
    fresh = hashlib.sha256(payload).digest()
    return seal_request(payload, address, OWNER.address, secrets.public, fresh)


def burn(rounds: int) -> bytes:
    """Something that only computes."""
    return hashlib.pbkdf2_hmac("sha256", b"numen", b"salt", rounds)


def machine() -> tuple[float, float]:
    """Seconds of two computations one after another, and in two processes at once."""
    rounds = 200_000
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(burn, [1, 1]))
        ones, twos = [], []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            pool.submit(burn, rounds).result()
            pool.submit(burn, rounds).result()
            middle = time.perf_counter()
            list(pool.map(burn, [rounds, rounds]))
            ones.append(middle - start)
            twos.append(time.perf_counter() - middle)
    return statistics.median(ones), statistics.median(twos)


def hops(count: int) -> Row:
    """A question that is passed on twice, and its answers: one block, on disk."""
    with tempfile.TemporaryDirectory() as folder:
        book = Book(folder)
        contract = build(HOPS, file="hops.numen")
        place = bytes(20)
        for _ in range(3):
            place = book.deploy(contract, word(place))
        payload = contract.description.selector("ask") + word(5)
        times = []
        for _ in range(count):
            raw = book.signed(OWNER, [Call(place, U256(0), payload, WORK)])
            start = time.perf_counter()
            made = book.block(raw)
            times.append((time.perf_counter() - start) * 1e3)
            assert len(made.receipts) == 5
            assert int.from_bytes(made.receipts[-1].result, "big") == 8
        book.kv.close()
    worst = sorted(times)[-(-99 * count // 100) - 1]
    return Row("three hops and back, 99th percentile, vs the bar", worst, HOPS_BAR_MS, "ms", 1.0)


if __name__ == "__main__":
    main(__doc__, contests)
