"""What `test_tidy` lets pass, each entry with its reason, and what each package may weigh."""

from typing import Final

SRC: Final = "src/numen/"

BUDGET_LINES = {
    "": 200,  # the public names
    "api": 3600,
    "base": 800,
    "demo": 1800,
    "cli": 7000,
    "evm": 28000,
    "ir": 7600,
    "jit": 2300,
    "kernels": 9300,
    "lang": 10100,
    "ledger": 14600,  # with the bonds of those who vote, and what takes them
    "market": 11000,
    "net": 3500,  # channels between nodes, messages on them, keys and who has them
    "node": 24000,
    "proof": 27000,
    "sandbox": 1400,  # strangers' programs in processes without rights
    "sim": 5000,
    "testing": 1100,
    "trust": 3400,
    "vm": 3200,
    "watch": 3000,  # what people see of a node: views, the page, metrics, spans
}
"""Lines of Python each package may have. A commit that raises one says why."""

LAZY_IMPORTS = {
    f"{SRC}api/stages.py": "a dump without a circuit does not load the provers",
    f"{SRC}cli/ledger.py": "the client of the log is an extra",
    f"{SRC}cli/bazaar.py": "a worker does not load the compiler, nor a buyer the sandbox",
    f"{SRC}cli/fleet.py": "the client of the queue is an extra",
    f"{SRC}cli/starks.py": "the client of a fleet's queue is an extra",
    f"{SRC}cli/wanting.py": "a worker does not load the compiler",
    f"{SRC}cli/orders.py": "a hall does not load the compiler",
    f"{SRC}cli/market.py": "`numen --help` and `numen why` do not load the demo",
    f"{SRC}cli/sim.py": "tables are for who looks at them: start-up counts",
    f"{SRC}evm/native/interpreter.py": "a cached interpreter is loaded without what writes it",
    f"{SRC}testing/plugin.py": "every pytest loads it where Numen is installed",
    f"{SRC}evm/tier/store.py": "regions that are on disk are loaded without what writes them",
    f"{SRC}proof/tee/intel.py": "the extra tee is for who reads quotes of Intel's",
    f"{SRC}net/networks.py": "the extra wan is for who has addresses of QUIC's",
    f"{SRC}kernels/compiler.py": "a cached object is loaded without the time to import LLVM",
}
"""Files that may import inside functions."""

FLOATS = {
    f"{SRC}evm/testers/backend.py": "eth-tester's interface asks for a ratio",
    f"{SRC}proof/stark/soundness.py": "the strokes divide fractions, exactly",
}
"""Files of exact packages that may use floats."""

BROAD_EXCEPT = {
    f"{SRC}jit/host.py": "nothing may be raised through native code; raised behind it",
    f"{SRC}base/crypto.py": "coincurve raises bare Exception for a signature that is none",
    f"{SRC}evm/native/callbacks.py": "nothing may be raised through native code; raised behind it",
    f"{SRC}node/rpc/dispatch.py": "a mistake of ours ends one request, and is reported",
    f"{SRC}evm/precompiles/ecrecover.py": "coincurve raises bare Exception where no key fits",
}
"""Files that may catch every exception."""

ROOTLESS = {
    f"{SRC}vm/contract.py": "carries a failure out of a record, and never leaves it",
    f"{SRC}base/errors.py": "the root itself",
    f"{SRC}sim/machine.py": "a crash stops a simulated machine, and never leaves it",
    f"{SRC}ir/trap.py": "carries a trap inside an engine, and never leaves it",
}
"""Files with an error that is not below the root."""

FOR_TYPE_CHECKERS = {
    f"{SRC}api/compiled.py": "a run does not load the provers",
    f"{SRC}cli/programs.py": "a run does not load the provers",
    f"{SRC}cli/bazaar.py": "a worker does not load the compiler",
    f"{SRC}cli/wanting.py": "a worker does not load the compiler",
    f"{SRC}testing/plugin.py": "every pytest loads it where Numen is installed",
    f"{SRC}__init__.py": "its names are imported when first asked for, because start-up counts",
}
"""Files that may have imports for type checkers only."""

ENTRY_POINTS = {
    "numen.proof.stark.native": "the kernels of the prover, chosen by who calls it",
    "numen.proof.stark.soundness": "says what the proofs of any machine are worth",
    "numen.proof.stark.verifier": "the verifier of any machine, whoever makes it",
    "numen.proof.stark.prover": "the prover of any machine, whoever makes it",
    "numen.market.broker": "redeems tickets on an Ethereum, for whoever is paid there",
    "numen.ledger.order.embedded": "the log, chosen by who orders blocks",
    "numen.ledger.order.abci.comet": "the log of a CometBFT, for who runs one",
    "numen.ledger.order.jetstream": "the log on many machines, for who has the extra",
    "numen.evm.testers.backend": "eth-tester takes it from whoever makes a tester",
    "numen.evm.testers.pytest_plugin": "pytest loads it by its name",
    "numen.net.memory": "the network of simulations",
    "numen.net.passes": "for whoever is asked by accounts without a channel",
    "numen.net.possession": "for whoever joins nodes",
    "numen.demo.worked": "the scripts of examples/market begin there",
    "numen.testing": "the tests of contracts begin there",
    "numen.testing.plugin": "pytest finds it by its entry point",
    "numen.__main__": "the command `python -m numen`",
    "numen.cli": "the command `numen`",
}
"""Modules that are run or used from outside, so that nothing inside imports them."""
