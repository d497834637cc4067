"""The STARK: tables of field elements whose rows satisfy constraints, joined by messages."""
