"""The EVM as native code: an interpreter for each fork, and what regions share."""
