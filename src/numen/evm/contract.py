"""A contract with its ABI, on an `EVM`: functions by name, values in and out."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from numen.base.crypto import keccak256
from numen.evm import abi
from numen.evm.abi import AbiError
from numen.evm.results import Outcome
from numen.evm.revert import decode_revert

Abi = Sequence[Mapping[str, Any]]
"""An ABI as compilers give it: one entry for each function, event, error and the constructor."""


class Machine(Protocol):
    """What a contract needs of an `EVM`."""

    def call(self, **fields: Any) -> Outcome: ...

    def transact(self, **fields: Any) -> Outcome: ...


class Artifact(msgspec.Struct, frozen=True):
    """What a compiler made.

    Attributes:
        code: The code that makes the contract.
        abi: Its ABI; nothing where there is none.
    """

    code: bytes
    abi: Abi = ()


def artifact_of(made: Any) -> Artifact:
    """Read what a compiler made, in any of the forms they give.

    Args:
        made: Code as bytes or hexadecimal; what ``vyper -f`` or `vyper.compile_code` gives
            (``bytecode`` and ``abi``); a contract of solc's standard JSON (``evm.bytecode.object``)
            or of its combined JSON (``bin``); or an `Artifact`.

    Raises:
        AbiError: There is no code in it, or it still has to be linked.
    """
    if isinstance(made, Artifact):
        return made
    if not isinstance(made, Mapping):
        return Artifact(_code(made))
    found = made.get("bytecode", made.get("bin"))
    if found is None:
        found = made.get("evm", {}).get("bytecode")
    if isinstance(found, Mapping):
        found = found.get("object")
    return Artifact(_code(found), made.get("abi") or ())


def _code(found: Any) -> bytes:
    if isinstance(found, str):
        if "_" in found:
            raise AbiError("the code refers to a library; link it first")
        try:
            return bytes.fromhex("".join(found.split()).removeprefix("0x"))
        except ValueError:
            raise AbiError("the code is not hexadecimal") from None
    if isinstance(found, bytes | bytearray):
        return bytes(found)
    raise AbiError("no bytecode in it")


class Contract:
    """A deployed contract.

    Attributes:
        evm: Where it is.
        address: 20 bytes.
        abi: What it can be asked.
        outcome: How it was deployed; None for one that was there.
    """

    def __init__(
        self, evm: Machine, address: bytes, entries: Abi, outcome: Outcome | None = None
    ) -> None:
        self.evm, self.address, self.abi, self.outcome = evm, address, entries, outcome

    def call(self, name: str, *args: Any, **fields: Any) -> Any:
        """Ask a function, and keep nothing of what it changes.

        Args:
            name: Of the function, or its signature where several share the name.
            args: Its arguments.
            fields: More of the call, as ``sender`` or ``value``.

        Returns:
            Nothing, its result, or a tuple of its results.

        Raises:
            RevertedError: It did not succeed.
            AbiError: There is no such function, or the arguments are not its.
        """
        entry = function_of(self.abi, name, len(args))
        outcome = self.evm.call(to=self.address, data=encode_input(entry, args), **fields)
        return decode_output(entry, self._told(outcome).unwrap())

    def transact(self, name: str, *args: Any, **fields: Any) -> Outcome:
        """Call a function in a transaction.

        Raises:
            AbiError: There is no such function, or the arguments are not its.
            InvalidTransactionError: The sender may not send it.
        """
        data = encode_input(function_of(self.abi, name, len(args)), args)
        return self._told(self.evm.transact(to=self.address, data=data, **fields))

    def events(self, outcome: Outcome) -> list[tuple[str, dict[str, Any]]]:
        """Decode the logs of this contract that its ABI knows: name, and values by name.

        An indexed value that is longer than a word is its hash.
        """
        mine = [log for log in outcome.logs if log.address == self.address]
        found = [decode_event(self.abi, log.topics, log.data) for log in mine]
        return [event for event in found if event is not None]

    def _told(self, outcome: Outcome) -> Outcome:
        """The same outcome, with the contract's own errors decoded."""
        if outcome.revert is None:
            return outcome
        said = decode_revert(outcome.output, self.abi)
        return msgspec.structs.replace(outcome, revert=said)


def with_arguments(artifact: Artifact, args: Sequence[Any]) -> bytes:
    """The code that makes a contract, with the constructor's arguments behind it.

    Raises:
        AbiError: The arguments are not the constructor's.
    """
    entry = next((e for e in artifact.abi if e.get("type") == "constructor"), {})
    return artifact.code + abi.encode(abi.types(entry.get("inputs", ())), args)


def function_of(entries: Abi, name: str, count: int) -> Mapping[str, Any]:
    """Find a function of an ABI by its name, or its signature.

    Args:
        entries: The ABI.
        name: Of the function, or its signature where several share the name.
        count: Of its arguments.

    Raises:
        AbiError: There is none, or there are several.
    """
    found = [
        entry
        for entry in entries
        if entry.get("type") == "function"
        and (
            abi.signature(entry) == name
            or (entry["name"] == name and len(entry.get("inputs", ())) == count)
        )
    ]
    if len(found) != 1:
        raise AbiError(f"{len(found)} functions {name} of {count} arguments")
    return found[0]


def encode_input(entry: Mapping[str, Any], args: Sequence[Any]) -> bytes:
    """Write a call of a function: its selector and arguments.

    Raises:
        AbiError: The arguments are not its.
    """
    encoded = abi.encode(abi.types(entry.get("inputs", ())), args)
    return abi.selector(abi.signature(entry)) + encoded


def decode_output(entry: Mapping[str, Any], output: bytes) -> Any:
    """Read what a function gave: nothing, its result, or a tuple of its results.

    Raises:
        AbiError: The bytes are not its results.
    """
    values = abi.decode(abi.types(entry.get("outputs", ())), output)
    if not values:
        return None
    return values[0] if len(values) == 1 else values


def decode_event(
    entries: Abi, topics: Sequence[bytes], data: bytes
) -> tuple[str, dict[str, Any]] | None:
    """Read a log: the event's name, and its values by name; None if the ABI has no such event.

    An indexed value that is longer than a word is its hash.
    """
    if not topics:
        return None
    known = {keccak256(abi.signature(e).encode()): e for e in entries if e.get("type") == "event"}
    entry = known.get(topics[0])
    return (str(entry["name"]), _event(entry, topics[1:], data)) if entry is not None else None


def _event(entry: Mapping[str, Any], topics: Sequence[bytes], data: bytes) -> dict[str, Any]:
    inputs = list(entry.get("inputs", ()))
    plain = [item for item in inputs if not item.get("indexed")]
    values = iter(abi.decode(abi.types(plain), data))
    words = iter(topics)
    named = {}
    for place, item in enumerate(inputs):
        name = item.get("name") or str(place)
        if not item.get("indexed"):
            named[name] = next(values)
            continue
        word = next(words, bytes(32))
        kind = abi.type_of(abi.types([item])[0])
        is_hash = kind.is_dynamic or kind.kind in {"array", "tuple"}
        named[name] = word if is_hash else abi.decode(abi.types([item]), word)[0]
    return named
