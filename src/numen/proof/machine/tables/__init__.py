"""The tables of precompiles, made of the calls of a segment."""
