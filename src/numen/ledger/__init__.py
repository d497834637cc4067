"""The asynchronous ledger: contracts that send messages, and the state they leave."""
