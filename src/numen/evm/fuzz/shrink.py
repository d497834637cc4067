"""Make a failing case small: drop what it does not need, for as long as it still fails."""

from collections.abc import Callable, Iterator

import msgspec

from numen.evm.fuzz.case import Case
from numen.evm.fuzz.draft import Draft
from numen.evm.fuzz.listing import Item, Listing, Push, Raw, holes
from numen.evm.state import Account

Fails = Callable[[Draft], bool]
"""Whether a case still fails."""


_ROUND_GAS = (100_000, 1_000_000)
"""Gas of messages that do not depend on it."""


class Budget:
    """How many more runs the search for a smaller case may take."""

    def __init__(self, runs: int, fails: Fails) -> None:
        self._left = runs
        self._fails = fails

    def fails(self, draft: Draft) -> bool:
        """Whether a case still fails; no, once the budget is spent."""
        if self._left <= 0:
            return False
        self._left -= 1
        return self._fails(draft)


def shrink(draft: Draft, fails: Fails, runs: int = 3000) -> Draft:
    """Make a case smaller.

    Args:
        draft: A case that fails.
        fails: Runs a case and says whether it fails.
        runs: Most runs to spend.

    Returns:
        A case that fails too, from which no part that was tried can be dropped.
    """
    budget = Budget(runs, fails)
    while True:
        smaller = draft
        for step in (_drop_accounts, _drop_items, _blank_items, _simplify_words, _simplify_message):
            smaller = step(smaller, budget)
        if smaller == draft:
            return draft
        draft = smaller


def _drop_accounts(draft: Draft, budget: Budget) -> Draft:
    for address in list(draft.case.pre):
        pre = {other: account for other, account in draft.case.pre.items() if other != address}
        listings = {other: items for other, items in draft.listings.items() if other != address}
        draft = _if_fails(draft, Draft(_with(draft.case, pre=pre), listings), budget)
    for address, account in list(draft.case.pre.items()):
        bare = [Account(account.nonce, account.balance, account.code), Account(code=account.code)]
        for simpler in bare:
            pre = {**draft.case.pre, address: simpler}
            draft = _if_fails(draft, Draft(_with(draft.case, pre=pre), draft.listings), budget)
    return draft


def _drop_items(draft: Draft, budget: Budget) -> Draft:
    """Delta debugging: leave out halves, quarters, and at last single instructions."""
    for address in draft.listings:
        size = len(draft.listings[address])
        while size:
            at = 0
            while at < len(draft.listings[address]):
                items = draft.listings[address]
                fewer = [*items[:at], *items[at + size :]]
                tried = _if_fails(draft, _replaced(draft, address, fewer), budget)
                at += size if tried is draft else 0
                draft = tried
            size //= 2
    return draft


def _blank_items(draft: Draft, budget: Budget) -> Draft:
    """Put JUMPDESTs where jumps to fixed offsets forbid that anything moves."""
    for address, items in draft.listings.items():
        if not any(isinstance(item, Raw) for item in items):
            continue
        for index in range(len(items)):
            blank = holes(draft.listings[address], [index])
            if blank != draft.listings[address]:
                draft = _if_fails(draft, _replaced(draft, address, blank), budget)
    return draft


def _simplify_words(draft: Draft, budget: Budget) -> Draft:
    for address, items in draft.listings.items():
        for index, item in enumerate(items):
            for word in _simpler_words(item):
                changed = list(draft.listings[address])
                changed[index] = Push(word)
                tried = _if_fails(draft, _replaced(draft, address, changed), budget)
                if tried is not draft:
                    draft = tried
                    break
    return draft


def _simpler_words(item: Item) -> Iterator[int]:
    if isinstance(item, Push):
        yield from (word for word in (0, 1, 32) if word < item.word)
        if item.word >> 8:
            yield item.word & 0xFF
            yield (1 << item.word.bit_length()) - 1


def _simplify_message(draft: Draft, budget: Budget) -> Draft:
    message = draft.case.message
    tries: list[dict[str, object]] = [{"value": 0}]
    if message.gas not in _ROUND_GAS:
        tries += [{"gas": gas} for gas in _ROUND_GAS]
    if message.to is not None:
        tries += [{"data": b""}, {"data": message.data[: len(message.data) // 2]}]
    for fields in tries:
        changed = msgspec.structs.replace(draft.case.message, **fields)
        if changed != draft.case.message:
            case = _with(draft.case, message=changed)
            draft = _if_fails(draft, Draft(case, draft.listings), budget)
    return draft


def _if_fails(draft: Draft, smaller: Draft, budget: Budget) -> Draft:
    return smaller if budget.fails(smaller) else draft


def _replaced(draft: Draft, address: bytes, items: Listing) -> Draft:
    return Draft(draft.case, {**draft.listings, address: items})


def _with(case: Case, **fields: object) -> Case:
    return msgspec.structs.replace(case, **fields)
