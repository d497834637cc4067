"""The file that the nodes of a ledger have, and those who ask them: who votes, who has coins.

    RollError    a file that is none

It is JSON, in ``ledger.json`` of a folder; nothing in it is secret. Keys are identities in a key
store. A node's key for votes follows from its account's: the signature of one digest, which is
signed for nothing else, is its seed.
"""

from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from numen.base.codec import digest
from numen.base.crypto import SigningKey, keccak256
from numen.base.errors import NumenError
from numen.ledger.cell import Account
from numen.ledger.founding import Custodians
from numen.ledger.order.bls import VotingKey
from numen.ledger.order.certificate import Member
from numen.ledger.sealed.envelope import public_key
from numen.ledger.stakes import Bond, Pledges, Stakes
from numen.node.replica.custodian import mail_secret
from numen.node.replica.plan import STEP_MS, VIEW_MS, VIEW_MS_MAX, Mode, Peer, Plan
from numen.vm.host import VALUE_MAX

FILE: Final = "ledger.json"

FORMAT: Final = "numen/ledger/1"

_SEED_DOMAIN: Final = "numen/voting-seed/1"
_COINS: Final = r"^(0|[1-9][0-9]{0,38})$"

_Name = Annotated[str, Meta(pattern="^[a-z][a-z0-9_-]{0,63}$")]
_Hex20 = Annotated[str, Meta(pattern="^0x[0-9a-f]{40}$")]
_Hex32 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
_Hex48 = Annotated[str, Meta(pattern="^[0-9a-f]{96}$")]
_Hex96 = Annotated[str, Meta(pattern="^[0-9a-f]{192}$")]


class RollError(NumenError):
    """A file that describes no ledger."""


class Vote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A node's right to vote.

    Attributes:
        key: Its key for votes, BLS.
        possession: Proof that it has the secret.
        stake: Coins that it has at stake from the beginning: its bond.
    """

    key: _Hex48
    possession: _Hex96
    stake: Annotated[int, Meta(ge=1, le=2**63 - 1)]


class Site(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A node.

    Attributes:
        name: How people call it.
        at: Where it listens.
        node: Its public key, by which its channel is known.
        account: Its address, by which the ledger knows it.
        mode: What it does with a block.
        vote: Its vote, or None.
        mail: Shares of contracts' keys are sealed for it; empty for a node that keeps none.
    """

    name: _Name
    at: Annotated[str, Meta(max_length=300)]
    node: _Hex32
    account: _Hex20
    mode: Mode
    vote: Vote | None = None
    mail: Annotated[str, Meta(pattern="^([0-9a-f]{64})?$")] = ""

    @property
    def address(self) -> bytes:
        """Its account as bytes."""
        return bytes.fromhex(self.account[2:])


class Holder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who has coins when the ledger begins.

    Attributes:
        name: How people call it.
        account: Its address.
        coins: How many, in decimal.
    """

    name: _Name
    account: _Hex20
    coins: Annotated[str, Meta(pattern=_COINS)]

    @property
    def address(self) -> bytes:
        """Its account as bytes."""
        return bytes.fromhex(self.account[2:])


class Roll(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A ledger.

    Attributes:
        format: `FORMAT`.
        chain: Its number.
        price: Coins a unit of work.
        proposer: Name of the node that makes the first block, where there is no log.
        nodes: All nodes.
        holders: What it begins with.
        log: Addresses of the servers of NATS that keep a log of blocks, which all who vote may
            then make; empty where the proposer gives the order.
        empty_ms: After how many milliseconds without one an empty block is made, for contracts
            that wait for a height; 0 for never.
        step_ms: Milliseconds between two attestations of one node by another.
        view_ms: After how many milliseconds another node proposes in place of one that does not.
    """

    format: Literal["numen/ledger/1"]
    chain: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    price: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    proposer: _Name
    nodes: Annotated[tuple[Site, ...], Meta(min_length=1, max_length=256)]
    holders: Annotated[tuple[Holder, ...], Meta(max_length=1 << 20)]
    log: Annotated[tuple[Annotated[str, Meta(max_length=300)], ...], Meta(max_length=16)] = ()
    empty_ms: Annotated[int, Meta(ge=0, le=86_400_000)] = 0
    step_ms: Annotated[int, Meta(ge=100, le=86_400_000)] = STEP_MS
    view_ms: Annotated[int, Meta(ge=10, le=VIEW_MS_MAX)] = VIEW_MS

    def site(self, name: str) -> Site:
        """A node by its name.

        Raises:
            RollError: There is none.
        """
        for site in self.nodes:
            if site.name == name:
                return site
        known = ", ".join(site.name for site in self.nodes)
        raise RollError(f"no node {name!r}", hint=f"the nodes are {known}")

    def stakes(self) -> Stakes:
        """Bonds as the ledger begins: of who votes.

        Raises:
            ElectorateError: A key is none, or not its owner's.

        Cost: 2.4 milliseconds a voter.
        """
        return Stakes(
            Pledges(
                Bond(
                    site.address,
                    Member(bytes.fromhex(vote.key), vote.stake, bytes.fromhex(vote.possession)),
                )
                for site, vote in ((site, site.vote) for site in self.nodes)
                if vote is not None
            )
        )

    def plan(self, name: str) -> Plan:
        """The rules of a node.

        Raises:
            RollError: There is no such node.
            ElectorateError: A key is none, or not its owner's.
        """
        me = self.site(name)
        peers = tuple(
            Peer(
                site.address,
                bytes.fromhex(site.vote.key) if site.vote else b"",
                bytes.fromhex(site.mail),
            )
            for site in self.nodes
        )
        proposer = self.site(self.proposer).address
        electorate = self.stakes().pledges.first
        return Plan(
            self.chain, me.address, peers, proposer, electorate, me.mode, self.price,
            is_logged=bool(self.log), empty_ms=self.empty_ms, step_ms=self.step_ms,
            view_ms=self.view_ms,
        )  # fmt: skip

    def custodians(self) -> Custodians:
        """Whose word it takes that the keys of a contract are there."""
        voting = ((site.address, site.vote) for site in self.nodes)
        return Custodians(
            self.chain, {address: vote.stake for address, vote in voting if vote is not None}
        )

    def accounts(self) -> dict[bytes, Account]:
        """What the ledger begins with beside bonds.

        Raises:
            RollError: With them, more coins than there can be.
        """
        found = {each.address: Account(int(each.coins)) for each in self.holders}
        pledged = sum(site.vote.stake for site in self.nodes if site.vote is not None)
        if sum(account.balance for account in found.values()) + pledged > VALUE_MAX:
            raise RollError("more coins than there can be")
        return found


def voting_key(account: SigningKey) -> VotingKey:
    """A node's key for votes."""
    signature = account.sign(digest(_SEED_DOMAIN, account.address))
    return VotingKey(keccak256(signature))


def mail_of(account: SigningKey) -> str:
    """What shares of contracts' keys are sealed for that a node is to keep, as the file has it."""
    return public_key(mail_secret(account)).hex()


def vote_of(account: SigningKey, stake: int) -> Vote:
    """A node's right to vote, to be written into the file."""
    key = voting_key(account)
    return Vote(key.public.hex(), key.prove_possession().hex(), stake)


def read_roll(raw: bytes, path: Path) -> Roll:
    """Read a ledger's file.

    Raises:
        RollError: It is none.
    """
    try:
        return msgspec.json.decode(raw, type=Roll)
    except msgspec.MsgspecError as error:
        raise RollError(f"{path}: {error}") from error


def write_roll(roll: Roll) -> bytes:
    """Write a ledger's file."""
    return msgspec.json.format(msgspec.json.encode(roll), indent=1) + b"\n"
