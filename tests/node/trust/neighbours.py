"""Nodes whose web of trust is looked at: a town in which people pay, and frames by hand."""

import msgspec

from numen.base.codec import U256, encode
from numen.base.crypto import SigningKey
from numen.ledger.block import Block, seal
from numen.ledger.cell import Account
from numen.ledger.transactions import Call, Transaction, sign
from numen.node.replica.packet import PROPOSAL_BYTES_MAX, Submit, Told, write_packet
from numen.node.replica.plan import Mode
from numen.node.trust import speech
from numen.node.trust.evidence import FalseBlock, Lie
from numen.sim.network import NO_FAULTS, Network
from numen.sim.town import CHAIN, Town, scene

ANN = SigningKey.from_seed(b"ann")
BOB = b"\x0b" * 20
STEP_MS = 400
MODES = (Mode.EXECUTE, Mode.EXECUTE, Mode.EXECUTE, Mode.TRUST)


class Payer:
    """Somebody who pays, and does not listen."""

    address = ANN.address
    is_quiet = True

    def begin(self):
        pass

    def receive(self, peer, raw):
        pass


class Neighbours:
    """A town of few nodes in which nothing goes wrong by itself."""

    def __init__(self, modes=MODES, seed=1, bodies=None, stake=10**6, policy=None, step_ms=STEP_MS):
        cast = scene(modes, price=0, stake=stake, policy=policy)
        plans = tuple(msgspec.structs.replace(plan, step_ms=step_ms) for plan in cast.plans)
        self.cast = msgspec.structs.replace(cast, plans=plans)
        accounts = {ANN.address: Account(10**9), BOB: Account()}
        self.town = Town(self.cast, Network(seed, NO_FAULTS), accounts, bodies=bodies or {})
        self.town.settle(Payer())
        self.town.begin()
        self._places = dict(self.town._places)
        self.nonce = 0

    def body(self, index):
        return self.town.machines[index].body

    def watch(self, index):
        return self.body(index).watch

    def number(self, index):
        """The number of a machine among the members."""
        return self.watch(0).members.index(self.cast.nodes[index])

    def pay(self, blocks, coins=1):
        """Let Ann pay, a block for each payment."""
        for _ in range(blocks):
            call = Call(BOB, U256(coins), b"", 100_000)
            raw = sign(Transaction(CHAIN, self.nonce, 0, 1 << 40, (call,)), ANN)
            self.town.deliver(ANN.address, self.cast.nodes[0], write_packet(Submit(raw)))
            self.nonce += 1
            self.town.wait(400)

    def deafen(self, index=None):
        """Let a node hear nothing, or all of them again."""
        if index is None:
            self.town._places.update(self._places)
        else:
            self.town._places[self.cast.nodes[index]] = lambda peer, raw: None

    def steps(self, count):
        """Let steps of attestations pass."""
        self.town.wait(count * STEP_MS)

    def hear(self, index, peer, message):
        """Let a node hear a message of another, and give what it says to it."""
        address = self.cast.nodes[peer]
        heard = self.watch(index).hear(address, speech.write(message))
        return [said(frame) for to, frame in heard.out if to == address]

    def tell(self, index, peer, message):
        """Let a whole node hear a message of another, by the network."""
        source, target = self.cast.nodes[peer], self.cast.nodes[index]
        self.town.deliver(source, target, write_packet(Told(speech.write(message))))
        self.town.wait(100)

    def false_block(self, height):
        """The true block of a height, signed again with another state."""
        ledger = self.body(0).ledger
        block = ledger.block(height)
        if block is None:
            call = Call(BOB, U256(1), b"", 100_000)
            raw = sign(Transaction(CHAIN, self.nonce, 0, 1 << 40, (call,)), ANN)
            block = ledger.draft((raw,), ledger.time_ms + 1, 0, self.cast.keys[0]).block
            ledger.abandon()
        header = msgspec.structs.replace(block.header, state=b"\x66" * 32)
        return seal(header, block.transactions, self.cast.keys[0])


def lie_of(block: Block) -> Lie:
    return Lie(FalseBlock(encode(block, size_max=PROPOSAL_BYTES_MAX)))


def said(frame):
    """The message of a frame."""
    return speech.LANGUAGE.read(frame, 0).value
