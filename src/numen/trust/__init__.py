"""The web of trust: who found whom trustworthy, how the word spreads, and what may rest on it."""
