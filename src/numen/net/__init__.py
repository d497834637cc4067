"""Who one is on the network, and how one is spoken to: keys, channels, messages, proofs."""
