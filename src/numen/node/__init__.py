"""The node: a development chain as a pure machine, its JSON-RPC, and the shell around them."""
