"""A node's part in the web of trust: what it asks, what it answers, what it tells, whom it trusts.

In each step it looks at one node of its circle, by a question that only who keeps the ledger can
answer, and gossips with another. What it has seen by the step's end, blocks that it carried out,
votes for them, answers, lies, becomes tickets and a sheet, which are on its disk before anybody
hears of them. Evidence that somebody lied is judged by this node itself (`court`), kept, and passed
on; who was shown to lie is found bad in every step from then on.

The machine has no clock and no socket: time comes with each call, and what is to be sent is given.
"""

from typing import Final

import msgspec

from numen.base.codec import digest
from numen.base.crypto import Address, Hash32, SigningKey
from numen.ledger.ledger import Ledger
from numen.ledger.state.kv import Writes
from numen.ledger.world import World
from numen.net.errors import MessageError
from numen.net.language import Refusal, read_refusal, write_refusal
from numen.node.replica.plan import Plan
from numen.node.trust import questions, speech
from numen.node.trust.allowance import Allowance
from numen.node.trust.circle import Circle, Dice
from numen.node.trust.court import Court
from numen.node.trust.credit import Credit
from numen.node.trust.docket import Docket, Trial
from numen.node.trust.evidence import Lie, TwoStories
from numen.node.trust.findings import Findings, Sight
from numen.node.trust.shelf import Shelf
from numen.node.trust.speech import Accusation, Answer, Known, Question
from numen.trust import gossip, overlay
from numen.trust.attestation import sign_sheet
from numen.trust.attester import Attester
from numen.trust.errors import AttestationError, GossipError
from numen.trust.execution import Decision, Treatment
from numen.trust.history import History, aged
from numen.trust.kernel import AHEAD_MAX, Kernel
from numen.trust.roster import Members
from numen.trust.web import Web, web_of
from numen.trust.why import Why
from numen.trust.why import why as find_out

TOLD_MAX: Final = 2
"""Most accusations that one question brings."""

_OWN: Final = "numen/watch/1"
"""Of a digest that a node signs for itself alone: the signature is a secret of its own."""

_NOTHING: Final = bytes(32)


class Heard(msgspec.Struct):
    """What comes of a message, or of time.

    Attributes:
        out: What is to be sent to whom: frames by address.
        false: Ids of blocks that turned out to be false, and why.
        remarks: What is to be noted of whom.
        found: Numbers of those who were found to lie, and by which lie.
    """

    out: list[tuple[Address, bytes]]
    false: list[tuple[Hash32, str]]
    remarks: list[tuple[Address, str]]
    found: list[tuple[tuple[int, ...], Lie]]


class Watch:
    """What a node finds of others.

    Args:
        plan: The node's rules.
        world: The state and the disk.
        ledger: The ledger over it.
        key: The node's own.

    Attributes:
        members: All nodes, as they are numbered.
        me: The node's number.
        kernel: What it knows of others' findings.
        docket: Who was shown to lie.
        credit: What is known of each from its blocks.
        circle: Whom it looks at.
        shelf: What is on the disk.
        versions: Of who refused what was said: what it speaks instead.
    """

    def __init__(self, plan: Plan, world: World, ledger: Ledger, key: SigningKey) -> None:
        self.members = Members.of(plan.chain, 0, (peer.node for peer in plan.peers))
        self.me = self.members.index(plan.me)
        self.kernel = Kernel(self.members)
        self.shelf = Shelf(world.kv)
        self.versions: dict[int, tuple[int, ...]] = {}
        self._plan, self._ledger, self._key = plan, ledger, key
        secret = key.sign(digest(_OWN, plan.me))
        court = Court(plan, self.members, ledger, world)
        self.docket = Docket(court, self.me, self.shelf.guilty())
        self.credit = Credit(plan, self.members, self.shelf.records(), secret, world.stakes)
        self._findings = Findings(self.me, self.members, key)
        self._attester = Attester(self.me, ())
        self._resume()
        self._dice = Dice(secret, self.kernel.now.to_bytes(8, "big") + ledger.head)
        self.circle = Circle(self.me, len(self.members), self._dice)
        self._open: int | None = None
        self._asked: tuple[int, Question] | None = None
        self._wish: int | None = None
        self._allowances: dict[int, Allowance] = {}
        self._slanderers: set[int] = set()
        self._count: dict[int, int] = {}
        self._web: Web | None = None
        self._result = Heard([], [], [], [])

    def _resume(self) -> None:
        """Go on with what the disk has."""
        sheets = list(self.shelf.sheets())
        self.kernel.advance(max((signed.sheet.step for signed in sheets), default=0))
        self.kernel.merge(sheets)
        mine = self.kernel.get(self.me)
        if mine is not None:
            self._attester.resume(mine.sheet)

    # --- time -------------------------------------------------------------------------------------

    def tick(self, now_ms: int) -> Heard:
        """Some time has passed."""
        if len(self.members) > 1:
            step = now_ms // self._plan.step_ms
            if step > self.kernel.now:
                self._close()
                self._begin(step)
            elif self._asked is not None:
                self._say(self._asked[0], self._asked[1])
        return self._take()

    def _close(self) -> None:
        """The step that was open has ended: sum it up, write it down, tell who rests on it."""
        step = self._open
        if step is None:
            return
        self.docket.note(self._findings)
        found = self._findings.close(step)
        mine = self.kernel.get(self.me)
        if mine is not None and mine.sheet.step >= step:  # a disk that is older than what was said
            found = ()
        if found:
            self._attester.advance(step)
            for each in found:
                self._attester.record(each.ticket.ticket)
            self.kernel.put(sign_sheet(self._attester.sheet(), self.members, self._key))
        self.shelf.close(step, found, self.kernel, self.credit.take_changed())
        if found:
            told = gossip.announcement(self.kernel, self.me)
            for node in gossip.beneficiaries(self.kernel, self.me):
                self._say(node, told)

    def _begin(self, step: int) -> None:
        """A step begins: look at somebody, gossip with somebody, mend the links."""
        if self._open is None:
            self._link(self.circle.begin())
        if self._asked is not None:
            self._link(self.circle.silent(self._asked[0]))
        self._open, self._asked, self._web = step, None, None
        self.kernel.advance(step)
        self._allowances.clear()
        self._link(self.circle.mend(step))
        for trial in self.docket.judge_waiting():
            self._judged(self.me, trial)
        circle = self.circle.active
        self._attester.meet(circle)
        target, self._wish = self._wish, None
        if target is None:
            target = self._attester.target(step)
        if target is None:
            return
        height = self._dice.below(self._ledger.height) + 1 if self._ledger.height else 0
        self._asked = (target, Question(self._dice.bytes(), height))
        self._say(target, self._asked[1])
        partner = circle[self._dice.below(len(circle))] if circle else target
        self._say(partner, gossip.offer(self.kernel))
        self._say(partner, Known(tuple(sorted(self.docket.lies))))

    def look_at(self, node: int) -> None:
        """Look at somebody in the next step, whoever's turn it is."""
        assert node != self.me
        self._wish = node

    # --- messages ---------------------------------------------------------------------------------

    def hear(self, peer: Address, frame: bytes) -> Heard:
        """Take a message of another node, whatever is in it."""
        sender = self.members.index(peer)
        number = self._count.get(sender, 0)
        self._count[sender] = number + 1
        allowance = self._allowances.setdefault(sender, Allowance())
        if self._open is not None and allowance.admits(size=len(frame)):
            self.circle.heard(sender)
            try:
                self._read(sender, frame, number)
            except (MessageError, GossipError, AttestationError) as error:
                self._is_false(sender, "it sent what no honest node sends", error.message)
        return self._take()

    def _read(self, sender: int, frame: bytes, number: int) -> None:
        refusal = read_refusal(frame)
        if refusal is not None:
            self.versions[sender] = refusal.versions
            return
        spoken = speech.LANGUAGE.read(frame, number)
        if isinstance(spoken, Refusal):
            self._result.out.append((self.members.address(sender), write_refusal(spoken)))
            return
        match spoken.value:
            case gossip.Offer() | gossip.Steps() | gossip.News():
                self._gossip(sender, spoken.value)
            case Question():
                proof = questions.proof(self._ledger, spoken.value, self._plan.me)
                self._say(sender, Answer(spoken.value.nonce, proof))
            case Answer():
                self._answered(sender, spoken.value)
            case Accusation(lie):
                self._accused(sender, lie)
            case Known(names):
                lies = self.docket.lies
                for missing in sorted(lies.keys() - set(names))[:TOLD_MAX]:
                    self._say(sender, Accusation(lies[missing]))
            case _:
                self._link(self.circle.receive(sender, spoken.value))

    def _gossip(self, sender: int, message: gossip.Message) -> None:
        if isinstance(message, gossip.News):
            message = self._timely(message)
            count = len(message.sheets) + len(message.patches)
            if not self._allowances[sender].admits_checks(count):
                return
            self._web = None
        try:
            reply = gossip.answer(self.kernel, message)
        finally:  # what came before a false sheet was taken
            self._see_contradictions()
        if reply is not None:
            self._say(sender, reply)

    def _timely(self, news: gossip.News) -> gossip.News:
        """What is not from a future: clocks differ, and that is no lie."""
        end = self.kernel.now + AHEAD_MAX
        return msgspec.structs.replace(
            news,
            sheets=tuple(signed for signed in news.sheets if signed.sheet.step <= end),
            patches=tuple(patch for patch in news.patches if patch.step <= end),
        )

    def _answered(self, sender: int, answer: Answer) -> None:
        if self._asked is None or self._asked[0] != sender:
            return
        question = self._asked[1]
        if answer.nonce != question.nonce:
            return
        self._asked = None
        if not answer.proof:  # it has not come so far, and says so
            return
        if answer.proof == questions.proof(self._ledger, question, self.members.address(sender)):
            what = f"it has block {question.height}"
            self._findings.saw(sender, Sight(what, question.nonce, is_good=True))
        else:
            self._is_false(sender, f"it has another block {question.height}", "a wrong answer")

    def _is_false(self, node: int, what: str, reason: str) -> None:
        """A node did what no honest one does, though nobody else can see that it did."""
        self._findings.saw(node, Sight(what[:100], _NOTHING, is_good=False))
        self.credit.fault([node])
        self._result.remarks.append((self.members.address(node), reason))

    # --- lies -------------------------------------------------------------------------------------

    def convict(self, lie: Lie) -> None:
        """Take evidence that this node found itself; what follows comes with the next call."""
        if not self.docket.is_known(lie):
            self._judged(self.me, self.docket.judge(lie))

    def _accused(self, sender: int, lie: Lie) -> None:
        if self.docket.is_known(lie) or sender in self._slanderers:
            return
        if self._allowances[sender].admits_trial():
            self._judged(sender, self.docket.judge(lie))

    def _judged(self, sender: int, trial: Trial) -> None:
        if trial.verdict is None:
            if trial.is_slander and sender != self.me:
                self._slanderers.add(sender)
                self._is_false(sender, "it accused somebody falsely", trial.reason)
            return
        words = trial.verdict.words
        if trial.verdict.block:
            self._result.false.append((trial.verdict.block, words))
        if trial.guilty:
            self._result.found.append((trial.guilty, trial.lie))
        if not trial.fresh:
            return
        self.credit.fault(trial.fresh)
        guilt = self.docket.guilty[trial.fresh[0]]
        self.shelf.convict(trial.fresh, guilt, self.credit.take_changed())
        for node in trial.fresh:
            self._result.remarks.append((self.members.address(node), words))
        for other in self.circle.active:
            if other not in trial.fresh:
                self._say(other, Accusation(trial.lie))

    def _see_contradictions(self) -> None:
        for attester, contradiction in self.kernel.contradictions.items():
            lie = Lie(TwoStories(contradiction))
            if attester not in self.docket.guilty and not self.docket.is_known(lie):
                self._judged(self.me, self.docket.judge(lie))

    # --- blocks -----------------------------------------------------------------------------------

    def decide(self, maker: Address, value: int, block: Hash32) -> Decision:
        """Whether a maker's block is carried out, or its diff applied.

        Args:
            maker: Who made it.
            value: Coins that it could move wrongly.
            block: Its id.

        Cost: linear in what all nodes attested, the first time in a step.
        """
        node = self.members.index(maker)
        is_guilty = node in self.docket.guilty
        return self.credit.decide(self.why(node), value, block, is_guilty=is_guilty)

    def settled(
        self, maker: Address, block: Hash32, value: int, treatment: Treatment,
        voters: frozenset[bytes],
    ) -> Writes:  # fmt: skip
        """A block is final.

        Args:
            maker: Who made it.
            block: Its id.
            value: Coins that it could have moved wrongly.
            treatment: What was done with it here.
            voters: Keys of those who voted for it.

        Returns:
            What is to be written with it.
        """
        node = self.members.index(maker)
        if node != self.me:
            self.credit.settle(node, value, treatment)
        if treatment is not Treatment.APPLY:
            is_right = Sight("its block was carried out, and is right", block, is_good=True)
            self._findings.saw(node, is_right)
            voted = Sight("it voted for a block that is right", block, is_good=True)
            for peer in self._plan.peers:
                if peer.voter in voters:
                    self._findings.saw(self.members.index(peer.node), voted)
        return self.shelf.noted(self.credit.take_changed())

    def failed(self, peer: Address, reason: str) -> None:
        """A node sent a diff, a certificate or a block that is not what it says."""
        if self._plan.is_node(peer) and peer != self._plan.me:
            self._is_false(self.members.index(peer), f"it sent what is false: {reason}", reason)

    # --- looking ----------------------------------------------------------------------------------

    def history(self, node: int) -> History:
        """What this node has found of another, aged to the present step."""
        mine = self.kernel.get(self.me)
        lines = mine.sheet.lines if mine is not None else ()
        found = next((line.history for line in lines if line.target == node), History())
        return aged(found, self.kernel.now - mine.sheet.step) if mine is not None else found

    def web(self) -> Web:
        """The graph of what is known, at the present step."""
        if self._web is None:
            self._web = web_of(self.kernel)
        return self._web

    def why(self, node: int) -> Why:
        """What this node's trust in another rests on."""
        return find_out(self.web(), self.me, node)

    # --- saying -----------------------------------------------------------------------------------

    def _say(self, node: int, message: msgspec.Struct) -> None:
        if node != self.me:
            self._result.out.append((self.members.address(node), speech.write(message)))

    def _link(self, out: overlay.Out) -> None:
        for node, message in out:
            self._say(node, message)

    def _take(self) -> Heard:
        result, self._result = self._result, Heard([], [], [], [])
        return result
