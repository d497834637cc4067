"""A vote: one hash for each stage of a view of a height, written down before anybody sees it.

    VoteError                  a height that no block can have
    ├── AlreadyVotedError      another block has this vote
    ├── PastViewError          a later vote of this height was given
    └── LockedError            a vote to commit another block forbids it

A height is decided in views, each with a proposer of its own. A verifier signs twice: that it
would have a block (to *prepare* it), and, when more than two thirds of the stake would, that it has
it (to *commit*); more than two thirds who commit make it final. Who committed a block is locked: in
later views it prepares no other, unless more than two thirds prepared that one after its lock.

So no two blocks of a height become final while less than a third of the stake lies. Let block A be
committed by more than two thirds in view v, and let w be the first view after v in which more than
two thirds prepare another. Of these somebody honest committed A in v or later, and prepared the
other in w, behind it: so it knew of a view between, behind its lock, in which more than two thirds
prepared another than A, and w was not the first. (The same in Tendermint, arXiv 1807.04938.)

All votes of one height are counted by one electorate, whoever loses its bond meanwhile: which one
it is follows from blocks before (`numen.ledger.stakes`), and nobody honest votes for a height
before it has the block below it. So the proof is about each height by itself. By induction there is
one final block below, so there is one state, and one electorate; in that, less than a third lies.
Who is left out was found to lie, so that of the rest the honest are no smaller part than before.

It may repeat itself for ever, and must not contradict itself once: two votes for one stage of one
view are evidence against it that anybody can show, and cost it its bond
(`numen.ledger.penalty`). So the vote goes
into the book, and the book to the disk, before the signature leaves this file. The book is SQLite
with every commit synced; its file is locked, since two processes with one key are how honest
verifiers contradict themselves. A book that is restored from a backup has forgotten votes: give its
key up instead.
"""

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple, Protocol, Self

import msgspec

from numen.base.codec import U64, digest
from numen.base.crypto import Hash32
from numen.ledger.order.bls import BlsSignature, PublicKey, VotingKey, read_key, verify
from numen.ledger.order.files import connect, lock
from numen.ledger.order.offence import SignedVerdict, Verdict, verdict_digest
from numen.ledger.order.sequencer import BrokenLogError, OrderError

_DOMAIN: Final = "numen/vote/2"
_APPLICATION: Final = 0x4E4D5643
_SCHEMA: Final = (
    "CREATE TABLE vote (height INTEGER, view INTEGER, is_commit INTEGER, block BLOB NOT NULL,"
    " PRIMARY KEY (height, view, is_commit));"
    "CREATE TABLE owner (chain INTEGER NOT NULL, key BLOB NOT NULL);"
)


VIEWS_MAX: Final = 1 << 32
"""Views of a height are below; some are tried in a minute."""


class Vote(msgspec.Struct, frozen=True, array_like=True):
    """What is signed: this block is the one of its height.

    Attributes:
        chain: Which ledger.
        height: Of the block, below 2**63.
        block: Its id, which commits to all before it.
        view: In which it is voted for.
        is_commit: Whether it is to be final, or only prepared.
    """

    chain: U64
    height: U64
    block: Hash32
    view: U64 = 0
    is_commit: bool = True


class SignedVote(msgspec.Struct, frozen=True, array_like=True):
    """A vote and whose it is."""

    vote: Vote
    key: PublicKey
    signature: BlsSignature


class VoteError(OrderError):
    """There is no such vote to give."""


class Entry(NamedTuple):
    """A vote in a book, under its height."""

    view: int
    is_commit: bool
    block: bytes


class PastViewError(VoteError):
    """A later vote of this height was given."""


class LockedError(VoteError):
    """A vote to commit another block forbids to prepare this one.

    Attributes:
        lock: That vote.
    """

    def __init__(self, lock: Entry) -> None:
        super().__init__(f"locked on block 0x{lock.block.hex()} since view {lock.view}")
        self.lock = lock


class AlreadyVotedError(VoteError):
    """Another block has the vote of this height.

    Attributes:
        height: The height.
        block: The block that was voted for.
    """

    def __init__(self, height: int, block: bytes) -> None:
        super().__init__(f"the vote of height {height} is for block 0x{block.hex()}")
        self.height = height
        self.block = block


def vote_digest(vote: Vote) -> bytes:
    """What is signed; 32 bytes."""
    return digest(_DOMAIN, vote)


def check_vote(signed: SignedVote) -> None:
    """Check that a vote is its key's.

    Raises:
        BlsError: It is not, or the key is none.
    """
    verify(read_key(signed.key), vote_digest(signed.vote), signed.signature)


def lock_of(entries: Sequence[Entry]) -> Entry | None:
    """The last vote to commit of a height, or None."""
    return max((each for each in entries if each.is_commit), default=None)


def follows(entries: Sequence[Entry], vote: Vote, since: int) -> bool:
    """See that a vote may be given after others of its height.

    Args:
        entries: These.
        vote: The vote.
        since: The last view in which its block is known to be prepared; -1 for none.

    Returns:
        Whether it is new, and not one of them.

    Raises:
        VoteError: It may not.
    """
    place = (int(vote.view), vote.is_commit)
    for entry in entries:
        if entry[:2] == place:
            if entry.block != vote.block:
                raise AlreadyVotedError(int(vote.height), entry.block)
            return False
    if any(entry[:2] > place for entry in entries):
        raise PastViewError(f"view {vote.view} of height {vote.height} is past")
    lock = lock_of(entries)
    if not vote.is_commit and lock is not None and lock.block != vote.block and since <= lock.view:
        raise LockedError(lock)
    return True


class Book(Protocol):
    """Remembers what was voted for, longer than the process lives."""

    def enter(self, vote: Vote, since: int) -> None:
        """Write down a vote; it is safe when this returns.

        Args:
            vote: The vote.
            since: As of `follows`.

        Raises:
            VoteError: It may not be given after those before it.
        """
        ...

    def entries(self, height: int) -> list[Entry]:
        """The votes of a height, in order."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class VoteBook:
    """The votes of one key on one ledger, on disk."""

    def __init__(self, handle: int, connection: sqlite3.Connection) -> None:
        self._lock = handle
        self._connection = connection

    @classmethod
    def open(cls, path: Path, chain: int, key: bytes) -> Self:
        """Open a book, or begin one.

        Raises:
            BrokenLogError: It is in use, is no book, or is the book of another key or ledger.
        """
        handle = lock(path)
        try:
            connection = connect(path, _APPLICATION, _SCHEMA)
            owner = connection.execute("SELECT chain, key FROM owner").fetchone()
            if owner is None:
                connection.execute("INSERT INTO owner VALUES (?, ?)", (chain, key))
            elif owner != (chain, key):
                raise BrokenLogError(f"{path}: the book of another key, or of another ledger")
        except sqlite3.Error as error:
            os.close(handle)
            raise BrokenLogError(f"{path}: {error}") from error
        except OrderError:
            os.close(handle)
            raise
        return cls(handle, connection)

    def enter(self, vote: Vote, since: int) -> None:
        """Write down a vote, and wait until it is on disk; as `Book.enter`.

        Raises:
            VoteError: No block has this height or view, or it may not be given.
            BrokenLogError: It cannot be written.
        """
        if not 0 < vote.height < 1 << 63 or vote.view >= VIEWS_MAX:
            raise VoteError(f"no block has the height {vote.height}, or the view {vote.view}")
        try:
            if follows(self.entries(vote.height), vote, since):
                row = (vote.height, vote.view, vote.is_commit, vote.block)
                self._connection.execute("INSERT INTO vote VALUES (?, ?, ?, ?)", row)
        except sqlite3.Error as error:
            raise BrokenLogError(f"the vote could not be written: {error}") from error

    def entries(self, height: int) -> list[Entry]:
        """The votes of a height, in order."""
        query = "SELECT view, is_commit, block FROM vote WHERE height = ? ORDER BY view, is_commit"
        rows = self._connection.execute(query, (height,)).fetchall()
        return [Entry(view, bool(is_commit), bytes(block)) for view, is_commit, block in rows]

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


class Voter:
    """A key together with its book; the one place that signs votes."""

    def __init__(self, key: VotingKey, chain: int, book: Book) -> None:
        self._key = key
        self._chain = chain
        self._book = book

    @classmethod
    def open(cls, key: VotingKey, chain: int, path: Path) -> Self:
        """Open the book of a key, or begin one.

        Raises:
            BrokenLogError: The book is in use or not the key's.
        """
        return cls(key, chain, VoteBook.open(path, chain, key.public))

    def vote(
        self,
        height: int,
        block: bytes,
        view: int = 0,
        *,
        is_commit: bool = True,
        since: int = -1,
    ) -> SignedVote:
        """Vote for a block, or say again what was voted.

        Args:
            height: Of the block.
            block: Its id.
            view: In which.
            is_commit: Whether it is to be final, or only prepared.
            since: As of `follows`.

        Raises:
            VoteError: A vote before it forbids this one.
            BrokenLogError: The vote could not be written, so it was not given.
        """
        vote = Vote(self._chain, height, block, view, is_commit)
        self._book.enter(vote, since)
        return SignedVote(vote, self._key.public, self._key.sign(vote_digest(vote)))

    def condemn(self, verdict: Verdict) -> SignedVerdict:
        """Sign a verdict. One contradicts no other, so that no book has it."""
        return SignedVerdict(verdict, self._key.public, self._key.sign(verdict_digest(verdict)))

    def entries(self, height: int) -> list[Entry]:
        """The votes of a height, in order."""
        return self._book.entries(height)

    def close(self) -> None:
        """Let go of the book."""
        self._book.close()
