"""A node of the message ledger that agrees with others: a pure step, and what carries it out."""
