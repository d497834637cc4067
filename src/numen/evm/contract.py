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
        entry = self.function(name, len(args))
        outcome = self.evm.call(to=self.address, data=_input(entry, args), **fields)
        values = abi.decode(abi.types(entry.get("outputs", ())), self._told(outcome).unwrap())
        if not values:
            return None
        return values[0] if len(values) == 1 else values

    def transact(self, name: str, *args: Any, **fields: Any) -> Outcome:
        """Call a function in a transaction.

        Raises:
            AbiError: There is no such function, or the arguments are not its.
            InvalidTransactionError: The sender may not send it.
        """
        data = _input(self.function(name, len(args)), args)
        return self._told(self.evm.transact(to=self.address, data=data, **fields))

    def events(self, outcome: Outcome) -> list[tuple[str, dict[str, Any]]]:
        """Decode the logs of this contract that its ABI knows: name, and values by name.

        An indexed value that is longer than a word is its hash.
        """
        known = {keccak256(abi.signature(e).encode()): e for e in self._entries("event")}
        found = []
        for log in outcome.logs:
            if log.address == self.address and log.topics and log.topics[0] in known:
                entry = known[log.topics[0]]
                found.append((str(entry["name"]), _event(entry, log.topics[1:], log.data)))
        return found

    def function(self, name: str, count: int) -> Mapping[str, Any]:
        """Find a function by its name, or its signature.

        Raises:
            AbiError: There is none, or there are several.
        """
        entries = [
            entry
            for entry in self._entries("function")
            if abi.signature(entry) == name
            or (entry["name"] == name and len(entry.get("inputs", ())) == count)
        ]
        if len(entries) != 1:
            raise AbiError(f"{len(entries)} functions {name} of {count} arguments")
        return entries[0]

    def _entries(self, kind: str) -> list[Mapping[str, Any]]:
        return [entry for entry in self.abi if entry.get("type") == kind]

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


def _input(entry: Mapping[str, Any], args: Sequence[Any]) -> bytes:
    encoded = abi.encode(abi.types(entry.get("inputs", ())), args)
    return abi.selector(abi.signature(entry)) + encoded


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
