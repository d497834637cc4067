"""Real cases with something changed: the public state tests and benchmark calls as seeds."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from numen.evm import forks, statetest
from numen.evm.block import Context
from numen.evm.errors import EvmError
from numen.evm.fuzz.case import Case
from numen.evm.fuzz.draft import Draft, block_hashes
from numen.evm.fuzz.generate import Author
from numen.evm.fuzz.listing import Item, Op, Push, Raw, disassemble
from numen.evm.fuzz.words import Dice
from numen.evm.message import Message
from numen.evm.state import Account

_FILE_BYTES_MAX: Final = 400_000
"""Longest file to take a seed from: longer ones hold programs that run for seconds."""

_CODE_BYTES_MAX: Final = 6_000
_GAS_MAX: Final = 400_000
_TRIES: Final = 20


def seed_files(folder: Path) -> list[Path]:
    """Name the files that seeds can come from, in a fixed order."""
    found = (path for path in folder.rglob("*.json") if path.stat().st_size <= _FILE_BYTES_MAX)
    return sorted(found)


def mutated(name: str, files: list[Path], fork_name: str) -> Draft | None:
    """Change a real case.

    Args:
        name: Decides everything by chance.
        files: Of `seed_files`.
        fork_name: The fork to run it on, whatever it was written for.

    Returns:
        The case, or None if no file that was tried has a usable one.
    """
    dice = Dice(f"{name}/{fork_name}")
    for _ in range(_TRIES):
        case = _seed(dice, files, fork_name)
        if case is not None:
            return _changed(dice, msgspec.structs.replace(case, name=name))
    return None


def _seed(dice: Dice, files: list[Path], fork_name: str) -> Case | None:
    path = dice.random.choice(files)
    try:
        cases = list(statetest.cases(path))
        found = dice.random.choice(cases)
        return _plain(found, fork_name)
    except (EvmError, IndexError, ValueError):
        return None


def _plain(seed: statetest.Case, fork_name: str) -> Case | None:
    """The message inside the transaction of a state test."""
    rules = statetest.case_fork(seed)
    block = statetest.case_block(seed, rules)
    tx, sender = statetest.case_transaction(seed, rules, block.chain_id)
    pre = dict(seed.pre.accounts)
    if sum(len(account.code) for account in pre.values()) > 10 * _CODE_BYTES_MAX:
        return None
    pre[sender] = msgspec.structs.replace(
        pre.get(sender, Account()), code=b"", storage={}, nonce=0, balance=10**20
    )
    number = min(block.number, 1000)
    block = msgspec.structs.replace(
        block,
        number=number,
        block_hashes=block_hashes(number),
        blob_base_fee=1,
        base_fee=0,
        chain_id=1,
    )
    gas = min(tx.gas_limit, _GAS_MAX)
    message = Message(sender, tx.to, min(tx.value, 10**18), tx.data, gas)
    return Case("", forks.fork(fork_name).name, block, Context(sender, 0), pre, message)


def _changed(dice: Dice, case: Case) -> Draft:
    """Change one to three programs, and perhaps the input."""
    coded = [a for a, account in case.pre.items() if 0 < len(account.code) <= _CODE_BYTES_MAX]
    author = Author(dice, forks.fork(case.fork), list(case.pre))
    chosen = dice.random.sample(coded, min(len(coded), dice.between(1, 3)))
    listings = {a: _mutations(dice, author, disassemble(case.pre[a].code)) for a in chosen}
    message = case.message
    if dice.chance(30) and message.data:
        at = dice.below(len(message.data))
        data = message.data[:at] + dice.random.randbytes(1) + message.data[at + 1 :]
        message = msgspec.structs.replace(message, data=data)
    if dice.chance(15):
        message = msgspec.structs.replace(message, gas=dice.below(message.gas + 1))
    if message.to is None:
        listings[b""] = _mutations(dice, author, disassemble(message.data))
    return Draft(msgspec.structs.replace(case, message=message), listings)


def _mutations(dice: Dice, author: Author, items: list[Item]) -> list[Item]:
    for _ in range(dice.random.choice((0, 1, 1, 2, 4))):
        at = dice.below(len(items) + 1)
        items[at : at + dice.below(2)] = next(_mutation(dice, author, items))
    return items


def _mutation(dice: Dice, author: Author, items: list[Item]) -> Iterator[list[Item]]:
    kind = dice.below(6)
    if kind == 0:
        yield author.statement(2)
    elif kind == 1:
        yield [Push(dice.word())]
    elif kind == 2:
        yield [Op(dice.below(256))]
    elif kind == 3 and items:
        at = dice.below(len(items))
        yield items[at : at + dice.below(6)]
    elif kind == 4:
        yield [Raw(dice.random.randbytes(2))]
    yield []
