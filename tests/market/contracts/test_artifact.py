"""The contract and what others know of it, and the digests of its messages."""

import importlib.util

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.base import merkle
from numen.base.codec import U256
from numen.base.crypto import SigningKey
from numen.base.eip712 import Domain
from numen.lang.contracts.build import build
from numen.lang.modules import Texts
from numen.market.contracts import artifact
from numen.market.contracts.asks import (
    OUTCOMES,
    VERBS,
    claim_args,
    judged,
    node_args,
    opening_args,
    policy_args,
    policy_text,
    quote_args,
    ramp_args,
    terms_args,
    ticket_args,
)
from numen.market.message import (
    Assent,
    Buy,
    Call,
    Cancel,
    Finding,
    Offer,
    Ramp,
    Register,
    Request,
    Result,
    Signed,
    Verdict,
    Vote,
    message_id,
)
from numen.market.moves import Challenge, Midpoint, Run, Stance
from numen.market.reputation import Entry, Standing, after
from numen.market.task import Hardware, Optimistic, Quorum, Snark, Stark, Task, task_id
from numen.market.ticket import Quote, SignedTicket, Ticket, draw, ticket_digest
from numen.proof.quote import Tcb
from numen.proof.statement import Claim, claim_digest
from numen.testing import Chain, SentError
from tests.markdown import ROOT

VIEWS = """
from numen import address, contract, view
from messages import (
    Claim, Ending, Node, Opening, Promise, Purchase, Quote, Ramp, Run, Terms, Ticket, assent_id,
    buy_id, call_id, cancel_id, challenge_id, claim_id, draw, finding_id, history_head,
    midpoint_id, offer_id, register_id, request_id, require_opening, run_result_id, stance_id,
    task_id, ticket_digest, verdict_id, vote_id,
)

@contract
class Digests:
    nothing: u8

    @view
    def task(self, terms: Terms, policy: bytes[1024]) -> u256:
        return task_id(terms, policy)

    @view
    def request(self, terms: Terms, policy: bytes[1024], bid: u64, nonce: u64, ramp: Ramp) -> u256:
        return request_id(terms, policy, bid, nonce, ramp)

    @view
    def buy(self, market: u256, purchase: Purchase, policy: bytes[1024]) -> u256:
        return buy_id(market, purchase, policy)

    @view
    def run_result(
        self, execution: u256, who: address, salt: u256, claim: Claim, answer: bytes[1024],
        attestation: bytes[65], run: Run,
    ) -> u256:
        return run_result_id(execution, who, salt, claim, answer, attestation, run)

    @view
    def challenge(self, task: u256, result: u256, who: address) -> u256:
        return challenge_id(task, result, who)

    @view
    def midpoint(
        self, task: u256, worker: address, who: address, step: u64, state: u256, opening: Opening,
        path: list[u256, 11],
    ) -> u256:
        return midpoint_id(task, worker, who, step, state, opening, path)

    @view
    def stance(self, task: u256, who: address, step: u64, agrees: bool) -> u256:
        return stance_id(task, who, step, agrees)

    @view
    def finding(self, task: u256, who: address, about: u256, holds: bool) -> u256:
        return finding_id(task, who, about, holds)

    @view
    def opens(self, root: u256, state: u256, opening: Opening, path: list[u256, 11]) -> bool:
        require_opening(root, state, opening, path)
        return True

    @view
    def offer(self, promise: Promise, quote: Quote) -> u256:
        return offer_id(promise, quote)

    @view
    def claim(self, claim: Claim) -> u256:
        return claim_id(claim)

    @view
    def vote(self, task: u256, who: address, claim: Claim, attestation: bytes[65]) -> u256:
        return vote_id(task, who, claim, attestation)

    @view
    def verdict(self, ending: Ending) -> u256:
        return verdict_id(ending)

    @view
    def cancel(self, who: address, task: u256) -> u256:
        return cancel_id(who, task)

    @view
    def assent(self, task: u256, who: address, claim: u256) -> u256:
        return assent_id(task, who, claim)

    @view
    def call(self, market: u256, who: address, nonce: u64, verb: u8, amount: u64) -> u256:
        return call_id(market, who, nonce, verb, amount)

    @view
    def register(self, market: u256, who: address, node: Node) -> u256:
        return register_id(market, who, node)

    @view
    def history(self, before: u256, receipt: u256, good: bool, same: bool, lie: bool) -> u256:
        return history_head(before, receipt, good, same, lie)

    @view
    def ticket(self, separator: u256, ticket: Ticket) -> u256:
        return ticket_digest(separator, ticket)

    @view
    def drawn(self, signature: bytes[65], revealed: u256) -> u256:
        return draw(signature, revealed)
"""

MODULES = Texts({"messages": (ROOT / "src/numen/market/contracts/messages.numen").read_text()})
DIGESTS = Chain().deploy(build(VIEWS, resolver=MODULES), name="digests")
KEY = SigningKey.from_seed(b"somebody")
DOMAIN = Domain("Numen", "1", 1337, b"\xcc" * 20)

hashes = st.binary(min_size=32, max_size=32)
accounts = st.binary(min_size=20, max_size=20)
signatures = st.binary(min_size=65, max_size=65)
numbers = st.one_of(
    st.integers(0, 2**63 - 1),
    st.sampled_from([0, 127, 128, 255, 256, 65535, 65536, 2**32 - 1, 2**32]),
)
claims = st.builds(Claim, hashes, hashes, hashes, numbers, hashes)
quotes = st.builds(
    Quote, accounts, numbers, st.integers(0, 2**256 - 1).map(U256), hashes, hashes,
    numbers, numbers, numbers, numbers, hashes,
)  # fmt: skip
ramps = st.builds(Ramp, numbers, numbers, st.integers(1, 900_000))
tasks = st.builds(
    Task, hashes, accounts, accounts, numbers, hashes, hashes,
    st.one_of(
        st.builds(Quorum, st.integers(1, 64), st.integers(1, 10**6)),
        st.builds(Optimistic, st.integers(1000, 600_000)),
        st.builds(Snark, hashes, st.none() | hashes),
        st.builds(Stark, st.integers(0, 256), st.integers(0, 256)),
        st.builds(
            Hardware, hashes, st.sampled_from(["snp", "nitro", "tpm"]),
            st.lists(st.binary(min_size=32, max_size=34), min_size=1, max_size=16).map(tuple),
            st.lists(hashes, min_size=1, max_size=9).map(tuple), st.sampled_from(Tcb),
            st.none() | st.tuples(*[st.integers(0, 255)] * 4), numbers,
        ),
    ),
    st.integers(1, 2**53),
    numbers, numbers, numbers, numbers,
)  # fmt: skip


def word(raw: bytes) -> int:
    return int.from_bytes(raw, "big")


def test_the_abi_that_comes_with_the_package_is_the_contracts():
    spec = importlib.util.spec_from_file_location("market_abi", ROOT / "tools/market_abi.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    file = ROOT / "src/numen/market/contracts" / artifact.ABI_FILE
    assert file.read_text() == tool.text(), "run tools/market_abi.py"
    assert artifact.contract().description.warnings == ()


@settings(max_examples=25, deadline=None)
@given(task=tasks, bid=numbers, nonce=numbers, ramp=st.none() | ramps)
def test_tasks_and_requests_have_the_digests_of_their_messages(task, bid, nonce, ramp):
    terms = (terms_args(task), policy_text(task.policy))
    assert DIGESTS.view("task", *terms) == word(task_id(task))
    expected = word(message_id(Request(task, bid, nonce, ramp)))
    assert DIGESTS.view("request", *terms, bid, nonce, ramp_args(ramp)) == expected


@settings(max_examples=25, deadline=None)
@given(market=hashes, who=accounts, nonce=numbers, task=tasks, price=numbers)
def test_purchases_do(market, who, nonce, task, price):
    body = Buy(market, who, nonce, task.program, task.inputs, task.policy, price)
    purchase = (who, nonce, word(task.program), word(task.inputs), policy_args(task.policy), price)
    found = DIGESTS.view("buy", word(market), purchase, policy_text(task.policy))
    assert found == word(message_id(body))


@settings(max_examples=25, deadline=None)
@given(
    st.builds(
        Result, hashes, accounts, hashes, claims, st.binary(max_size=1024), signatures,
        st.builds(Run, st.integers(1, 2**40), st.integers(1, 2**40), hashes),
    )
)  # fmt: skip
def test_results_that_can_be_challenged_do(body):
    run = (body.evidence.steps, body.evidence.interval, word(body.evidence.root))
    shown = (word(body.salt), claim_args(body.claim), body.answer, body.attestation, run)
    found = DIGESTS.view("run_result", word(body.execution), body.worker, *shown)
    assert found == word(message_id(body))


@settings(max_examples=25, deadline=None)
@given(
    task=hashes, who=accounts, worker=accounts, step=numbers, state=hashes, flag=st.booleans(),
    leaves=st.none() | st.lists(hashes, min_size=1, max_size=1024), place=st.integers(0, 1023),
)  # fmt: skip
def test_moves_and_findings_do(task, who, worker, step, state, flag, leaves, place):
    found = DIGESTS.view("challenge", word(task), word(state), who)
    assert found == word(message_id(Challenge(task, state, who)))
    opening = None if leaves is None else merkle.prove(leaves, place % len(leaves))
    body = Midpoint(task, worker, who, step, state, opening)
    said = (step, word(state), *opening_args(opening))
    assert DIGESTS.view("midpoint", word(task), worker, who, *said) == word(message_id(body))
    found = DIGESTS.view("stance", word(task), who, step, flag)
    assert found == word(message_id(Stance(task, who, step, flag)))
    found = DIGESTS.view("finding", word(task), who, word(state), flag)
    assert found == word(message_id(Finding(task, who, state, flag)))


@settings(max_examples=25, deadline=None)
@given(st.lists(hashes, min_size=1, max_size=70, unique=True), st.data())
def test_openings_show_what_they_show_everybody(leaves, data):
    place, root = data.draw(st.integers(0, len(leaves) - 1)), word(merkle.root(leaves))
    shown, path = opening_args(merkle.prove(leaves, place))
    state = word(leaves[place])
    assert DIGESTS.view("opens", root, state, shown, path)
    for lie in (
        (root, state ^ 1, shown, path),
        (root ^ 1, state, shown, path),
        (root, state, (True, place + 1, *shown[2:]), path),
        (root, state, (True, place, shown[2] + 1, shown[3]), path),
        (root, state, (*shown[:3], shown[3] + 1), path),
        (root, state, shown, [path[0] ^ 1, *path[1:]])
        if shown[3]
        else (root, state ^ 2, shown, path),
    ):
        with pytest.raises(SentError):
            DIGESTS.view("opens", *lie)


@settings(max_examples=25, deadline=None)
@given(tasks, st.data())
def test_the_bytes_of_a_policy_are_one_value_of_its_kind(task, data):
    """Else what is signed beside them could be taken for a part of them."""
    terms, text = terms_args(task), policy_text(task.policy)
    if not text:
        return
    kind = terms[6][0]
    for lie in (text[:-1], text + b"\x00", b"\x92" + text[1:], text[:9], text[1:]):
        with pytest.raises(SentError):
            DIGESTS.view("task", terms, lie)
    other = data.draw(st.sampled_from([k for k in range(3, 9) if k != kind]))
    with pytest.raises(SentError):
        DIGESTS.view("task", (*terms[:6], (other, 0, 0), *terms[7:]), text)


@settings(max_examples=25, deadline=None)
@given(request=hashes, who=accounts, ask=numbers, pledge=numbers, quote=st.none() | quotes)
def test_offers_do(request, who, ask, pledge, quote):
    if quote is not None:
        quote = Quote(who, *(getattr(quote, name) for name in quote.__struct_fields__[1:]))
    expected = message_id(Offer(request, who, ask, pledge, quote))
    found = DIGESTS.view("offer", (word(request), who, ask, pledge), quote_args(quote))
    assert found == word(expected)


@settings(max_examples=25, deadline=None)
@given(task=hashes, who=accounts, claim=claims, attestation=signatures)
def test_claims_votes_and_cancels_do(task, who, claim, attestation):
    assert DIGESTS.view("claim", claim_args(claim)) == word(claim_digest(claim))
    found = DIGESTS.view("vote", word(task), who, claim_args(claim), attestation)
    assert found == word(message_id(Vote(task, who, claim, attestation)))
    found = DIGESTS.view("assent", word(task), who, word(claim.output))
    assert found == word(message_id(Assent(task, who, claim.output)))
    assert DIGESTS.view("cancel", who, word(task)) == word(message_id(Cancel(who, task)))


@settings(max_examples=25, deadline=None)
@given(
    st.builds(
        Verdict, hashes, accounts, hashes, accounts,
        st.sampled_from(OUTCOMES[1:]).map(lambda outcome: outcome.value),
        hashes, numbers, numbers, hashes, numbers,
    )
)  # fmt: skip
def test_verdicts_do(body):
    ending = judged(Signed(body, bytes(65)), None).args[0]
    assert DIGESTS.view("verdict", ending) == word(message_id(body))


@settings(max_examples=25, deadline=None)
@given(hashes, accounts, numbers, st.sampled_from(VERBS), numbers)
def test_calls_do(market, who, nonce, verb, amount):
    found = DIGESTS.view("call", word(market), who, nonce, VERBS.index(verb), amount)
    assert found == word(message_id(Call(market, who, nonce, verb.value, amount)))


@settings(max_examples=25, deadline=None)
@given(hashes, accounts, numbers, hashes, st.binary(min_size=64, max_size=64))
def test_registrations_do(market, who, nonce, node, possession):
    body = Register(market, who, nonce, node, possession)
    found = DIGESTS.view("register", word(market), who, node_args(body))
    assert found == word(message_id(body))


@given(hashes, hashes, st.booleans(), st.booleans(), st.booleans())
@settings(max_examples=25, deadline=None)
def test_histories_have_the_heads_that_everybody_computes(
    before, receipt, accepted, replicated, lie
):
    standing = after(Standing(head=before), Entry(receipt, accepted, replicated, lie))
    found = DIGESTS.view("history", word(before), word(receipt), accepted, replicated, lie)
    assert found == word(standing.head)


@settings(max_examples=25, deadline=None)
@given(
    st.builds(
        Ticket, accounts, accounts, numbers, st.integers(0, 2**256 - 1).map(U256), numbers, hashes,
        numbers, hashes,
    ),
    hashes,
)  # fmt: skip
def test_tickets_are_signed_and_drawn_alike(ticket, revealed):
    separator = word(DOMAIN.separator())
    signed = SignedTicket(ticket, KEY.sign(ticket_digest(DOMAIN, ticket)))
    found = DIGESTS.view("ticket", separator, ticket_args(ticket))
    assert found == word(ticket_digest(DOMAIN, ticket))
    assert DIGESTS.view("drawn", signed.signature, word(revealed)) == draw(
        signed.signature, revealed
    )


def test_a_number_wider_than_its_bytes_is_refused_before_it_is_hashed():
    """Else its upper bits would fall onto bytes before it, and two messages would hash alike."""
    build_ = VIEWS.replace(
        "class Digests:\n    nothing: u8\n",
        "class Digests:\n    nothing: u8\n\n    @view\n    def wide(self, value: u256) -> u64:\n"
        "        words = [u256(0)] * 2\n        return put(words, 0, value, 4)\n",
    ).replace("verdict_id, vote_id,\n)", "verdict_id, vote_id, put,\n)")
    contract = Chain().deploy(build(build_, resolver=MODULES), name="wide")
    assert contract.view("wide", 2**32 - 1) == 4
    with pytest.raises(SentError, match="does not fit"):
        contract.view("wide", 2**32)
