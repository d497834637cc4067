"""Where two outcomes of one case differ."""

from collections.abc import Iterator

from numen.evm.fuzz.case import Outcome, World
from numen.evm.state import Account

_NOBODY = Account()


def differences(ours: Outcome, theirs: Outcome) -> list[str]:
    """Name what two engines do not agree on; nothing if they agree.

    Args:
        ours: An outcome that knows every account.
        theirs: The outcome of a judge, who may know only some.
    """
    if ours.status != theirs.status:
        # The rest follows from it, and would only hide it.
        return [f"status: {ours.status}, not {theirs.status}"]
    found = []
    if ours.gas_left != theirs.gas_left:
        found.append(f"gas left: {ours.gas_left}, not {theirs.gas_left}")
    if ours.output != theirs.output:
        found.append(f"output: {_short(ours.output)}, not {_short(theirs.output)}")
    if ours.logs != theirs.logs:
        found.append(f"logs: {len(ours.logs)} of ours differ from their {len(theirs.logs)}")
    return found + list(_worlds(ours.post, theirs.post, is_whole=theirs.is_whole))


def _worlds(ours: World, theirs: World, *, is_whole: bool) -> Iterator[str]:
    addresses = set(theirs) | set(ours) if is_whole else set(ours) & set(theirs) | set(ours)
    for address in sorted(addresses):
        mine, other = ours.get(address), theirs.get(address)
        if mine == other:
            continue
        name = f"account 0x{address.hex()}"
        if (mine is None or other is None) and is_whole:
            yield f"{name}: {'is not' if mine is None else 'is'} there, unlike theirs"
        else:
            yield from _accounts(name, mine or _NOBODY, other or _NOBODY)


def _accounts(name: str, mine: Account, other: Account) -> Iterator[str]:
    if mine.nonce != other.nonce:
        yield f"{name}: nonce {mine.nonce}, not {other.nonce}"
    if mine.balance != other.balance:
        yield f"{name}: balance {mine.balance}, not {other.balance}"
    if mine.code != other.code:
        yield f"{name}: code {_short(mine.code)}, not {_short(other.code)}"
    for key in sorted(set(mine.storage) | set(other.storage)):
        word, theirs = mine.storage.get(key, 0), other.storage.get(key, 0)
        if word != theirs:
            yield f"{name}: slot {key:#x} is {word:#x}, not {theirs:#x}"


def _short(data: bytes) -> str:
    text = data.hex()
    return f"0x{text}" if len(text) <= 80 else f"0x{text[:80]}... ({len(data)} bytes)"
