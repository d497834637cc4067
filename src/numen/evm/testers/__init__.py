"""The machine behind the test tools of others: eth-tester, web3.py, pytest."""
