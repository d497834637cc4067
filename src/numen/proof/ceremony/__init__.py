"""Ceremonies: setups of Groth16 by many parties, of whom one honest one is enough.

The first phase makes powers of a secret tau (`.ptau` files), for circuits up to a size. The second
phase belongs to one circuit (`.zkey` files). Both are as snarkjs has them, so that parties can use
either.
"""
