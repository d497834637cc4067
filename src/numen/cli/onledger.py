"""What a person means by a name or the beginning of an id, in a market that a ledger settles."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from numen.base.errors import NumenError
from numen.market.why import PREFIX_MIN, SHOWN_MAX
from numen.node.market.onledger import Ask

PAGES_MAX: Final = 10_000
"""Most pages that are asked for: a node that is not ours may have always more."""


class NamedError(NumenError):
    """Nothing in the market is called so, or several things are."""


class OfMarket:
    """What a node tells of a market.

    Args:
        ask: Asks a node of the ledger.
        contract: Of the market, as `address_of` gives it.
        names: What people are called here, by address in hexadecimal.
    """

    def __init__(self, ask: Ask, contract: str, names: Mapping[str, str]) -> None:
        self._ask, self._contract, self._names = ask, contract, names

    def ask(self, method: str, *params: Any) -> Any:
        """What a method of the node gives about the market.

        Raises:
            NumenError: The node does not answer, or refuses.
        """
        return self._ask(method, self._contract, *params)

    def bids(self, state: str) -> Iterator[dict[str, Any]]:
        """Bids that are ``open``, ``done``, or ``all``, the oldest first."""
        return self._pages("numen_getBids", "bids", state)

    def people(self) -> Iterator[dict[str, Any]]:
        """Everybody, in the order in which they came."""
        return self._pages("numen_getPeople", "people", "all")

    def _pages(self, method: str, key: str, which: str) -> Iterator[dict[str, Any]]:
        start = 0
        for _ in range(PAGES_MAX):
            found = self.ask(method, which, hex(start))
            yield from found[key]
            if found["next"] is None:
                return
            start = found["next"]

    def called(self, address: str) -> str:
        """The beginning of an address, with the name before it if it has one here."""
        name = self._names.get(address.removeprefix("0x"))
        return f"{name} {address[:10]}" if name is not None else address[:10]

    def named(self, sentence: str) -> str:
        """A sentence with names in place of addresses."""
        for address, name in self._names.items():
            sentence = sentence.replace(f"0x{address}", name)
        return sentence

    def find(self, said: str) -> str:
        """The id of a task, or the address of an account, that a person means.

        Args:
            said: It, or its beginning in hexadecimal; or what an account is called here.

        Raises:
            NamedError: Nothing is called so, or several things are.

        Cost: of a beginning, linear in all tasks and people there ever were.
        """
        for address, name in self._names.items():
            if name == said:
                return f"0x{address}"
        digits = said.removeprefix("0x").lower()
        if set(digits) - set("0123456789abcdef") or not PREFIX_MIN <= len(digits) <= 64:
            raise NamedError(
                f"nobody here is called {said[:80]!r}, and it is no id",
                hint=f"an id is in hexadecimal; {PREFIX_MIN} digits of it are enough",
            )
        if len(digits) in (40, 64):
            return f"0x{digits}"
        return self._begun(f"0x{digits}")

    def _begun(self, beginning: str) -> str:
        tasks = (bid["task"] for bid in self.bids("all"))
        people = (person["address"] for person in self.people())
        fits = sorted(
            name for many in (tasks, people) for name in many if name.startswith(beginning)
        )
        if len(fits) == 1:
            return str(fits[0])
        some = ", ".join(name[:14] for name in fits[:SHOWN_MAX])
        raise NamedError(
            f"{len(fits)} tasks and people of the market begin with {beginning!r}"
            + (f": {some}" if fits else ""),
            hint="" if fits else "`numen market show` without it lists people and open bids",
        )


def address_of(text: str) -> str:
    """An address as programs write it.

    Raises:
        NamedError: It is none.
    """
    digits = text.removeprefix("0x").lower()
    if len(digits) != 40 or set(digits) - set("0123456789abcdef"):
        raise NamedError(
            f"{text[:80]!r} is no address of a contract",
            hint="`numen market open --ledger` prints it, after `settled by`",
        )
    return f"0x{digits}"
