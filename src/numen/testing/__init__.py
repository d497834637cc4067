"""A ledger in memory for the tests of contracts: deploy, send, look, and try every order.

chain = Chain()
ann, bob = chain.people[:2]
token = chain.deploy(build(source), 1000, sender=ann)
sent = token.send("transfer", bob, 30, sender=ann)
assert token.view("balanceOf", bob) == 30
print(sent.tree())
"""

from numen.lang.contracts.build import build
from numen.testing.chain import Chain, Contract, Person, Sent, SentError
from numen.testing.interleave import explore

__all__ = ["Chain", "Contract", "Person", "Sent", "SentError", "build", "explore"]
