"""The contract and what others know of it, and the digests of its messages."""

import importlib.util

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
    Offer,
    Ramp,
    Register,
    Request,
    Signed,
    Verdict,
    Vote,
    message_id,
)
from numen.market.reputation import Entry, Standing, after
from numen.market.task import Quorum, Task, task_id
from numen.market.ticket import Quote, SignedTicket, Ticket, draw, ticket_digest
from numen.proof.statement import Claim, claim_digest
from numen.testing import Chain, SentError
from tests.markdown import ROOT

VIEWS = """
from numen import address, contract, view
from messages import (
    Claim, Ending, Promise, Purchase, Quote, Ramp, Terms, Ticket, assent_id, buy_id, call_id,
    cancel_id, claim_id, draw, history_head, offer_id, Node, register_id, request_id, task_id,
    ticket_digest, verdict_id, vote_id,
)

@contract
class Digests:
    nothing: u8

    @view
    def task(self, terms: Terms) -> u256:
        return task_id(terms)

    @view
    def request(self, terms: Terms, bid: u64, nonce: u64, ramp: Ramp) -> u256:
        return request_id(terms, bid, nonce, ramp)

    @view
    def buy(self, market: u256, purchase: Purchase) -> u256:
        return buy_id(market, purchase)

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
    st.builds(Quorum, st.integers(1, 64), st.integers(1, 10**6)), st.integers(1, 2**53),
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
    assert DIGESTS.view("task", terms_args(task)) == word(task_id(task))
    expected = word(message_id(Request(task, bid, nonce, ramp)))
    assert DIGESTS.view("request", terms_args(task), bid, nonce, ramp_args(ramp)) == expected


@settings(max_examples=25, deadline=None)
@given(market=hashes, who=accounts, nonce=numbers, task=tasks, price=numbers)
def test_purchases_do(market, who, nonce, task, price):
    body = Buy(market, who, nonce, task.program, task.inputs, task.policy, price)
    policy = (task.policy.replicas, task.policy.trust)
    purchase = (who, nonce, word(task.program), word(task.inputs), *policy, price)
    assert DIGESTS.view("buy", word(market), purchase) == word(message_id(body))


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
