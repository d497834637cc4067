"""A ledger of messages as a node: what Ethereum's tools and ours can ask of it."""
