"""A small server that speaks the part of Kubo's HTTP API that stores use, from its documentation.

Blocks are kept by their multihash, as Kubo keeps them, and the node computes every name itself;
errors are JSON with status 500; only POST is answered; pins are recursive, and collection spares
what is below them. It shares no code with the package but the reader of protocol buffers that is in
this file.
"""

import base64
import hashlib
import json
import re
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

CODECS = {"raw": 0x55, "dag-pb": 0x70}


def name(codec: int, digest: bytes) -> str:
    raw = bytes([1, codec, 0x12, 32]) + digest
    return "b" + base64.b32encode(raw).decode().rstrip("=").lower()


def digest_of(text: str) -> bytes:
    return base64.b32decode(text[1:].upper() + "=" * 6)[4:]


def links(node: bytes) -> list[str]:
    """Names in a node: every link begins with a CID of 36 bytes."""
    found = re.findall(rb"\x0a\x24(\x01[\x55\x70]\x12\x20.{32})", node, re.DOTALL)
    return [name(raw[1], raw[4:]) for raw in found]


class Node(ThreadingHTTPServer):
    """A node on this machine, until it is shut down."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.blocks: dict[bytes, bytes] = {}
        self.pinned: set[str] = set()
        self.lie = None
        Thread(target=self.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/api/v0"

    def below(self, root: str) -> list[str]:
        found, waiting = [], [root]
        while waiting:
            cid = waiting.pop()
            found.append(cid)
            block = self.blocks[digest_of(cid)]
            waiting += links(block) if cid.startswith("bafy") else []
        return found


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Node

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self.answer(405, b"405 - Method Not Allowed\n")

    def do_POST(self) -> None:
        url = urlsplit(self.path)
        query = {key: values[-1] for key, values in parse_qs(url.query).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        command = "_".join(url.path.split("/")[3:])
        try:
            self.answer(200, getattr(self, command)(query, body))
        except KeyError:
            self.fail("block was not found locally (offline): ipld: could not find node: not found")
        except ValueError as error:
            self.fail(str(error))

    def fail(self, message: str) -> None:
        self.answer(500, json.dumps({"Message": message, "Code": 0, "Type": "error"}).encode())

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def block_put(self, query: dict[str, str], body: bytes) -> bytes:
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        (part,) = BytesParser().parsebytes(head + body).get_payload()
        block = part.get_payload(decode=True)
        if len(block) > 1 << 20 and query.get("allow-big-block") != "true":
            raise ValueError("produced block is over 1MiB")
        digest = hashlib.sha256(block).digest()
        self.server.blocks[digest] = block
        key = name(CODECS[query["cid-codec"]], digest)
        return json.dumps({"Key": self.server.lie or key, "Size": len(block)}).encode() + b"\n"

    def block_get(self, query: dict[str, str], _: bytes) -> bytes:
        return self.server.blocks[digest_of(query["arg"])]

    def block_stat(self, query: dict[str, str], _: bytes) -> bytes:
        block = self.server.blocks[digest_of(query["arg"])]
        return json.dumps({"Key": query["arg"], "Size": len(block)}).encode()

    def pin_add(self, query: dict[str, str], _: bytes) -> bytes:
        self.server.below(query["arg"])
        self.server.pinned.add(query["arg"])
        return json.dumps({"Pins": [query["arg"]]}).encode()

    def pin_rm(self, query: dict[str, str], _: bytes) -> bytes:
        if query["arg"] not in self.server.pinned:
            raise ValueError("not pinned or pinned indirectly")
        self.server.pinned.discard(query["arg"])
        return json.dumps({"Pins": [query["arg"]]}).encode()

    def pin_ls(self, _query: dict[str, str], _: bytes) -> bytes:
        keys = {cid: {"Type": "recursive", "Name": ""} for cid in self.server.pinned}
        keys["QmNyJpQkU1cEkBwMDhDNFstr42q55mqG5GE5Mgwug4xyGk"] = {"Type": "recursive"}
        return json.dumps({"Keys": keys}).encode()

    def repo_gc(self, _query: dict[str, str], _: bytes) -> bytes:
        kept = {digest_of(cid) for root in self.server.pinned for cid in self.server.below(root)}
        gone = [digest for digest in self.server.blocks if digest not in kept]
        for digest in gone:
            del self.server.blocks[digest]
        return b"".join(json.dumps({"Key": {"/": name(0x55, d)}}).encode() + b"\n" for d in gone)
