"""Trees of messages and the reasons for them, as they are told to clients and people."""

from typing import Final

from numen.ledger import explain as words
from numen.ledger import tree as trees
from numen.ledger.receipts import Receipt
from numen.node.ledger.names import Names
from numen.node.rpc import message_shapes as shapes
from numen.node.rpc.message_shapes import BranchShape, TreeShape
from numen.node.rpc.values import data

BRANCHES_MAX: Final = 10_000
"""Most messages of one answer."""

TREE_BYTES_MAX: Final = 8 << 20
"""Most bytes of payloads, results and events of one answer, give or take one message."""

ID_CHARACTERS_MAX: Final = 66
"""Longest id that is looked for."""


def tree(archive: trees.Archive, names: Names, identity: str) -> TreeShape:
    """What followed from a transaction or message.

    Raises:
        TreeError: Nothing has this id, or several things begin like it.
    """
    found = _find(archive, identity)
    branches: list[BranchShape] = []
    size = 0
    for each in trees.tree(archive, found):
        if len(branches) >= BRANCHES_MAX or size > TREE_BYTES_MAX:
            return TreeShape(data(found), branches, is_whole=False)
        said = words.sentence(each.receipt, names.name, names.call)
        branches.append(BranchShape(each.depth, said, shapes.receipt(names, each.receipt)))
        size += _size(each.receipt)
    return TreeShape(data(found), branches, is_whole=True)


def _size(receipt: Receipt) -> int:
    events = sum(len(event.data) for event in receipt.events)
    return len(receipt.message.payload) + len(receipt.result) + events


def why(archive: trees.Archive, names: Names, identity: str) -> list[str]:
    """How it came to a message, what became of it, and what to do about it.

    Raises:
        TreeError: Nothing has this id, or several things begin like it.
    """
    found = _find(archive, identity)
    if archive.receipt(found) is None:
        raise trees.UnknownIdError("that is a transaction: explain it, or ask why of a message")
    return list(words.why(archive, found, names.name, names.call))


def _find(archive: trees.Archive, identity: str) -> bytes:
    if len(identity) > ID_CHARACTERS_MAX:
        raise trees.UnknownIdError("an id has at most 64 hexadecimal digits")
    return trees.find(archive, identity)
