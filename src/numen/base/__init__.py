"""Words, errors, codec and cryptography: what every other floor stands on."""
