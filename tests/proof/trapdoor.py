"""Groth16 by who knows the secrets: an oracle that shares no code with setup and prover.

With tau and its companions known, every point of a key and of a proof is a generator times a
number that textbook formulas give, without transforms or sums of points.
"""

from numen.proof.bn254 import G1, G2, ROOT, ROOT_LOG, R
from numen.proof.verifier import Proof


def inverse(x):
    return pow(x, R - 2, R)


def root(log):
    return pow(ROOT, 1 << (ROOT_LOG - log), R)


def lagrange(index, log, point):
    """The Lagrange polynomial of one point of a domain, as the quotient that defines it."""
    points = [pow(root(log), j, R) for j in range(1 << log)]
    above, below, here = 1, 1, points[index]
    for j, there in enumerate(points):
        if j != index:
            above, below = above * (point - there) % R, below * (here - there) % R
    return above * inverse(below) % R


class Trapdoor:
    """All discrete logarithms of a key.

    The domain is circom's: a row a constraint, then one for each wire of the statement in A, and
    as few more as make a power of two.
    """

    def __init__(self, solved, secrets):
        r1cs, rows = solved.r1cs, solved.rows
        self.secrets, self.count = secrets, r1cs.output_count + r1cs.public_count
        needed, self.log = len(rows) + self.count + 1, 0
        while 1 << self.log < needed:
            self.log += 1
        padded = [*rows, *(({i: 1}, {}, {}) for i in range(self.count + 1))]
        weights = [lagrange(i, self.log, secrets.tau) for i in range(len(padded))]
        self.u, self.v, self.w = (
            [
                sum(k * row[m].get(wire, 0) for k, row in zip(weights, padded, strict=True)) % R
                for wire in range(r1cs.wire_count)
            ]
            for m in range(3)
        )
        self.mixed = [
            (secrets.beta * u + secrets.alpha * v + w) % R
            for u, v, w in zip(self.u, self.v, self.w, strict=True)
        ]
        self.ic = [x * inverse(secrets.gamma) % R for x in self.mixed[: self.count + 1]]
        self.c = [x * inverse(secrets.delta) % R for x in self.mixed[self.count + 1 :]]

    def h(self):
        log, tau = self.log + 1, self.secrets.tau
        odd = range(1, 1 << log, 2)
        return [lagrange(i, log, tau) * inverse(self.secrets.delta) % R for i in odd]

    def prove(self, values, r, s):
        at = self.secrets
        u, v, w = (
            sum(z * x for z, x in zip(values, column, strict=True))
            for column in (self.u, self.v, self.w)
        )
        own = sum(z * x for z, x in zip(values[self.count + 1 :], self.c, strict=True))
        a, b = (at.alpha + u + r * at.delta) % R, (at.beta + v + s * at.delta) % R
        c = own + (u * v - w) * inverse(at.delta) + s * a + r * b - r * s * at.delta
        return Proof(
            G1.multiply(G1.generator, a),
            G2.multiply(G2.generator, b),
            G1.multiply(G1.generator, c % R),
        )

    def simulate(self, statement, a, b):
        """Prove any statement, true or false, as whoever kept the secrets could."""
        at = self.secrets
        public = sum(z * x for z, x in zip([1, *statement], self.ic, strict=True))
        c = (a * b - at.alpha * at.beta - public * at.gamma) * inverse(at.delta) % R
        return Proof(
            G1.multiply(G1.generator, a),
            G2.multiply(G2.generator, b),
            G1.multiply(G1.generator, c),
        )
