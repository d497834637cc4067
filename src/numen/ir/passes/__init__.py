"""Passes: each a function from a function to a function."""
