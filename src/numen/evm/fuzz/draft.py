"""Cases made by chance: worlds of contracts, who calls whom, and in which block."""

from collections.abc import Mapping
from typing import Final

import msgspec
import sha3

from numen.evm import forks
from numen.evm.block import Block, Context
from numen.evm.forks import BLOCK_HASHES_MAX, Fork
from numen.evm.fuzz.case import DELEGATION_PREFIX, Case
from numen.evm.fuzz.generate import Author
from numen.evm.fuzz.listing import Listing, assemble
from numen.evm.fuzz.words import Dice
from numen.evm.message import Message
from numen.evm.state import Account

_CALLER: Final = bytes.fromhex("a94f5374fce5edbc8e2a8697c15331677e6ebf0b")
_COINBASE: Final = bytes.fromhex("2adc25665018aa1fe0e6bc666dac8fc2697ff9ba")
_PERSON: Final = bytes.fromhex("00000000000000000000000000000000000b0b00")
_NOBODY: Final = bytes.fromhex("00000000000000000000000000000000dead0000")
_HEIGHTS: Final = (1, 5, 255, 256, 257, 1000)


class Draft(msgspec.Struct, frozen=True):
    """A case whose programs are still lists of instructions.

    Attributes:
        case: Everything else; code that has a listing is not looked at.
        listings: Programs by address; under the empty address, the code of a creation.
    """

    case: Case
    listings: Mapping[bytes, Listing]

    def assembled(self) -> Case:
        """Put the programs into the world."""
        pre = dict(self.case.pre)
        message = self.case.message
        for address, listing in self.listings.items():
            code = assemble(listing)
            if address in pre:
                pre[address] = msgspec.structs.replace(pre[address], code=code)
            elif not address:
                message = msgspec.structs.replace(message, data=code)
        return msgspec.structs.replace(self.case, pre=pre, message=message)


def draft(name: str, fork_name: str) -> Draft:
    """Write the case that a name stands for: always the same for the same name and fork."""
    dice, fork = Dice(f"{name}/{fork_name}"), forks.fork(fork_name)
    contracts = [bytes(18) + bytes([0xC0, index]) for index in range(dice.between(1, 4))]
    lenders = [
        bytes(18) + bytes([0xD0, index]) for index in range(2 if fork.has_delegations else 0)
    ]
    others = [_CALLER, _COINBASE, _PERSON, _NOBODY, *lenders]
    author = Author(dice, fork, [*contracts, *others])
    listings: dict[bytes, Listing] = {}
    for index, address in enumerate(contracts):
        # Calls go to later contracts mostly: all gas goes down a circle of calls otherwise.
        known = Author(dice, fork, [*contracts[index + 1 :] * 5, *others, *contracts[:1]])
        listings[address] = known.program(dice.between(2, 9))
    pre = {address: _contract(dice) for address in contracts}
    pre |= {_CALLER: Account(balance=10**20), _PERSON: Account(balance=dice.below(3) + 1)}
    for address in lenders:
        target = dice.random.choice([*contracts, *lenders, _NOBODY, (4).to_bytes(20, "big")])
        pre[address] = Account(nonce=1, balance=7, code=DELEGATION_PREFIX + target)
    targets = [*contracts * 4, *lenders]
    to = None if dice.chance(10) else dice.random.choice(targets)
    if to is None:
        listings[b""] = author.initcode(0)
    message = Message(
        caller=_CALLER,
        to=to,
        value=0 if dice.chance(70) else dice.below(1000),
        data=b"" if to is None else dice.random.randbytes(dice.below(100)),
        gas=dice.random.choice(
            (dice.below(3_000), dice.below(100_000), 200_000, 400_000, 1_000_000)
        ),
    )
    return Draft(
        Case(name, fork.name, _block(dice, fork, to), _context(dice, fork, to), pre, message),
        listings,
    )


def _contract(dice: Dice) -> Account:
    storage = {dice.below(6): dice.word() or 1 for _ in range(dice.below(4))}
    return Account(nonce=1, balance=dice.random.choice((0, 1, 10**9, 10**18)), storage=storage)


def _block(dice: Dice, fork: Fork, to: bytes | None) -> Block:
    height = dice.random.choice(_HEIGHTS)
    return Block(
        number=height,
        timestamp=dice.below(2**40),
        coinbase=_COINBASE,
        gas_limit=dice.between(10**7, 10**8),
        prev_randao=dice.random.getrandbits(256 if fork.has_prev_randao else 40),
        base_fee=dice.below(20) if fork.has_dynamic_fee and to is not None else 0,
        blob_base_fee=1,
        block_hashes=block_hashes(height),
    )


def _context(dice: Dice, fork: Fork, to: bytes | None) -> Context:
    # A transaction with blobs makes no contract.
    count = dice.below(3) if fork.has_blobs and to is not None else 0
    hashes = tuple(b"\1" + dice.random.randbytes(31) for _ in range(count))
    # Some engines take the fee of a plain creation as well, and some have no price for it.
    return Context(_CALLER, dice.between(20, 100) if to is not None else 0, hashes)


def block_hashes(height: int) -> dict[int, bytes]:
    """Hashes of the blocks that one of some height can see: those that an empty revm gives."""
    seen = range(max(0, height - BLOCK_HASHES_MAX), height)
    return {number: sha3.keccak_256(str(number).encode()).digest() for number in seen}
