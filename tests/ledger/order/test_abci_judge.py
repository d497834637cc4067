"""Google's protobuf reads what we write, and writes what we read, by the public schema."""

import random

import msgspec
import pytest

pytest.importorskip("google.protobuf", reason="the extra `judges` is not installed")

from numen.ledger.order.abci import messages as m
from numen.ledger.order.abci import wire
from tests.ledger.order import abci_schema

pytestmark = pytest.mark.judges

CLASSES = abci_schema.classes()
ROUNDS = 20


def fill(message, chance: random.Random, depth: int = 0) -> None:
    """Set every field of one of Google's messages."""
    for field in message.DESCRIPTOR.fields:
        count = chance.randrange(4) if field.is_repeated else 1
        for _ in range(count):
            if field.message_type is not None:
                found = getattr(message, field.name)
                fill(found.add() if field.is_repeated else found, chance, depth + 1)
                if not field.is_repeated:
                    found.SetInParent()
            elif field.is_repeated:
                getattr(message, field.name).append(value(field, chance))
            else:
                setattr(message, field.name, value(field, chance))


def value(field, chance: random.Random):
    sizes = {field.TYPE_INT64: -63, field.TYPE_UINT64: 64, field.TYPE_INT32: -31,
             field.TYPE_UINT32: 32}  # fmt: skip
    if (bits := sizes.get(field.type)) is not None:
        found = chance.getrandbits(chance.randint(1, abs(bits)))
        return -found if bits < 0 and chance.random() < 0.3 else found
    if field.type == field.TYPE_BOOL:
        return chance.random() < 0.5
    if field.type == field.TYPE_STRING:
        return "".join(chance.choices("aé\u20ac𝄞 ", k=chance.randrange(6)))
    return chance.randbytes(chance.choice([0, 1, 20, 200]))


def same(ours: msgspec.Struct, theirs) -> bool:
    """Whether the fields that we have are as they are in Google's message."""
    for name in ours.__struct_fields__:
        mine, other = getattr(ours, name), getattr(theirs, name)
        if isinstance(mine, tuple):
            if len(mine) != len(other):
                return False
            pairs = zip(mine, other, strict=True)
        else:
            pairs = [(mine, other)]
        for a, b in pairs:
            if not (same(a, b) if isinstance(a, msgspec.Struct) else a == b):
                return False
    return True


def names(kinds) -> list[tuple[str, int]]:
    return [(kind.__name__, number) for number, kind in kinds.items()]


@pytest.mark.parametrize(("name", "number"), names(m.REQUESTS))
def test_requests_are_read_whatever_else_they_say(name, number):
    chance = random.Random(number)
    for _ in range(ROUNDS):
        whole = CLASSES["Request"]()
        field = whole.DESCRIPTOR.fields_by_number[number]
        assert field.message_type.name == name
        inner = getattr(whole, field.name)
        fill(inner, chance)
        inner.SetInParent()

        found = m.read_request(whole.SerializeToString())

        assert type(found).__name__ == name
        assert same(found, inner)


@pytest.mark.parametrize(("name", "number"), names(m.RESPONSES))
def test_answers_are_written_as_the_schema_has_them(name, number):
    """Google fills what a struct of ours has; both write it in the same bytes."""
    chance = random.Random(number)
    kind = m.RESPONSES[number]
    for _ in range(ROUNDS):
        full = CLASSES[name]()
        fill(full, chance)
        ours = wire.decode(kind, full.SerializeToString())  # drops what it does not have
        raw = m.write(ours)

        whole = CLASSES["Response"].FromString(raw)
        assert whole.WhichOneof("value") == whole.DESCRIPTOR.fields_by_number[number].name
        theirs = getattr(whole, whole.WhichOneof("value"))
        assert same(ours, theirs)
        assert m.read_response(whole.SerializeToString(deterministic=True)) == ours
        if name != "ApplySnapshotChunkResponse":  # its numbers are packed by Google alone
            assert whole.SerializeToString(deterministic=True) == raw
        assert m.read_response(raw) == ours


def test_fields_of_our_structs_are_those_of_the_schema():
    for kind in (*m.REQUESTS.values(), *m.RESPONSES.values(), m.ExecTxResult, m.Snapshot):
        theirs = CLASSES[kind.__name__].DESCRIPTOR.fields_by_name
        for number, field in wire._fields(kind).items():
            assert theirs[field.name].number == number
            assert theirs[field.name].is_repeated == field.is_repeated
            is_signed = theirs[field.name].type in (
                theirs[field.name].TYPE_INT64,
                theirs[field.name].TYPE_INT32,
            )
            if field.kind is int:
                assert is_signed == field.is_signed
