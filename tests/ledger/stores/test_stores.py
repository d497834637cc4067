"""One suite for all stores, and what each adds to it."""

import random
from hashlib import sha256
from pathlib import Path

import pytest

from numen.ledger.state.embedded import LmdbKV
from numen.ledger.state.kv import MemoryKV
from numen.ledger.stores import cid as cids
from numen.ledger.stores import unixfs
from numen.ledger.stores.cid import DAG_PB, RAW, Cid
from numen.ledger.stores.embedded import EmbeddedShelf
from numen.ledger.stores.errors import (
    BlobTooLargeError,
    MissingBlobError,
    StoreError,
    TamperedError,
    UnreachableError,
)
from numen.ledger.stores.http import poster
from numen.ledger.stores.kubo import KuboShelf
from numen.ledger.stores.scattered import ScatteredShelf
from numen.ledger.stores.shared import SharedShelf
from numen.ledger.stores.store import Store
from numen.ledger.stores.unixfs import Shape
from tests.ledger.stores.kubo_server import Node

SMALL = Shape(chunk_bytes=64, links_max=3)


class Broken:
    """A peer that does not answer."""

    def __getattr__(self, name):
        raise UnreachableError("nobody is here")


@pytest.fixture
def node():
    node = Node()
    yield node
    node.shutdown()
    node.server_close()


@pytest.fixture(params=["memory", "disk", "shared", "kubo", "scattered", "scattered with a hole"])
def shelf(request, tmp_path: Path):
    peers = [EmbeddedShelf(MemoryKV()) for _ in range(5)]
    match request.param:
        case "memory":
            yield EmbeddedShelf(MemoryKV())
        case "disk":
            kv = LmdbKV(tmp_path)
            yield EmbeddedShelf(kv)
            kv.close()
        case "shared":
            yield SharedShelf(tmp_path / "bucket")
        case "kubo":
            node = request.getfixturevalue("node")
            yield KuboShelf(poster(node.address))
        case "scattered":
            yield ScatteredShelf([*peers[:4], SharedShelf(tmp_path / "peer")], 3)
        case _:
            yield ScatteredShelf([*peers[:2], Broken(), *peers[2:]], 3)


def blob(size: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size)


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 192, 193, 64 * 9, 64 * 9 + 1, 4000])
def test_what_is_put_is_got_by_the_name_of_its_bytes(shelf, size):
    store = Store(shelf, SMALL)

    name = store.put(blob(size))

    assert name == list(unixfs.cut(blob(size), SMALL))[-1][0]
    assert store.has(name)
    assert store.get(name) == blob(size)
    assert store.put(blob(size)) == name


def test_what_is_absent_is_told(shelf):
    store, absent = Store(shelf, SMALL), cids.name(RAW, b"nobody put this")

    assert not store.has(absent)
    for ask in (store.get, store.pin):
        with pytest.raises(MissingBlobError, match=str(absent)):
            ask(absent)
    store.unpin(absent)


def test_only_what_is_pinned_outlives_a_collection(shelf):
    store = Store(shelf, SMALL)
    shared = blob(640)  # the blocks that two blobs have in common
    kept, gone, alone = (store.put(b) for b in (shared + b"kept", shared + b"gone", blob(99, 1)))
    store.pin(kept)
    store.pin(alone)
    store.unpin(alone)
    store.collect()

    assert store.pins() == [kept]
    assert store.get(kept) == shared + b"kept"
    assert not store.has(gone)
    assert not store.has(alone)


def test_blobs_and_names_are_those_of_every_store(shelf, tmp_path):
    other = Store(SharedShelf(tmp_path / "other"), SMALL)

    assert other.put(blob(3000)) == Store(shelf, SMALL).put(blob(3000))


def test_a_blob_of_many_chunks_in_the_usual_shape(shelf):
    store = Store(shelf)
    content = blob(600_000)

    assert store.get(store.put(content)) == content


# Lies.
# ---------------------------------------------------------------------------------------------


class Liar(EmbeddedShelf):
    """Gives other bytes for one block."""

    def __init__(self) -> None:
        super().__init__(MemoryKV())
        self.lies: dict[Cid, bytes] = {}

    def get(self, cid: Cid) -> bytes | None:
        return self.lies.get(cid, super().get(cid))


def test_no_altered_block_gets_through():
    store = Store(liar := Liar(), SMALL)
    name = store.put(blob(900))
    for cid, block in unixfs.cut(blob(900), SMALL):
        for lie in (b"", block[:-1], block + b"x", bytes([block[0] ^ 1]) + block[1:]):
            liar.lies = {cid: lie}
            with pytest.raises(TamperedError, match=str(cid)):
                store.get(name)


def node_of(*parts: unixfs.Part) -> tuple[Cid, bytes]:
    part, node = unixfs._node(parts)
    return part.cid, node


def test_nodes_that_lie_about_what_is_below_are_refused():
    kv = Liar()
    leaf = b"chunk"
    cid = cids.name(RAW, leaf)
    wrong, wrong_node = node_of(unixfs.Part(cid, 6, 5), unixfs.Part(cid, 5, 5))
    above, above_node = node_of(unixfs.Part(wrong, 12, 99))
    bare = b"\x0a\x04\x08\x02\x18\x00"
    loud = node_of(unixfs.Part(cid, 5, 5))[1] + b"\x0a\x00"
    blocks = [(cid, leaf), (wrong, wrong_node), (above, above_node)]
    blocks += [(cids.name(DAG_PB, raw), raw) for raw in (bare, loud, b"\xff", b"\x12\x03abc")]
    kv.put(blocks)

    for name, _ in blocks[1:]:
        with pytest.raises(StoreError):
            Store(kv).get(name)


def test_a_tower_of_nodes_and_a_crowd_of_links_are_cut_off(monkeypatch):
    kv = Liar()
    part = unixfs.Part(cids.name(RAW, b"x"), 1, 1)
    kv.put([(part.cid, b"x")])
    for _ in range(unixfs.DEPTH_MAX + 1):
        part, node = unixfs._node([part])
        kv.put([(part.cid, node)])
    with pytest.raises(TamperedError, match="above each other"):
        Store(kv).get(part.cid)

    part = unixfs.Part(cids.name(RAW, b"x"), 1, 1)
    for _ in range(4):  # 20 ** 4 blocks, of few bytes on the shelf
        part, node = unixfs._node([part] * 20)
        kv.put([(part.cid, node)])
    with pytest.raises(TamperedError, match="or blocks"):
        Store(kv).get(part.cid)
    with pytest.raises(BlobTooLargeError, match="at most 10 bytes"):
        unixfs.read(part.cid, lambda cid: kv.get(cid) or b"", size_max=10)
    monkeypatch.setattr(unixfs, "BLOB_BYTES_MAX", 10)
    with pytest.raises(BlobTooLargeError):
        Store(kv).put(bytes(11))


# Peers.
# --------------------------------------------------------------------------------------------


def scattered(total: int, needed: int) -> tuple[list[Liar], Store, ScatteredShelf]:
    peers = [Liar() for _ in range(total)]
    shelf = ScatteredShelf(peers, needed)
    return peers, Store(shelf), shelf


@pytest.mark.parametrize("how", ["gone", "cut", "flipped", "of another block", "made up"])
def test_any_peers_but_the_needed_may_be_gone_or_lie(how):
    for chosen in range(1, 2**5):
        liars = [i for i in range(5) if chosen >> i & 1]
        peers, store, shelf = scattered(5, 3)
        name, other = store.put(b"the blob"), store.put(b"another")
        forged = scattered(5, 3)[0]
        ScatteredShelf(forged, 3).put([(name, b"no blob!")])  # shards that fit together
        for i in liars:
            raw = peers[i].get(name)
            assert raw is not None
            lies = {
                "cut": raw[:-1],
                "flipped": raw[:-3] + bytes([raw[-3] ^ 4]) + raw[-2:],
                "of another block": peers[i].get(other),
                "made up": forged[i].get(name),
            }
            peers[i].lies[name] = lies.get(how, b"")
        if len(liars) <= 2:
            assert store.get(name) == b"the blob"
            shelf.repair(name)
        else:
            with pytest.raises(MissingBlobError, match="fit together"):
                store.get(name)


def test_a_repaired_block_survives_the_loss_of_others():
    peers, store, shelf = scattered(5, 2)
    name = store.put(blob(1000))
    for peer in peers[:3]:
        peer.collect(set())
    shelf.repair(name)
    for peer in peers[3:]:
        peer.collect(set())

    assert store.get(name) == blob(1000)
    with pytest.raises(MissingBlobError):
        shelf.repair(cids.name(RAW, b"absent"))


def test_too_many_silent_peers_are_told():
    store = Store(ScatteredShelf([EmbeddedShelf(MemoryKV()), Broken(), Broken()], 2))

    with pytest.raises(UnreachableError, match="1 peers answer where 2"):
        store.put(b"blob")
    with pytest.raises(UnreachableError):
        store.collect()


# A node of IPFS.
# -----------------------------------------------------------------------------------


def test_a_node_that_names_blocks_otherwise_is_refused(node):
    store = Store(KuboShelf(poster(node.address)))
    for node.lie in ("bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku", "x" * 999):
        with pytest.raises(TamperedError, match="the node calls it"):
            store.put(b"blob")


def test_a_node_that_alters_bytes_is_found_out(node):
    store = Store(KuboShelf(poster(node.address)))
    name = store.put(b"blob")
    node.blocks[sha256(b"blob").digest()] = b"blub"

    with pytest.raises(TamperedError, match=str(name)):
        store.get(name)


def test_errors_of_a_node_are_told(node):
    shelf = KuboShelf(poster(node.address))

    with pytest.raises(UnreachableError, match=r"pin/add: .*not found"):
        shelf.pin(cids.name(RAW, b"absent"))


@pytest.mark.parametrize("address", ["ftp://host", "nonsense", "http://127.0.0.1:1"])
def test_an_address_where_no_node_is(address):
    with pytest.raises(UnreachableError, match=r"address|answer"):
        Store(KuboShelf(poster(address, timeout_s=1))).put(b"blob")


# A shared directory.
# -------------------------------------------------------------------------------


def test_files_of_others_in_a_shared_directory_are_left_alone(tmp_path):
    store = Store(SharedShelf(tmp_path))
    name = store.put(b"blob")
    folder = tmp_path / "blocks" / str(name)[-2:]
    for path in (folder / "notes.txt", tmp_path / "pins" / ".hidden"):
        path.write_text("mine")
    store.collect()

    assert sorted(path.name for path in folder.iterdir()) == ["notes.txt"]
    assert store.pins() == []


def test_a_directory_that_is_none_is_told(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(UnreachableError, match="file"):
        SharedShelf(tmp_path / "file")
