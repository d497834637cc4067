"""A small ceremony with everything that belongs to it, its secrets included."""

from numen.proof.bn254 import R
from numen.proof.ceremony import phase1, phase2, prepare
from numen.proof.ceremony.circuit_key import first_key
from numen.proof.ceremony.dice import Dice, beacon_dice
from numen.proof.ceremony.ptau import Ptau
from numen.proof.ceremony.record import Beacon, Signature
from tests.strategies.cube import cube

POWER = 2
BEACON = Signature("the end", Beacon(b"nobody knew this", 10))
DICE = bytes(range(32))


def seed(number):
    return bytes([number]) * 32


class Ceremony:
    """Files of a first phase, and keys of a second, for the circuit of the cube.

    The first phase has a party and a beacon, the second two parties and a beacon.
    """

    def __init__(self, folder):
        self.begun, self.joined, self.ended, self.prepared = (
            folder / f"{name}.ptau" for name in ("begun", "joined", "ended", "prepared")
        )
        phase1.new(POWER, self.begun)
        phase1.contribute(self.begun, self.joined, seed=seed(1), name="Ann")
        phase1.contribute_beacon(self.joined, self.ended, BEACON)
        prepare.prepare(self.ended, self.prepared)
        self.r1cs, _, self.witness, _ = cube()
        with Ptau(self.prepared) as file:
            self.first = first_key(self.r1cs, file)
        self.second = phase2.contribute(self.first, seed=seed(2), name="Bob")
        self.third = phase2.contribute(self.second, seed=seed(3))
        self.last = phase2.contribute_beacon(self.third, BEACON)

    def verify(self, key):
        with Ptau(self.prepared) as file:
            return phase2.verify(key, self.r1cs, file, entropy=DICE)


def factors():
    """What tau, alpha and beta come to."""
    end = beacon_dice(BEACON.beacon.value, BEACON.beacon.iterations_log)
    draws = [Dice(seed(1)), end]
    tau, alpha, beta = 1, 1, 1
    for dice in draws:
        tau, alpha, beta = (old * dice.scalar() % R for old in (tau, alpha, beta))
    return tau, alpha, beta
