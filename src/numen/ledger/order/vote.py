"""A vote: one hash for each height, written down before anybody sees it.

    VoteError                  a height that no block can have
    └── AlreadyVotedError      another block has the vote of this height

A verifier signs the block that it has checked. It may repeat itself for ever, and must not
contradict itself once: two votes for one height cost its stake. So the vote goes into the book, and
the book to the disk, before the signature leaves this file. The book is SQLite with every commit
synced; its file is locked, since two processes with one key are how honest verifiers contradict
themselves. A book that is restored from a backup has forgotten votes: give its key up instead.
"""

import os
import sqlite3
from pathlib import Path
from typing import Final, Protocol, Self

import msgspec

from numen.base.codec import U64, digest
from numen.base.crypto import Hash32
from numen.ledger.order.bls import BlsSignature, PublicKey, VotingKey, read_key, verify
from numen.ledger.order.files import connect, lock
from numen.ledger.order.sequencer import BrokenLogError, OrderError

_DOMAIN: Final = "numen/vote/1"
_APPLICATION: Final = 0x4E4D5642
_SCHEMA: Final = (
    "CREATE TABLE vote (height INTEGER PRIMARY KEY, block BLOB NOT NULL);"
    "CREATE TABLE owner (chain INTEGER NOT NULL, key BLOB NOT NULL);"
)


class Vote(msgspec.Struct, frozen=True, array_like=True):
    """What is signed: this block is the one of its height.

    Attributes:
        chain: Which ledger.
        height: Of the block, below 2**63.
        block: Its id, which commits to all before it.
    """

    chain: U64
    height: U64
    block: Hash32


class SignedVote(msgspec.Struct, frozen=True, array_like=True):
    """A vote and whose it is."""

    vote: Vote
    key: PublicKey
    signature: BlsSignature


class VoteError(OrderError):
    """There is no such vote to give."""


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


class Book(Protocol):
    """Remembers what was voted for, longer than the process lives."""

    def enter(self, height: int, block: bytes) -> None:
        """Write down the vote of a height; it is safe when this returns.

        Raises:
            AlreadyVotedError: It is for another block.
        """
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

    def enter(self, height: int, block: bytes) -> None:
        """Write down the vote of a height, and wait until it is on disk.

        Raises:
            VoteError: No block has this height.
            AlreadyVotedError: It is for another block.
            BrokenLogError: It cannot be written.
        """
        if not 0 < height < 1 << 63:
            raise VoteError(f"no block has the height {height}")
        try:
            found = self.block(height)
            if found is None:
                self._connection.execute("INSERT INTO vote VALUES (?, ?)", (height, block))
                found = block
        except sqlite3.Error as error:
            raise BrokenLogError(f"the vote could not be written: {error}") from error
        if found != block:
            raise AlreadyVotedError(height, found)

    def block(self, height: int) -> bytes | None:
        """The block that has the vote of a height, or None."""
        query = "SELECT block FROM vote WHERE height = ?"
        found = self._connection.execute(query, (height,)).fetchone()
        return bytes(found[0]) if found else None

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

    def vote(self, height: int, block: bytes) -> SignedVote:
        """Vote for a block, or say again what was voted.

        Raises:
            AlreadyVotedError: The vote of this height is for another block.
            BrokenLogError: The vote could not be written, so it was not given.
        """
        self._book.enter(height, block)
        vote = Vote(self._chain, height, block)
        return SignedVote(vote, self._key.public, self._key.sign(vote_digest(vote)))

    def close(self) -> None:
        """Let go of the book."""
        self._book.close()
