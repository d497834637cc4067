"""Nodes of the ledger as processes: their files, their channels, and who asks them."""
