"""Whole networks under one seed, in one process."""
