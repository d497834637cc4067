"""Keys of mnemonics, against numbers that others have published."""

import pytest

from numen.node.accounts import MNEMONIC, MnemonicError, derive

PUBLIC = {
    0: ("f39fd6e51aad88f6f4ce6ab8827279cfffb92266",
        "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"),
    1: ("70997970c51812dc3a010c7d01b50e0d17dc79c8",
        "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"),
    9: ("a0ee7a142d267c1f36714e4a8f75612f20a79720",
        "2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6"),
}  # fmt: skip
"""Addresses and keys that Hardhat and Foundry print."""


@pytest.mark.parametrize("index", PUBLIC)
def test_the_public_mnemonic_has_the_public_keys(index):
    account = derive(MNEMONIC, 10)[index]

    assert (account.address.hex(), account.secret.hex()) == PUBLIC[index]


def test_an_account_does_not_show_its_secret():
    account = derive(MNEMONIC, 1)[0]

    assert account.secret.hex() not in repr(account)


@pytest.mark.parametrize("count", [0, 1, 11, 13, 25])
def test_a_phrase_of_another_length_is_refused(count):
    with pytest.raises(MnemonicError, match=f"not {count}"):
        derive(" ".join(["test"] * count), 1)


@pytest.mark.judges
@pytest.mark.filterwarnings("ignore")
def test_eth_account_derives_the_same_keys():
    eth_account = pytest.importorskip("eth_account", reason="eth-account is not installed")
    eth_account.Account.enable_unaudited_hdwallet_features()
    words = "legal winner thank year wave sausage worth useful legal winner thank yellow"

    for index, account in enumerate(derive(words, 5)):
        path = f"m/44'/60'/0'/0/{index}"
        theirs = eth_account.Account.from_mnemonic(words, account_path=path)
        assert theirs.key == account.secret
