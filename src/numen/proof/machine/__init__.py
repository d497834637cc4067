"""The provable machine: what a STARK proves is a run of this machine.

`isa` is its instruction set, `lower` turns the register IR into its code, `emulate` runs it
readably and `execute` fast, `chips` are its constraints and `trace` the tables that satisfy them,
`segments` splits a long run into proofs that are made side by side. Verification needs `isa`,
`lower`, `chips` and `check`, which import neither kernels nor a prover.
"""
