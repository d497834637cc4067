"""Contracts with private state on a node: created, asked and looked at by its JSON-RPC."""

import json

import pytest

from numen.base.crypto import keccak256
from numen.evm.contract import decode_output, encode_input, function_of
from numen.ledger import looking
from numen.ledger.sealed.charter import write_charter
from numen.ledger.sealed.envelope import public_key
from numen.ledger.sealed.errors import MissingKeysError
from numen.ledger.sealed.keyring import SEALED, seal_request
from numen.ledger.sealed.strongbox import KEYS as KEPT
from numen.ledger.sealed.strongbox import Strongbox, StrongboxError, secret_of
from numen.ledger.state.account import slot_key
from numen.ledger.state.kv import MemoryKV
from numen.ledger.state.opening import verify
from numen.ledger.stored import charter_place
from numen.node.rpc.faults import SERVER
from numen.testing import build
from numen.vm.host import Reason
from tests.ledger.sealed.test_private_contracts import SECRETS, traces
from tests.node.ledger_served import AskedLedger, Deployed, creation
from tests.node.served import ADDRESSES, KEYS

ANN, BOB = ADDRESSES[:2]

PURSE = """
from numen import Private, address, contract, map, message, reveal, rotate, view

@contract
class Purse:
    owner: address
    moves: u64
    held: Private[map[address, u128]]
    total: Private[u128]

    def __init__(self):
        self.owner = self.sender

    @message
    def put(self, n: Private[u128]):
        self.held[self.sender] += n
        self.total += n
        self.moves += 1

    @message
    def renew(self):
        assert self.sender == self.owner, "not yours"
        rotate()

    @view
    def mine(self) -> u128:
        return self.held[self.sender]

    @view
    def rich(self) -> bool:
        return reveal(self.total > 1000)

    @view
    def moved(self) -> u64:
        return self.moves
"""

SECRET, OTHER = SECRETS[:2]


def box(name: bytes = b"keys") -> Strongbox:
    return Strongbox(secret_of(KEYS[0]) if name == b"keys" else keccak256(name))


def drawn():
    count = 0

    def draw() -> bytes:
        nonlocal count
        count += 1
        return keccak256(b"chance", count.to_bytes(4, "big"))

    return draw


class Purse(Deployed):
    """The contract, asked as somebody does who knows what is private."""

    def key(self) -> bytes:
        return bytes.fromhex(self.asked("numen_getContract", self.address)["charter"]["key"][2:])

    def put(self, n: int, who: str = ANN, **fields) -> dict:
        plain = encode_input(function_of(self.abi, "put", 1), [n])
        contract, sender = bytes.fromhex(self.address[2:]), bytes.fromhex(who[2:])
        raw = seal_request(plain, contract, sender, self.key(), self.asked.settings.draw())
        assert raw.startswith(SEALED)
        form = {"from": who, "to": self.address, "data": f"0x{raw.hex()}", **fields}
        return self.asked.send(**form)

    def question(self, name: str, key, height: int | None = None):
        payload = encode_input(function_of(self.abi, name, 0), [])
        until = self.asked.node.ledger.height + 1 if height is None else height
        contract = bytes.fromhex(self.address[2:])
        question = looking.Look(contract, payload, until, public_key(b"\5" * 32))
        return question, looking.ask(question, key, self.key(), self.asked.settings.draw())

    def look(self, name: str, key=KEYS[0]):
        question, asked = self.question(name, key)
        envelope = self.asked("numen_sealedCall", self.address, f"0x{asked.hex()}")
        outcome = looking.read(bytes.fromhex(envelope[2:]), question, b"\5" * 32)
        assert outcome.failure is None, outcome.failure
        return decode_output(function_of(self.abi, name, 0), outcome.result)


def created(kv=None, **settings) -> Purse:
    asked = AskedLedger(kv, **{"box": box(), "draw": drawn()} | settings)
    made = asked.create(build(PURSE))
    return Purse(asked, made.address, made.abi)


def test_a_private_contract_is_created_asked_and_looked_at():
    purse = created()
    assert purse.put(SECRET)["status"] == "0x1"
    assert purse.put(OTHER, BOB)["status"] == "0x1"
    assert purse.look("mine") == SECRET
    assert purse.look("mine", KEYS[1]) == OTHER
    assert purse.call("rich") is True
    assert purse.call("moved") == 2
    estimated = int(purse.asked("eth_estimateGas", sealed_form(purse, 5)), 16)
    assert purse.put(5, gas=hex(estimated))["status"] == "0x1"


def sealed_form(purse: Purse, n: int) -> dict:
    plain = encode_input(function_of(purse.abi, "put", 1), [n])
    contract, sender = bytes.fromhex(purse.address[2:]), bytes.fromhex(ANN[2:])
    raw = seal_request(plain, contract, sender, purse.key(), b"\7" * 32)
    return {"from": ANN, "to": purse.address, "data": f"0x{raw.hex()}"}


def test_what_is_private_is_refused_in_the_open():
    purse = created()
    purse.put(SECRET)
    with pytest.raises(AssertionError, match="signed view call"):
        purse.call("mine")
    with pytest.raises(AssertionError, match="seal the request"):
        purse.call("put", 5)


PEEPHOLE = """
from numen import Private, address, contract, map, message, reveal, view

@contract
class Peephole:
    held: Private[map[address, u128]]

    @message
    def put(self, n: Private[u128]):
        self.held[self.sender] += n

    @message
    def take(self, n: Private[u128]):
        assert self.held[self.sender] >= n, "too little"
        self.held[self.sender] -= n

    @view
    def rich(self) -> bool:
        return reveal(self.held[self.sender] > 1000)
"""


def test_who_calls_as_somebody_else_learns_nothing():
    """Anybody can seal a request as anybody: only a signature shows who asks."""
    asked = AskedLedger(box=box(), draw=drawn(), keys=KEYS[:2])
    made = asked.create(build(PEEPHOLE))
    hole = Purse(asked, made.address, made.abi)
    hole.put(SECRET)
    assert hole.call("rich") is True  # an account of the node, which signs for it
    victim = KEYS[0].address
    asked.node.keys.pop(victim)  # as on a node that is not the victim's
    who = "0x" + victim.hex()
    assert hole.call("rich", **{"from": who}) is False
    for n in (1, 2**127):
        plain = encode_input(function_of(hole.abi, "take", 1), [n])
        contract = bytes.fromhex(hole.address[2:])
        raw = seal_request(plain, contract, victim, hole.key(), b"\7" * 32)
        form = {"from": who, "to": hole.address, "data": f"0x{raw.hex()}"}
        for method in ("eth_call", "eth_estimateGas"):
            assert "has to sign" in asked.fault(method, form, "latest")[1]


def test_an_older_block_shows_what_is_public_and_nothing_else():
    purse = created()
    purse.put(SECRET)
    before = hex(purse.asked.node.ledger.height)
    purse.put(OTHER)
    assert (purse.call("moved", block=before), purse.call("moved")) == (1, 2)
    error = purse.asked.fault("eth_call", {"to": purse.address, "data": purse.data("rich")}, before)
    assert (error[0], "older block" in error[1]) == (SERVER, True)


def test_a_charter_is_shown_under_the_root_of_the_state():
    purse = created()
    told = purse.asked("numen_getContract", purse.address)["charter"]
    node, contract = purse.asked.node, bytes.fromhex(purse.address[2:])
    charter = node.world.charter(contract)
    assert (told["epoch"], told["key"]) == (0, "0x" + charter.mail.hex())
    assert told["commitments"] == ["0x" + point.hex() for point in charter.commitments]
    place, slot = charter_place(contract)
    value, opening = node.world.state.open_slot(place, slot)
    assert value == write_charter(charter)
    verify(node.world.state.root, slot_key(place, slot), value, opening)


def test_new_keys_are_for_who_the_contract_says_and_old_ones_are_gone_from_the_disk():
    kv = MemoryKV()
    purse = created(kv)
    purse.put(SECRET)
    contract = bytes.fromhex(purse.address[2:])
    key, secret = purse.key(), purse.asked.node.world.keys.of(contract).keys.secret
    refused = purse.send("renew", **{"from": BOB, "gas": hex(10**7)})
    assert (refused["status"], purse.key()) == ("0x0", key)
    renewed = purse.send("renew")
    assert renewed["logs"][-1]["topics"][0] == "0x" + keccak256(b"NewEpoch(uint64)").hex()
    assert purse.key() != key
    assert purse.look("mine") == SECRET
    (kept,) = [box().open(name, raw) for name, raw in kv.scan(KEPT)]
    assert kept.version == 2
    assert kept.value == purse.asked.node.world.keys.of(contract).keys.secret != secret


def test_a_node_that_begins_again_has_the_keys_and_another_box_does_not_open_them():
    kv = MemoryKV()
    purse = created(kv)
    purse.put(SECRET)
    purse.send("renew")
    again = AskedLedger(kv, box=box(), draw=drawn())
    after = Purse(again, purse.address, purse.abi)
    assert after.look("mine") == SECRET
    assert after.put(OTHER)["status"] == "0x1"
    assert after.look("mine") == SECRET + OTHER
    with pytest.raises(StrongboxError, match="cannot be opened"):
        AskedLedger(kv, box=box(b"other"))


def test_a_node_without_keys_says_what_to_do_and_serves_the_rest():
    kv = MemoryKV()
    purse = created(kv)
    purse.put(SECRET)
    bare = AskedLedger(kv)
    locked = Purse(bare, purse.address, purse.abi)
    assert bare("numen_getContract", purse.address)["charter"]["epoch"] == 0
    for method, *params in (
        ("eth_sendTransaction", sealed_form(locked, 5)),
        ("eth_call", {"to": purse.address, "data": locked.data("moved")}, "latest"),
        ("numen_sealedCall", purse.address, "0x00"),
        ("eth_estimateGas", sealed_form(locked, 5)),
    ):
        error = bare.fault(method, *params)
        assert (error[0], "keys are not here" in error[1]) == (SERVER, True)
        assert "--contract-keys" in error[1]
    code = {"from": ANN, "data": creation(build(PURSE)), "gas": hex(10**8)}
    assert "keys are not here" in bare.fault("eth_sendTransaction", code)[1]
    assert bare.send(to=BOB, value="0x1")["status"] == "0x1"
    assert len(bare.node.pool) == 0


GATE = """
from numen import contract, interface, message

@interface
class Purse:
    async def renew(): ...

@contract
class Gate:
    purse: Purse

    def __init__(self, purse: Purse):
        self.purse = purse

    @message
    async def knock(self):
        await self.purse.renew()
"""


def test_what_comes_to_a_locked_contract_on_the_way_is_dropped_and_blocks_go_on():
    kv = MemoryKV()
    purse = created(kv)
    gate = purse.asked.create(build(GATE), purse.address)
    bare = AskedLedger(kv, automine=False)
    Deployed(bare, gate.address, gate.abi)
    form = {"from": ANN, "to": gate.address, "data": gate.data("knock"), "gas": hex(10**6)}
    bare("eth_sendTransaction", form)
    bare("eth_sendTransaction", {"from": BOB, "to": ANN, "value": "0x1"})
    assert "keys are not here" in bare.fault("numen_mine")[1]
    height = bare.node.ledger.height
    assert bare("numen_mine") == hex(height + 1)
    assert bare("eth_getBlockTransactionCountByNumber", "latest") == "0x1"


def test_lies_in_questions_are_refused():
    purse = created()
    purse.put(SECRET)
    question, asked = purse.question("mine", KEYS[0])

    def told(raw: bytes, address: str = purse.address) -> str:
        return purse.asked.fault("numen_sealedCall", address, f"0x{raw.hex()}")[1]

    assert "another reader, or was altered" in told(asked[:-1] + bytes([asked[-1] ^ 1]))
    assert "cannot be opened" in told(b"")
    assert "nothing of it is private" in told(asked, ANN)
    assert "void" in told(purse.question("mine", KEYS[0], height=0)[1])
    # Who overhears a question gets an envelope that it cannot open.
    envelope = purse.asked("numen_sealedCall", purse.address, f"0x{asked.hex()}")
    assert str(SECRET) not in envelope
    with pytest.raises(Exception, match="another reader"):
        looking.read(bytes.fromhex(envelope[2:]), question, b"\6" * 32)


def test_a_private_failure_is_in_the_envelope():
    purse = created()
    question, asked = purse.question("moved", KEYS[0])
    wrong = looking.Look(question.contract, b"\1\2\3\4", question.expires, question.reply_key)
    raw = looking.ask(wrong, KEYS[0], purse.key(), b"\x08" * 32)
    envelope = purse.asked("numen_sealedCall", purse.address, f"0x{raw.hex()}")
    outcome = looking.read(bytes.fromhex(envelope[2:]), wrong, b"\5" * 32)
    assert outcome.failure.reason is Reason.ABSENT
    assert asked


TRACERS = (
    {"tracer": "callTracer", "tracerConfig": {"withLog": True}},
    {"tracer": "prestateTracer"},
    {"tracer": "prestateTracer", "tracerConfig": {"diffMode": True}},
    {},
)


def test_traces_show_what_is_public_alone():
    purse = created()
    purse.put(SECRET)
    receipt = purse.put(OTHER)
    told = [
        purse.asked("debug_traceTransaction", receipt["transactionHash"], options)
        for options in TRACERS[:3]
    ]
    told.append(purse.asked("debug_traceCall", sealed_form(purse, OTHER), "latest", TRACERS[1]))
    shown = json.dumps(told).encode()
    hidden = [SECRET, OTHER, SECRET + OTHER, SECRET + 2 * OTHER]
    assert [n for n in hidden for trace in traces(n) if trace in shown] == []
    _, before, changed, _ = told
    moves = f"0x{1:064x}", f"0x{2:064x}"
    assert moves[0] in before[purse.address]["storage"].values()
    assert moves[1] in changed["post"][purse.address]["storage"].values()
    form = sealed_form(purse, 5) | {"from": "0x" + "77" * 20}
    assert "has to sign" in purse.asked.fault("debug_traceCall", form, "latest", TRACERS[0])[1]


def test_no_answer_of_the_node_shows_what_is_private():
    purse = created(kv := MemoryKV())
    purse.put(SECRET)
    purse.send("renew")
    purse.put(OTHER)
    ask, contract = purse.asked, purse.address
    height = ask.node.ledger.height
    answers = [ask("eth_getBlockByNumber", hex(n), True) for n in range(height + 1)]
    for block in answers[1:]:
        for tx in block["transactions"]:
            identity = tx["hash"]
            answers.append(ask("eth_getTransactionReceipt", identity))
            answers += [ask("numen_getMessageTree", identity), ask("numen_explain", identity)]
    answers += [ask("numen_getContract", contract), ask("eth_getLogs", {"fromBlock": "0x0"})]
    slots = [hex(2**255 + n) for n in range(8)] + ["0x0", "0x1", "0x2"]
    answers += [ask("eth_getStorageAt", contract, slot, "latest") for slot in slots]
    answers.append(ask("numen_getProof", contract, slots, "latest"))
    answers.append(
        ask("numen_sealedCall", contract, f"0x{purse.question('mine', KEYS[0])[1].hex()}")
    )
    shown = json.dumps(answers).encode() + b"".join(raw for _, raw in kv.scan(b""))
    hidden = [SECRET, OTHER, SECRET + OTHER]
    assert [n for n in hidden for trace in traces(n) if trace in shown] == []
    assert purse.look("mine") == SECRET + OTHER


def test_the_error_of_missing_keys_names_the_contract():
    assert "0x" + "01" * 20 in MissingKeysError(b"\1" * 20).message
