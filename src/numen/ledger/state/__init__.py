"""Authenticated state: pages on disk, one root for all of it, versions, openings and diffs."""
