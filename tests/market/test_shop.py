"""Whatever is bought, doubted and taken back in any order: coins, sureties and the store agree."""

import msgspec
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from numen.market import events, resale
from numen.market.actor import claim_of
from numen.market.coins import Pocket, wallet
from numen.market.exchange import Post, Verb
from numen.market.job import OBJECTION_MS
from numen.market.message import Buy, Call, Recall, Signed, sign
from numen.market.resale import BYTES_MAX, ENTRIES_MAX, RIVALS_MAX, name_of
from numen.market.shop import RECALL_MS, surety_of
from numen.market.stake import UNBONDING_MS
from numen.market.task import Quorum, task_id
from numen.proof.statement import claim_digest
from tests.market.byhand import (
    ANN,
    BOB,
    CAT,
    FALSE,
    INPUTS,
    PROVIDER,
    STRANGER,
    TRUE,
    VERIFIERS,
    Desk,
)
from tests.market.town import shown_run

answers = st.sampled_from([TRUE, TRUE, FALSE])
anyone = st.sampled_from([PROVIDER, ANN, BOB, CAT, *VERIFIERS, STRANGER])
trusts = st.sampled_from([1, 4, 5])


class Shop(RuleBasedStateMachine):
    """One question, many tasks; everybody buys, doubts, proves, stakes and leaves."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.number = Desk(), 0
        self.bought: list[Signed] = []

    @rule(
        answer=answers,
        trust=st.sampled_from([1, 2, 4]),
        pair=st.sampled_from([(ANN, BOB), (BOB, CAT)]),
    )
    def sell(self, answer, trust, pair):
        """Have it answered anew, if those two can, will and may; nothing else is going on."""
        table, self.number = self.table, self.number + 1
        table.task = msgspec.structs.replace(
            table.task, number=self.number, policy=Quorum(3, trust), expires_ms=table.now + 400_000
        )
        table.id = task_id(table.task)
        table.post(PROVIDER, table.request())
        for key in pair:
            table.post(key, table.offer(key))
        if table.id not in table.market.jobs or len(table.job.offers) < len(pair):
            self.rest()
            return
        for key in pair:
            table.post(VERIFIERS[0], table.match(key))
        if len(table.job.seats) < len(pair):
            self.rest()
            return
        for key in pair:
            table.post(key, table.execution(key, answer))
        for key in pair:
            table.post(key, table.result(key, answer))
        table.wait(OBJECTION_MS + 1)
        for key in pair:
            if table.id in table.market.jobs:
                table.judge(table.verdict(key))
        self.rest()

    def rest(self):
        """Let every task end, one way or the other."""
        for _ in range(9):
            if self.table.market.jobs:
                self.table.wait(500_000)
        assert not self.table.market.jobs

    @rule(key=anyone, trust=trusts, price_max=st.sampled_from([1, 10**6]))
    def buy(self, key, trust, price_max):
        table, before = self.table, self.table.market
        nonce = before.nonces.get(key.address, 0)
        body = Buy(
            before.identity, key.address, nonce, table.task.program, table.task.inputs,
            Quorum(3, trust), price_max,
        )  # fmt: skip
        happened = table.post(key, body)
        sold = [event for event in happened if isinstance(event, events.Resold)]
        if not sold:
            assert table.market is before
            return
        self.bought.append(sign(key, body))
        entry = before.store.entries[bytes.fromhex(sold[0].task)]
        assert entry.is_for_sale
        assert entry.task.policy.trust >= trust
        assert sold[0].price == entry.price <= price_max
        gained = {
            who: table.market.coins.balance(wallet(who)) - before.coins.balance(wallet(who))
            for who in {key.address, entry.task.verifier, *entry.workers}
        }
        assert sum(gained.values()) == 0, "what the buyer pays is what the others get"

    @rule(number=st.integers(0, 9))
    def buy_with_an_old_message(self, number):
        if self.bought:
            before = self.table.market
            self.table.submit(Post(self.bought[number % len(self.bought)]))
            assert self.table.market is before

    @rule(key=anyone, number=st.integers(0, 9), answer=answers, is_proof=st.booleans())
    def recall(self, key, number, answer, is_proof):
        table = self.table
        names = [*table.market.store.entries, table.id]
        claim = claim_of(table.task, answer)
        proof = shown_run(INPUTS) if is_proof else None
        said = key.sign(claim_digest(claim))
        body = Recall(names[number % len(names)], key.address, claim, said, proof)
        happened = table.post(key, body)
        for event in happened:
            if isinstance(event, events.Recalled):
                assert is_proof is False or answer is TRUE, "a true answer is refuted by nobody"

    @rule(key=st.sampled_from([ANN, BOB, CAT, *VERIFIERS]), verb=st.sampled_from(
        [Verb.LEAVE, Verb.UNSTAKE, Verb.JOIN_AS_WORKER, Verb.JOIN_AS_VERIFIER]
    ), amount=st.sampled_from([0, 1000]))  # fmt: skip
    def call(self, key, verb, amount):
        market = self.table.market
        nonce = market.nonces.get(key.address, 0)
        self.table.post(key, Call(market.identity, key.address, nonce, verb.value, amount))

    @rule(ms=st.sampled_from([1, RECALL_MS, UNBONDING_MS]))
    def wait(self, ms):
        self.table.wait(ms)

    @invariant()
    def sureties_are_in_their_pocket(self):
        market = self.table.market
        stands = sum(sum(entry.sureties) for entry in market.store.entries.values())
        assert stands == market.coins.in_pocket(Pocket.SURETY)
        for name, entry in market.store.entries.items():
            for worker, held in zip(entry.workers, entry.sureties, strict=False):
                assert market.coins.balance(surety_of(name, worker)) == held
                assert worker in market.stakes.stakers, "it cannot leave before"

    @invariant()
    def the_store_is_in_order(self):
        store = self.table.market.store
        listed = [name for names in store.asked.values() for name in names]
        assert sorted(listed) == sorted(store.entries)
        assert store.size == sum(entry.size for entry in store.entries.values()) <= BYTES_MAX
        assert len(store.entries) <= ENTRIES_MAX
        for asked, names in store.asked.items():
            assert 0 < len(names) <= RIVALS_MAX
            for name in names:
                entry = store.entries[name]
                assert entry.name == name
                assert name_of(entry.task.program, entry.task.inputs) == asked

    @invariant()
    def one_answer_is_for_sale_to_anybody_who_asks_for_the_same(self):
        table = self.table
        for trust in (1, 4, 5):
            found = resale.find(
                table.market.store, table.task.program, table.task.inputs, Quorum(3, trust), 0
            )
            rivals = table.market.store.answering(table.task.program, table.task.inputs)
            same = {
                e.claim.output
                for e in rivals
                if e.is_for_sale and e.task.policy == Quorum(3, trust)
            }
            assert len(same) <= 1
            assert found is None or found.is_for_sale


TestShop = Shop.TestCase
TestShop.settings = settings(
    max_examples=15, stateful_step_count=30, deadline=None, phases=[Phase.generate, Phase.shrink]
)
