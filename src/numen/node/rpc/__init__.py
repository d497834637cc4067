"""JSON-RPC: a table of methods, what they take and give, and the way from bytes to bytes."""
