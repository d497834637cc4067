"""Circuits, proofs, and the evidence a claim can carry."""
