"""The backend of eth-tester against eth-tester's own tests for backends, and under web3.py."""

import pytest

pytest.importorskip("eth_tester", reason="eth-tester is not installed")

from eth_tester import EthereumTester
from eth_tester.utils.backend_testing import BaseTestBackendDirect

from numen.evm.testers.backend import NumenBackend

pytestmark = pytest.mark.filterwarnings("ignore")


class TestNumenBackend(BaseTestBackendDirect):
    """Everything that eth-tester asks of a backend that runs code."""

    supports_evm_execution = True

    @pytest.fixture
    def eth_tester(self):
        return EthereumTester(backend=NumenBackend(engine="reference"))
