"""Names are IPFS's: vectors of the reference implementation, and names that others published."""

import json
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.ledger.stores import cid as cids
from numen.ledger.stores import protobuf, unixfs
from numen.ledger.stores.cid import DAG_PB, RAW, Cid
from numen.ledger.stores.errors import CidError, StoreError
from numen.ledger.stores.unixfs import Shape

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/unixfs.json").read_text())

PUBLISHED = {
    b"": "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
    b"hello\n": "bafkreicysg23kiwv34eg2d7qweipxwosdo2py4ldv42nbauguluen5v6am",
    b"hello world\n": "bafkreifjjcie6lypi6ny7amxnfftagclbuxndqonfipmb64f2km2devei4",
}
"""From the documentation of Kubo's gateway tests and of IPFS."""


def content(kind: str, size: int) -> bytes:
    if kind == "zeros":
        return bytes(size)
    blocks = range(-(-size // 32))
    return b"".join(sha256(b"numen" + i.to_bytes(4, "big")).digest() for i in blocks)[:size]


def test_the_vectors_are_all_here():
    assert len(VECTORS) == 18


@pytest.mark.parametrize("case", VECTORS, ids=lambda c: f"{c['content']}-{c['size']}-{c['links']}")
def test_a_blob_has_the_name_that_ipfs_gives_it(case):
    blob = content(case["content"], case["size"])
    shape = Shape(case["chunk"], case["links"])
    blocks = dict(unixfs.cut(blob, shape))

    name = list(unixfs.cut(blob, shape))[-1][0]

    assert str(name) == case["cid"]
    assert unixfs.read(name, blocks.__getitem__) == blob


@pytest.mark.parametrize("blob", PUBLISHED, ids=repr)
def test_a_small_blob_has_its_published_name(blob):
    assert str(list(unixfs.cut(blob))[-1][0]) == PUBLISHED[blob]


@given(codec=st.sampled_from([RAW, DAG_PB]), digest=st.binary(min_size=32, max_size=32))
def test_names_are_read_back(codec, digest):
    cid = Cid(codec, digest)

    assert cids.parse(str(cid)) == cids.decode(bytes(cid)) == cid


@pytest.mark.parametrize(
    "text",
    [
        "",
        "QmNyJpQkU1cEkBwMDhDNFstr42q55mqG5GE5Mgwug4xyGk",
        "BAFKREIHDWDCEFGH4DQKJV67UZCMW7OJEE6XEDZDETOJUZJEVTENXQUVYKU",
        "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyk",
        "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvykv",
        "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku\n",
        "bafirei" + "a" * 52,
        "../" + "a" * 56,
    ],
)
def test_what_is_no_name_is_refused(text):
    with pytest.raises(CidError):
        cids.parse(text)


@given(raw=st.binary(max_size=80))
def test_bytes_that_are_no_node_are_refused_by_name(raw):
    cid = cids.name(DAG_PB, raw)

    with pytest.raises(StoreError):
        unixfs.read(cid, {cid: raw}.__getitem__)


@given(fields=st.lists(st.tuples(st.integers(1, 99), st.integers(0, 2**62) | st.binary())))
def test_fields_are_read_back(fields):
    write = {int: protobuf.number, bytes: protobuf.data}
    raw = b"".join(write[type(value)](field, value) for field, value in fields)

    assert list(protobuf.fields(raw)) == fields


@pytest.mark.parametrize(
    "raw", [b"\x08", b"\x08\x80", b"\x08\x80\x00", b"\x0a\x05abc", b"\x0d1234"]
)
def test_bytes_that_are_no_fields_are_refused(raw):
    with pytest.raises(protobuf.ProtobufError):
        list(protobuf.fields(raw))


def test_a_number_without_end_is_refused():
    with pytest.raises(protobuf.ProtobufError, match="too long"):
        list(protobuf.fields(b"\x08" + b"\x80" * 20))
