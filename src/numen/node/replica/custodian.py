"""What a node does about keys of contracts: it keeps its own share, and asks for the others'.

On the disk is one share of every contract's secret, sealed under the node's own secret; the keys
themselves are in memory alone. So a stolen disk is one share of several, and a node that begins
again has the keys when enough of the others answer. The share of the epoch that a block begins is
on the disk before the node votes for the block, and those before it leave with the block.

Every share is checked against commitments: of who deals before a contract is there, of its charter
afterwards. Who sends a false one is named, and its share left out.
"""

import hmac
from collections.abc import Mapping
from typing import Final

import msgspec

from numen.base.codec import U64, CodecError, decode, digest, encode
from numen.base.crypto import (
    Address,
    BadSignatureError,
    SigningKey,
    keccak256,
    recover,
)
from numen.base.errors import NumenError
from numen.ledger.founding import attest
from numen.ledger.sealed.charter import Charter, Commitments, shares_of
from numen.ledger.sealed.envelope import disclose, enclose
from numen.ledger.sealed.errors import ShareError
from numen.ledger.sealed.keyring import Secrets
from numen.ledger.sealed.keys import EpochKeys
from numen.ledger.sealed.shares import Share, join, verify
from numen.ledger.sealed.strongbox import Strongbox, secret_of
from numen.ledger.state.kv import Writes
from numen.ledger.stored import records_of
from numen.ledger.transactions import created_address
from numen.ledger.world import World
from numen.node.replica.packet import REASON_MAX, Claim, Entrust, Entrusted, Lent
from numen.node.replica.plan import Plan

OFFERS_MAX: Final = 1_024
"""Most shares of contracts that are not there yet; the oldest go first."""

CLAIMS_MAX: Final = 16
"""Most shares that are asked for at once."""

_SHARE: Final = b"ls"
"""Names of the records of shares begin so; the contract and a tag of the commitments follow."""

_FALSE: Final = "the shares do not follow from the secret: whoever dealt them lies"
_TAG_BYTES: Final = 8
_MAIL_DOMAIN: Final = "numen/share-mail/1"
_OFFER_DOMAIN: Final = "numen/entrust/1"
_ABOUT_DOMAIN: Final = "numen/share/1"


class _Held(msgspec.Struct, frozen=True, array_like=True):
    """A share as it is kept."""

    epoch: U64
    commitments: Commitments
    share: Share


class _About(msgspec.Struct, frozen=True, array_like=True):
    """What a share in an envelope is of."""

    chain: U64
    contract: Address
    point: bytes


class _Offer(msgspec.Struct, frozen=True, array_like=True):
    """What who deals shares signs."""

    chain: U64
    contract: Address
    nonce: U64
    index: U64
    commitments: Commitments


def mail_secret(account: SigningKey) -> bytes:
    """The secret key for shares that are sealed for a node; 32 bytes."""
    return keccak256(account.sign(digest(_MAIL_DOMAIN, account.address)))


def about_share(chain: int, contract: bytes, point: bytes) -> bytes:
    """What an envelope with a share is about."""
    return digest(_ABOUT_DOMAIN, _About(chain, contract, point))


def offer_digest(
    chain: int, contract: bytes, nonce: int, index: int, commitments: tuple[bytes, ...]
) -> bytes:
    """What who deals shares signs; 32 bytes."""
    return digest(_OFFER_DOMAIN, _Offer(chain, contract, nonce, index, commitments))


class Custodian:
    """Keeps a node's shares.

    Args:
        plan: The node's rules.
        world: The state, the disk and the keys that there are.
        key: Of the node's account.

    Raises:
        StrongboxError: The shares on the disk are another node's.
    """

    def __init__(self, plan: Plan, world: World, key: SigningKey) -> None:
        self._plan, self._world, self._key = plan, world, key
        self._mail = mail_secret(key)
        self._box = Strongbox(secret_of(key))
        self._chance = keccak256(b"chance", secret_of(key))
        self.number = plan.keeper(plan.me)
        self._held: dict[tuple[bytes, bytes], _Held] = {}
        self._heard: dict[tuple[bytes, bytes], dict[int, Share]] = {}
        self._wanted: dict[bytes, None] = {}
        self._false: set[tuple[bytes, bytes]] = set()
        self._turn = 0
        for name, record in world.kv.scan(_SHARE):
            raw = self._box.open(name, record).value
            contract = name[len(_SHARE) : -_TAG_BYTES]
            held = decode(_Held, raw)
            self._held[contract, held.commitments[0]] = held
            self._complete(contract, held.commitments, held.epoch)
        world.keys.kept = self.writes

    def fresh(self, *parts: bytes) -> bytes:
        """32 bytes that others cannot foresee, for an envelope: the same for equal parts alone."""
        framed = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return hmac.digest(self._chance, framed, "sha256")

    # --- before a contract is there ---------------------------------------------------------------

    def entrust(self, offer: Entrust) -> Entrusted:
        """Take a share from who is about to create a contract, and say when the keys are there."""
        point = offer.commitments[0]
        try:
            self._take(offer)
        except NumenError as error:
            return Entrusted(offer.contract, point, b"", error.message[:REASON_MAX])
        signature = b""
        if self._world.keys.begin(offer.contract, point) is not None:
            chain = self._plan.chain
            signature = attest(chain, offer.contract, offer.commitments, self._key)
        return Entrusted(offer.contract, point, signature, "")

    def _take(self, offer: Entrust) -> None:
        """Check an offer, and keep its share."""
        contract, commitments = offer.contract, offer.commitments
        told = offer_digest(self._plan.chain, contract, offer.nonce, offer.index, commitments)
        try:
            owner = recover(told, offer.signature)
        except BadSignatureError as error:
            raise ShareError(f"nobody signed for the share: {error}") from error
        if created_address(owner, offer.nonce, offer.index) != contract:
            raise ShareError("who deals the shares is not who will create the contract")
        if self._world.last(contract).code:
            raise ShareError("the contract is there already")
        if (contract, commitments[0]) in self._false:
            raise ShareError(_FALSE)
        if len(commitments) > len(self._plan.keepers):
            raise ShareError("more shares are needed than there are nodes that keep one")
        held = self._held.get((contract, commitments[0]))
        if held is not None and held.commitments != commitments:
            raise ShareError("a share of the same secret is here, with other commitments")
        if held is not None:
            return
        about = about_share(self._plan.chain, contract, commitments[0])
        share = _read_share(disclose(offer.envelope, self._mail, about))
        if not self.number or share.node != self.number:
            raise ShareError(f"the share is of node {share.node}, and this is node {self.number}")
        verify(share, commitments)
        self._make_room()
        self._keep(contract, _Held(0, commitments, share))
        self._complete(contract, commitments, 0)
        if (contract, commitments[0]) in self._false:
            raise ShareError(_FALSE)

    def _make_room(self) -> None:
        """Let go of the oldest offer that came to nothing, where there are too many."""
        if len(self._held) < OFFERS_MAX:
            return
        offers = [place for place in self._held if not self._world.last(place[0]).code]
        if len(offers) >= OFFERS_MAX:
            self._drop(offers[0])
            self._world.keys.forget(*offers[0])

    # --- shares of others -------------------------------------------------------------------------

    def want(self, contract: bytes) -> None:
        """Ask for the keys of a contract that a block needs."""
        self._wanted[contract] = None

    def seek(self) -> tuple[Claim, ...]:
        """The shares to ask the others for: those that blocks need, and of offers some in turn."""
        needed: list[tuple[bytes, bytes]] = []
        for contract in list(self._wanted):
            charter = self._world.charter(contract)
            if charter is None or not self._world.is_locked(contract):
                del self._wanted[contract]
            else:
                needed.append((contract, charter.commitments[0]))
        known = self._world.keys
        offers = [
            (contract, point)
            for contract, point in self._held
            if known.begin(contract, point) is None and not self._is_past(contract, point)
        ]
        begin = self._turn % len(offers) if offers else 0
        self._turn += CLAIMS_MAX
        places = dict.fromkeys([*needed, *offers[begin:], *offers[:begin]])
        return tuple(Claim(*place) for place in list(places)[:CLAIMS_MAX])

    def _is_past(self, contract: bytes, point: bytes) -> bool:
        """Whether a share is of other keys than a contract that is there has."""
        charter = self._world.charter(contract)
        return charter is not None and charter.commitments[0] != point

    def claim(self, peer: bytes, claim: Claim) -> Lent | None:
        """Send a node that keeps shares the own one, in an envelope; None where there is none."""
        number, held = self._plan.keeper(peer), self._held.get((claim.contract, claim.point))
        if not number or held is None:
            return None
        about = about_share(self._plan.chain, claim.contract, claim.point)
        mail = self._plan.keepers[number - 1].mail
        share = encode(held.share)
        sealed = enclose(share, mail, about, self.fresh(about, mail, share))
        return Lent(claim.contract, claim.point, sealed)

    def take(self, peer: bytes, lent: Lent) -> bool:
        """Take another node's share; gives whether there are keys now that there were not.

        Raises:
            ShareError: It is not that node's, or does not fit the commitments.
            SealedError: It was sealed for another node.
        """
        contract, point = lent.contract, lent.point
        keys = self._agreed(contract, point)
        if keys is None or self._world.keys.begin(contract, point) is not None:
            return False
        commitments, epoch = keys
        raw = disclose(lent.envelope, self._mail, about_share(self._plan.chain, contract, point))
        share = _read_share(raw)
        if share.node != self._plan.keeper(peer):
            raise ShareError(f"a share of node {share.node} where its own was asked for")
        verify(share, commitments)
        self._heard.setdefault((contract, point), {})[share.node] = share
        return self._complete(contract, commitments, epoch)

    def _agreed(self, contract: bytes, point: bytes) -> tuple[tuple[bytes, ...], int] | None:
        """What shares of a secret are checked with, and its epoch; None where nobody needs it."""
        charter = self._world.charter(contract)
        if charter is not None:
            is_it = charter.commitments[0] == point
            return (charter.commitments, charter.epoch) if is_it else None
        held = self._held.get((contract, point))
        return (held.commitments, held.epoch) if held is not None else None

    def _complete(self, contract: bytes, commitments: tuple[bytes, ...], epoch: int) -> bool:
        """Have the keys, if the shares are enough, and whoever dealt them did not lie."""
        place = (contract, commitments[0])
        shares = dict(self._heard.get(place, {}))
        own = self._held.get(place)
        if own is not None:
            shares[own.share.node] = own.share
        if len(shares) < len(commitments):
            return False
        keys = EpochKeys(join(shares.values(), commitments), contract, epoch)
        self._heard.pop(place, None)
        dealt = shares_of(keys, len(commitments), len(self._plan.keepers))
        if dealt.commitments != commitments:
            self._drop(place)
            if len(self._false) >= OFFERS_MAX:
                self._false.clear()
            self._false.add(place)
            return False
        self._world.keys.add(keys, len(commitments))
        self._wanted.pop(contract, None)
        if own is None and self.number:
            self._keep(contract, _Held(epoch, commitments, dealt.shares[self.number - 1]))
        return True

    # --- when blocks come -------------------------------------------------------------------------

    def ahead(self, turned: Mapping[Address, Secrets]) -> None:
        """Keep the shares of keys that begin with a block, before the node votes for it."""
        if self.number:
            for contract, secrets in turned.items():
                self._keep(contract, self._share(secrets))

    def writes(self, turned: Mapping[Address, Secrets]) -> Writes:
        """The shares of keys that begin with a block, and nothing of those before."""
        found: list[tuple[bytes, bytes | None]] = []
        for contract, secrets in turned.items() if self.number else ():
            held = self._share(secrets)
            found += self._others(contract, held.commitments)
            found.append(self._record(contract, held))
            self._held[contract, held.commitments[0]] = held
        return found

    def followed(self, written: frozenset[bytes]) -> None:
        """A block was taken over: let shares go that are of keys which ended with it.

        Args:
            written: Addresses that it changed.
        """
        for contract in {contract for contract, _ in self._held}:
            charter = self._world.charter(contract) if records_of(contract) in written else None
            if charter is not None:
                self._follow(contract, charter)

    def _follow(self, contract: bytes, charter: Charter) -> None:
        secrets = self._world.keys.fitting(contract, charter)
        if secrets is not None and self.number:
            self._keep(contract, self._share(secrets))
        if (contract, charter.commitments[0]) in self._held:
            self._world.kv.commit(self._others(contract, charter.commitments))
        elif self.number:
            self.want(contract)

    def _others(self, contract: bytes, commitments: tuple[bytes, ...]) -> Writes:
        """Forget a contract's shares but one."""
        gone = [
            (place, held)
            for place, held in self._held.items()
            if place[0] == contract and held.commitments != commitments
        ]
        for place, _ in gone:
            del self._held[place]
            self._heard.pop(place, None)
        return [(_name(contract, held.commitments), None) for _, held in gone]

    def _share(self, secrets: Secrets) -> _Held:
        dealt = shares_of(secrets.keys, secrets.needed, len(self._plan.keepers))
        return _Held(secrets.keys.epoch, dealt.commitments, dealt.shares[self.number - 1])

    def _keep(self, contract: bytes, held: _Held) -> None:
        self._world.kv.commit([self._record(contract, held)])
        self._held[contract, held.commitments[0]] = held

    def _record(self, contract: bytes, held: _Held) -> tuple[bytes, bytes]:
        name = _name(contract, held.commitments)
        return name, self._box.seal(name, held.epoch, encode(held))

    def _drop(self, place: tuple[bytes, bytes]) -> None:
        self._heard.pop(place, None)
        held = self._held.pop(place, None)
        if held is not None:
            self._world.kv.commit([(_name(place[0], held.commitments), None)])


def _read_share(raw: bytes) -> Share:
    try:
        return decode(Share, raw)
    except CodecError as error:
        raise ShareError(f"what is in the envelope is no share: {error}") from error


def _name(contract: bytes, commitments: tuple[bytes, ...]) -> bytes:
    return _SHARE + contract + keccak256(*commitments)[:_TAG_BYTES]
