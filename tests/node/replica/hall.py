"""Nodes of one ledger in one process that keep keys of contracts, and everything that they say."""

from collections import deque
from collections.abc import Callable

from numen.base.codec import encode
from numen.base.crypto import SigningKey, keccak256
from numen.ledger.cell import Account
from numen.ledger.founding import Custodians, Founding
from numen.ledger.order.bls import VotingKey
from numen.ledger.order.certificate import Electorate, Member
from numen.ledger.order.vote import Voter
from numen.ledger.sealed.charter import shares_of
from numen.ledger.sealed.envelope import enclose, public_key
from numen.ledger.sealed.keyring import seal_request
from numen.ledger.sealed.keys import EpochKeys
from numen.ledger.state.kv import MemoryKV
from numen.ledger.transactions import created_address
from numen.ledger.world import World
from numen.node.process.client import FOUNDED_INDEX, founded_creation_of, request_of
from numen.node.process.roll import FORMAT, Roll
from numen.node.replica.body import Body
from numen.node.replica.custodian import about_share, mail_secret, offer_digest
from numen.node.replica.events import Received, Send, Suspect, Ticked
from numen.node.replica.node import Node
from numen.node.replica.packet import Entrust, Submit, read_packet, write_packet
from numen.node.replica.plan import Mode, Peer, Plan
from numen.vm.codes import Code, write_code
from numen.vm.contract import write_contract

CHAIN = 2019
OWNER = SigningKey.from_seed(b"owner")
PERSON = b"somebody"
WORK = 10**7

Twist = Callable[[bytes, bytes, object], object]


def no_twist(_source: bytes, _target: bytes, packet: object) -> object:
    return packet


class Hall:
    """Nodes, their disks, and what passes between them.

    Args:
        directory: For books of votes.
        modes: Of the nodes; the first makes the blocks.
    """

    def __init__(self, directory, modes: tuple[Mode, ...] = (Mode.EXECUTE,) * 4) -> None:
        self.directory = directory
        directory.mkdir(exist_ok=True)
        self.keys = [SigningKey.from_seed(b"node %d" % i) for i in range(len(modes))]
        voting = [VotingKey((b"vote %d" % i).ljust(32)) for i in range(len(modes))]
        self.voting = [
            key if mode is not Mode.APPLY else None for key, mode in zip(voting, modes, strict=True)
        ]
        members = [Member(v.public, 1, v.prove_possession()) for v in self.voting if v]
        peers = tuple(
            Peer(key.address, v.public if v else b"", public_key(mail_secret(key)) if v else b"")
            for key, v in zip(self.keys, self.voting, strict=True)
        )
        electorate = Electorate.of(members)
        self.plans = [
            Plan(CHAIN, key.address, peers, self.keys[0].address, electorate, mode, 0)
            for key, mode in zip(self.keys, modes, strict=True)
        ]
        stakes = {p.node: 1 for p in peers if p.voter}
        self.custodians = Custodians(CHAIN, stakes)
        self.roll = Roll(FORMAT, CHAIN, 0, "node-0", (), ())
        self.disks = [MemoryKV() for _ in modes]
        self.nodes: list[Node | None] = [None] * len(modes)
        self.bodies: list[Body | None] = [None] * len(modes)
        self.queue: deque[tuple[bytes, bytes, bytes]] = deque()
        self.twist: Twist = no_twist
        self.said: list[bytes] = []
        self.heard: list[object] = []
        self.suspects: list[tuple[int, bytes, str]] = []
        self.now_ms = 1_000
        for index in range(len(modes)):
            self.start(index)

    def start(self, index: int) -> None:
        """Start a node on its disk."""
        voting, plan = self.voting[index], self.plans[index]
        voter = None
        if voting is not None:
            voter = Voter.open(voting, CHAIN, self.directory / f"votes-{index}")
        world = World(
            self.disks[index],
            [(OWNER.address, Account(10**6))],
            custodians=self.custodians,
            bonds=plan.bonds,
        )
        body = Body(plan, world, self.keys[index], voter)
        self.bodies[index], self.nodes[index] = body, Node(body)
        self._carry(index, list(self.nodes[index].begin(self.now_ms)))

    def stop(self, index: int) -> None:
        """End a node; its disk stays."""
        if self.bodies[index]._voter is not None:
            self.bodies[index]._voter.close()
        self.nodes[index] = self.bodies[index] = None

    def close(self) -> None:
        """End all nodes."""
        for index, body in enumerate(self.bodies):
            if body is not None:
                self.stop(index)

    def tell(self, index: int, packet: object) -> None:
        """Send a packet to a node as somebody who is none."""
        self.queue.append((PERSON, self.keys[index].address, write_packet(packet)))

    def run(self, ticks: int = 3) -> None:
        """Let everything arrive that is said, and some time pass."""
        for _ in range(ticks):
            self.now_ms += 200
            for index, node in enumerate(self.nodes):
                if node is not None:
                    self._carry(index, list(node.handle(Ticked(), self.now_ms)))
            self._deliver()

    def _deliver(self) -> None:
        places = {key.address: index for index, key in enumerate(self.keys)}
        while self.queue:
            source, target, raw = self.queue.popleft()
            packet = self.twist(source, target, read_packet(raw))
            if packet is None:
                continue
            if target not in places:
                self.heard.append(packet)
                continue
            node = self.nodes[places[target]]
            if node is not None:
                event = Received(source, packet)
                self._carry(places[target], list(node.handle(event, self.now_ms)))

    def _carry(self, index: int, effects) -> None:
        me = self.keys[index].address
        for effect in effects:
            if isinstance(effect, Send):
                raw = write_packet(effect.packet)
                self.said.append(raw)
                self.queue.append((me, effect.to, raw))
            elif isinstance(effect, Suspect):
                self.suspects.append((index, effect.peer, effect.reason))

    # --- contracts ------------------------------------------------------------------------------

    def offers(self, nonce: int, needed: int = 3, secret: bytes = b"s" * 32):
        """What a dealer sends to each node, and the contract's address."""
        keepers = self.plans[0].keepers
        contract = created_address(OWNER.address, nonce, FOUNDED_INDEX)
        dealt = shares_of(EpochKeys(secret, contract, 0), needed, len(keepers))
        return contract, [
            self.offer(nonce, contract, dealt.commitments, keeper.mail, share)
            for keeper, share in zip(keepers, dealt.shares, strict=True)
        ]

    def offer(self, nonce, contract, commitments, mail, share, key=OWNER) -> Entrust:
        told = offer_digest(CHAIN, contract, nonce, FOUNDED_INDEX, commitments)
        about = about_share(CHAIN, contract, commitments[0])
        envelope = enclose(encode(share), mail, about, keccak256(b"fresh", mail, about))
        return Entrust(contract, nonce, FOUNDED_INDEX, commitments, envelope, key.sign(told))

    def deal(self, nonce: int, needed: int = 3, secret: bytes = b"s" * 32):
        """Deal keys, and gather what the nodes sign; gives address, founding and what was said."""
        contract, offers = self.offers(nonce, needed, secret)
        for _ in range(2):
            for index, offer in enumerate(offers):
                self.tell(index, offer)
            self.run()
        said = [p for p in self.heard if getattr(p, "contract", b"") == contract]
        signatures = {p.signature for p in said if p.signature}
        return contract, Founding(offers[0].commitments, tuple(sorted(signatures))), said

    def create(self, built, nonce: int, founding: Founding) -> bytes:
        """Create a contract with private state; gives its address."""
        code = write_code(Code("numen", write_contract(built)))
        raw, contract = founded_creation_of(self.roll, OWNER, nonce, founding, code, b"", WORK)
        self.tell(0, Submit(raw))
        self.run()
        return contract

    def request(self, nonce: int, contract: bytes, payload: bytes, *, is_sealed=True) -> None:
        """Send a contract a request of its owner."""
        if is_sealed:
            index = next(i for i, body in enumerate(self.bodies) if body is not None)
            public = self.bodies[index].world.charter(contract).mail
            fresh = keccak256(b"request", nonce.to_bytes(8, "big"))
            payload = seal_request(payload, contract, OWNER.address, public, fresh)
        self.tell(0, Submit(request_of(self.roll, OWNER, nonce, contract, payload, WORK)))
        self.run()

    def heights(self) -> list[int | None]:
        return [body.ledger.height if body else None for body in self.bodies]

    def roots(self) -> set[bytes]:
        return {body.world.state.root for body in self.bodies if body is not None}
