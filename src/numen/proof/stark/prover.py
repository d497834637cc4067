"""The prover of the STARK."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from numen.proof.stark import codec, deep, domain, fri, logup, merkle
from numen.proof.stark.air import LOGUP, PREPROCESSED, QUOTIENT, Chip, Machine
from numen.proof.stark.checker import tables_of
from numen.proof.stark.commit import Committed, Randomness, commit, open_levels
from numen.proof.stark.conversation import Conversation
from numen.proof.stark.errors import StatementError
from numen.proof.stark.field import Element, Felts, add, extension, subtract
from numen.proof.stark.fixed import Fixed
from numen.proof.stark.hiding import hidden, ring
from numen.proof.stark.layout import Layout, Tree, layout_of
from numen.proof.stark.portable import PORTABLE, Kernels
from numen.proof.stark.profile import Profile
from numen.proof.stark.proof import Proof
from numen.proof.stark.statement import PublicMessage, Statement, check_statement


class Secrets(msgspec.Struct, frozen=True):
    """What hiding profiles draw their randomness from.

    Attributes:
        entropy: At least 32 random bytes, for this proof alone.
        groups: Seeds for single groups of columns instead, where another proof is to have the
            same root. A seed serves one table: of two under one seed, the difference shows.
            Whoever knows it can look behind the commitment.
    """

    entropy: bytes
    groups: dict[str, bytes] = {}


def prove(
    machine: Machine,
    traces: Mapping[str, Felts],
    fixed: Fixed,
    publics: Sequence[int],
    messages: Sequence[PublicMessage],
    profile: Profile,
    secrets: Secrets | None = None,
    kernels: Kernels = PORTABLE,
) -> bytes:
    """Prove that tables satisfy a machine.

    Args:
        machine: What to satisfy.
        traces: By chip, ``(rows, width)``; a chip without rows may be missing.
        fixed: The machine's preprocessed columns, of the same profile.
        publics: The machine's public values.
        messages: What the statement itself sends and receives.
        profile: The parameters.
        secrets: Randomness; needed by hiding profiles, ignored by others.
        kernels: What computes.

    Raises:
        StatementError: The statement does not fit the machine, or randomness is missing.
        TraceError: A table has not the shape of its chip. Whether the tables satisfy the machine
            is not checked: of others a proof is made that no verifier accepts.
    """
    check_statement(machine, publics, messages)
    found = [tables_of(chip, traces, fixed.tables) for chip in machine.chips]
    # Kernels read rows as they lie in memory.
    tables = [(np.ascontiguousarray(main), np.ascontiguousarray(own)) for main, own in found]
    rows = [len(main).bit_length() - 1 if len(main) else None for main, _ in tables]
    if profile.is_hiding:
        if secrets is None or len(secrets.entropy) < 32:
            raise StatementError(f"profile {profile.name!r} needs 32 bytes of entropy")
        tables = _blind(machine, tables, profile.degree, secrets)
        machine = hidden(machine, profile)
    layout = layout_of(machine, profile, rows)
    statement = Statement(machine, tuple(publics), tuple(messages), fixed.root, profile)
    return _Prover(statement, layout, tables, fixed, secrets or Secrets(b""), kernels).run()


def _blind(
    machine: Machine, tables: Sequence[tuple[Felts, Felts]], degree: int, secrets: Secrets
) -> list[tuple[Felts, Felts]]:
    """Write the random messages of `hiding` beside the tables."""
    randomness = Randomness(b"blind" + secrets.entropy)
    talking = [
        chip.name
        for chip, (main, _) in zip(machine.chips, tables, strict=True)
        if chip.interactions and len(main)
    ]
    blinds = {name: randomness.felts(name, 1, degree)[0] for name in talking}
    others = ring(talking)
    found = []
    for chip, (main, fixed) in zip(machine.chips, tables, strict=True):
        width = 2 * degree if chip.interactions else 0
        extra = np.zeros((len(main), width), dtype=np.uint32)
        if chip.name in blinds:
            extra[0] = np.concatenate([blinds[chip.name], blinds[others[chip.name]]])
        found.append((np.concatenate([main, extra], axis=1), fixed))
    return found


class _Prover:
    """The state of one proof."""

    def __init__(
        self,
        statement: Statement,
        layout: Layout,
        tables: Sequence[tuple[Felts, Felts]],
        fixed: Fixed,
        secrets: Secrets,
        kernels: Kernels,
    ) -> None:
        self._statement, self._layout, self._tables = statement, layout, tables
        self._profile, self._kernels, self._secrets = statement.profile, kernels, secrets
        self._ext = extension(self._profile.degree)
        self._blowup = self._profile.log_blowup
        self._nonces: list[int] = []
        self._weights: dict[tuple[int, Element], Felts] = {}
        self._trees: dict[str, Committed] = {}
        self._sums: dict[int, Element] = {}
        if fixed.committed:
            self._trees[PREPROCESSED] = fixed.committed

    def run(self) -> bytes:
        talk = Conversation(self._statement, self._layout, self._work)
        for tree in self._layout.trees:
            if tree.name not in (PREPROCESSED, LOGUP, QUOTIENT):
                self._commit(talk, tree, [self._columns(tree, m.chip) for m in tree.matrices])
        challenges = talk.logup()
        terms = logup.Terms(challenges, self._statement.machine)
        self._commit_fractions(talk, terms)
        alpha = talk.alpha([self._sums[i] for i in self._layout.summed])
        self._commit_quotients(talk, terms, alpha)
        zeta = talk.zeta()
        values = self._open_outside(zeta)
        gamma = talk.gamma(values)
        return self._fold(talk, values, zeta, gamma)

    def _work(self, state: bytes, bits: int) -> int:
        self._nonces.append(self._kernels.grind(state, bits))
        return self._nonces[-1]

    def _randomness(self, tree: str) -> Randomness:
        seed = self._secrets.groups.get(tree)
        if seed is not None:
            return Randomness(b"group" + seed)
        return Randomness(tree.encode() + b"\0" + self._secrets.entropy)

    def _columns(self, tree: Tree, chip: int) -> Felts:
        matrix = next(m for m in tree.matrices if m.chip == chip)
        table = self._tables[chip][0]
        if matrix.width < table.shape[1]:
            table = table[:, matrix.columns]
        return np.ascontiguousarray(table)

    def _commit(self, talk: Conversation, tree: Tree, tables: Sequence[Felts]) -> None:
        """Encode tables over their rows, masked where the profile hides, and commit."""
        randomness, mask = self._randomness(tree.name), self._profile.mask
        codewords = []
        for place, (matrix, table) in enumerate(zip(tree.matrices, tables, strict=True)):
            noise = randomness.felts(f"mask {place}", mask, matrix.width) if mask else None
            size = matrix.log_height + self._blowup
            codewords.append(self._kernels.extend(table, size, noise))
        self._keep(talk, tree, codewords)

    def _keep(self, talk: Conversation, tree: Tree, codewords: Sequence[Felts]) -> None:
        committed = commit(tree, codewords, self._randomness(tree.name), self._kernels)
        self._trees[tree.name] = committed
        talk.commit(tree.name, committed.root)

    def _publics(self, chip: Chip) -> tuple[int, ...]:
        return self._statement.machine.publics_of(chip, self._statement.publics)

    def _commit_fractions(self, talk: Conversation, terms: logup.Terms) -> None:
        found = []
        for tree in self._layout.trees:
            if tree.name != LOGUP:
                continue
            for matrix in tree.matrices:
                chip = self._layout.machine.chips[matrix.chip]
                main, fixed = self._tables[matrix.chip]
                publics, degree = self._publics(chip), self._ext.degree
                columns, total = self._kernels.fractions(chip, main, fixed, publics, terms, degree)
                self._sums[matrix.chip] = total
                found.append(columns)
            self._commit(talk, tree, found)

    def _commit_quotients(self, talk: Conversation, terms: logup.Terms, alpha: Element) -> None:
        tree = self._layout.trees[-1]
        randomness = self._randomness("quotients")
        codewords = []
        for matrix in tree.matrices:
            size = matrix.log_height + self._blowup
            if matrix.chip < 0:
                length = self._profile.bound(matrix.log_height)
                coefficients = randomness.felts(
                    f"batch {matrix.log_height}", length, self._ext.degree
                )
            else:
                coefficients = self._quotient(matrix.chip, terms, alpha, randomness)
            codewords.append(self._kernels.evaluate(coefficients, size))
        self._keep(talk, tree, codewords)

    def _quotient(
        self, number: int, terms: logup.Terms, alpha: Element, randomness: Randomness
    ) -> Felts:
        """The coefficients of the parts of a chip's quotient, side by side."""
        chip, log_rows = self._layout.machine.chips[number], self._layout.log_rows[number]
        assert log_rows is not None
        mask, rows = self._profile.mask, 1 << log_rows
        # Constraints have degree 3 (rows + mask - 1), the quotient that less the rows.
        size = 1 << (2 * rows + 3 * mask - 1).bit_length()
        words = self._codewords(number, size)
        total = self._sums.get(number)
        publics = self._publics(chip)
        found = self._kernels.quotient(chip, words, log_rows, publics, terms, total, alpha)
        coefficients = self._kernels.recover(found)
        cut, degree = rows + mask, self._ext.degree
        low, high = coefficients[:cut], coefficients[cut : 2 * cut + mask]
        parts = np.zeros((rows + 2 * mask, 2 * degree), dtype=np.uint32)
        parts[: len(low), :degree], parts[: len(high), degree:] = low, high
        if mask:
            # low + x**cut r and high - r join to the same quotient.
            noise = randomness.felts(f"cut {number}", mask, degree)
            parts[cut : cut + mask, :degree] = noise
            parts[:mask, degree:] = subtract(parts[:mask, degree:], noise)
        return parts

    def _codewords(self, number: int, size: int) -> tuple[Felts, Felts, Felts | None]:
        """The codewords of a chip over the coset of a size: all of the trace in one array."""
        chip = self._layout.machine.chips[number]
        main: Felts | None = None
        fixed, sums = np.zeros((size, 0), dtype=np.uint32), None
        for name, committed in self._trees.items():
            for matrix, words in zip(committed.tree.matrices, committed.codewords, strict=True):
                if matrix.chip != number:
                    continue
                if name == PREPROCESSED:
                    fixed = words[:size]
                elif name == LOGUP:
                    sums = words[:size]
                elif matrix.width == chip.width:
                    main = words[:size]
                else:
                    if main is None:
                        main = np.zeros((size, chip.width), dtype=np.uint32)
                    main[:, matrix.columns] = words[:size]
        assert main is not None
        return main, fixed, sums

    def _open_outside(self, zeta: Element) -> Felts:
        """Evaluate every column at zeta, and those that are read there in the next row."""
        found = [np.zeros((0, self._ext.degree), dtype=np.uint32)]
        for tree in self._layout.trees:
            for matrix in tree.matrices:
                codeword = self._trees[tree.name].codeword(matrix)
                found.append(self._evaluate(codeword, matrix.log_height, zeta))
                if matrix.following:
                    after = deep.next_point(self._ext, zeta, matrix.log_rows)
                    columns = list(matrix.following)
                    found.append(self._evaluate(codeword, matrix.log_height, after, columns))
        return np.concatenate(found)

    def _evaluate(
        self, codeword: Felts, log_height: int, point: Element, columns: list[int] | None = None
    ) -> Felts:
        """Evaluate columns, or some, at a point outside of the domain; shape ``(width, d)``.

        As many values are enough as the polynomials may have coefficients.
        """
        log = (self._profile.bound(log_height) - 1).bit_length()
        if (log, point) not in self._weights:
            self._weights[log, point] = self._kernels.weights(self._ext, log, point)
        weights = self._weights[log, point]
        values = codeword[: 1 << log]
        return self._kernels.weigh(
            self._ext, values if columns is None else values[:, columns], weights
        )

    def _fold(self, talk: Conversation, values: Felts, zeta: Element, gamma: Element) -> bytes:
        layout, ext, kernels = self._layout, self._ext, self._kernels
        batches = {
            height: kernels.combine(
                ext,
                parts,
                lambda tree, matrix: self._trees[tree.name].codeword(matrix),
                height + self._blowup,
            )
            for height, parts in deep.batches(layout, ext, values, zeta, gamma).items()
        }
        word, committed = batches[layout.heights[0]], []
        for place, layer in enumerate(layout.layers):
            shape = fri.layer_shape(layout, place)
            leaves = word.reshape(1 << shape[0][0], shape[0][1])
            levels = kernels.levels([[leaves]])
            root = merkle.bind(shape, levels[-1][0].tobytes())
            beta = talk.beta(root)
            committed.append((shape, leaves, levels, root))
            word = kernels.fold(ext, word, layer.log_arity, beta)
            if layer.joins:
                factor = np.array(ext.power(beta, 1 << layer.log_arity), dtype=np.uint32)
                batch = batches[layer.log_height - layer.log_arity]
                word = add(word, ext.multiply_arrays(batch, factor))
        last = domain.coefficients(word)[: layout.final_length]
        indices = talk.queries(last)
        log = layout.heights[0] + self._blowup
        trees = [self._trees[tree.name] for tree in layout.trees]
        proof = Proof(
            layout.log_rows,
            tuple(tree.root for tree in trees if tree.tree.name != PREPROCESSED),
            tuple(self._sums[i] for i in layout.summed),
            values,
            tuple(root for _, _, _, root in committed),
            last,
            tuple(self._nonces),
            tuple(tree.open(indices, log) for tree in trees),
            tuple(
                open_levels(shape, [[leaves]], levels, indices, log)
                for shape, leaves, levels, _ in committed
            ),
        )
        return codec.encode(self._profile, proof)
