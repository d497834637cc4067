"""The Ethereum Virtual Machine, every fork of it, exact to the last gas."""
