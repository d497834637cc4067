"""A process that votes at every height and says so once the vote is out: `voter.py BOOK NAME`."""

import sys
from pathlib import Path

from numen.ledger.order.vote import AlreadyVotedError, Voter
from tests.ledger.order.verifiers import CHAIN, key


def _main(book: str, name: str) -> None:
    voter = Voter.open(key(1), CHAIN, Path(book))
    height = 0
    while True:
        height += 1
        try:
            voted = voter.vote(height, name.encode().rjust(32)).vote.block
        except AlreadyVotedError as error:
            voted = error.block
        sys.stdout.write(f"{height} {voted.hex()}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _main(*sys.argv[1:])
