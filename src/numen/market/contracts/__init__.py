"""The market's rules as a contract of the ledger, in our own language.

`market.numen` is the contract, `messages.numen` the bytes that its people sign.
"""
