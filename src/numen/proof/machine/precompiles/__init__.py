"""Functions that tables of their own prove in few rows, where steps would take thousands.

A precompile is a function of the standard modules, known by the content of its code (`recognise`).
It computes the same as that code, so a program means the same with it and without; only the proof
is shorter. `spec` says what it is; `sha256` is the function over integers, `chips/sha256.py` its
constraints.
"""
