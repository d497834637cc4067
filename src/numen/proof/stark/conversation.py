"""The order in which things are said and challenges drawn, the same for prover and verifier.

1  roots of the trace's trees                     -> LogUp's challenges
2  root of the fractions' tree, the totals        -> alpha, which joins the constraints
3  root of the quotients' tree                    -> zeta, outside of the domain
4  values at zeta and in the row after it         -> gamma, which joins the columns
5  roots of the codewords, one after the other    -> beta of each
6  the last polynomial                            -> queries
"""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import numpy as np

from numen.proof.stark import logup
from numen.proof.stark.field import Element, Extension, Felts, extension
from numen.proof.stark.layout import Layout
from numen.proof.stark.logup import Challenges
from numen.proof.stark.statement import Statement
from numen.proof.stark.transcript import Transcript

PROTOCOL: Final = "numen/stark/1"

ABSENT: Final = 255
"""Stands for the height of a table without rows."""

Worker = Callable[[bytes, int], int]
"""Gives the nonce that shows so many bits of work behind 32 bytes: found, or read from a proof."""


class Conversation:
    """What was said of one proof."""

    def __init__(self, statement: Statement, layout: Layout, work: Worker) -> None:
        self.ext: Final[Extension] = extension(statement.profile.degree)
        self._layout, self._work = layout, work
        self._machine, self._profile = statement.machine, statement.profile
        self._transcript = Transcript(PROTOCOL)
        say = self._transcript.absorb
        say("profile", statement.profile.digest)
        say("machine", statement.machine.digest)
        say("publics", np.array(statement.publics, dtype="<u4").tobytes())
        say("messages", msgspec.msgpack.encode(statement.messages))
        say("heights", bytes(ABSENT if log is None else log for log in layout.log_rows))
        say("preprocessed", statement.preprocessed or b"")

    def commit(self, tree: str, root: bytes) -> None:
        """Say the root of a tree."""
        self._transcript.absorb(f"root {tree}", root)

    def logup(self) -> Challenges:
        """Draw what fingerprints are made with, after the trace is committed."""
        self._labour("logup work")
        return logup.draw(self._transcript, self._machine, self.ext)

    def alpha(self, sums: Sequence[Element]) -> Element:
        """Say the totals of the fractions; draw what joins the constraints."""
        self._transcript.absorb_felts("sums", np.array(sums, dtype=np.uint32))
        self._labour("constraints work")
        return self._transcript.element("constraints", self.ext)

    def zeta(self) -> Element:
        """Draw the point outside of the domain, after the quotients are committed."""
        self._labour("outside work")
        return self._transcript.outside("outside", self.ext)

    def gamma(self, values: Felts) -> Element:
        """Say the opened values; draw what joins the columns."""
        self._transcript.absorb_felts("values", values)
        self._labour("batch work")
        return self._transcript.element("batch", self.ext)

    def beta(self, root: bytes) -> Element:
        """Say the root of a codeword; draw what folds it."""
        self._transcript.absorb("folding", root)
        self._labour("folding work")
        return self._transcript.element("folding", self.ext)

    def queries(self, last: Felts) -> list[int]:
        """Say the last polynomial; draw the places where everything is opened."""
        self._transcript.absorb_felts("last polynomial", last)
        self._show("queries work", self._profile.query_grinding)
        log = self._layout.heights[0] + self._profile.log_blowup
        return self._transcript.indices("queries", self._profile.queries, log)

    def _labour(self, label: str) -> None:
        self._show(label, self._profile.challenge_grinding)

    def _show(self, label: str, bits: int) -> None:
        if bits:
            state = self._transcript.begin_grinding(label, bits)
            self._transcript.end_grinding(label, bits, self._work(state, bits))
