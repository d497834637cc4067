"""Accounts in JSON: what a genesis file, a state test and the transition tool call an alloc."""

from collections.abc import Mapping
from typing import Any

import msgspec

from numen.evm.readers import Number, hexadecimal, number, octets
from numen.evm.state import Account


class AccountForm(msgspec.Struct):
    """An account in JSON; what is not there is nothing."""

    balance: Number = 0
    nonce: Number = 0
    code: str = ""
    storage: dict[str, Number] | None = None


Alloc = dict[str, AccountForm]
"""Accounts in JSON by address."""


def accounts(alloc: Alloc, where: str) -> dict[bytes, Account]:
    """Read accounts.

    Args:
        alloc: By address, in hexadecimal.
        where: What is read, for errors.

    Raises:
        MalformedFileError: An address or a number is none, or too big.
    """
    return {
        octets(address, where, 20): _account(form, f"{where}, account {address}")
        for address, form in alloc.items()
    }


def _account(form: AccountForm, where: str) -> Account:
    slots = {
        number(key, f"{where}, storage", 256): number(word, f"{where}, storage", 256)
        for key, word in (form.storage or {}).items()
    }
    return Account(
        nonce=number(form.nonce, f"{where}, nonce", 64),
        balance=number(form.balance, f"{where}, balance", 256),
        code=octets(form.code, f"{where}, code"),
        storage={key: word for key, word in slots.items() if word},
    )


def to_json(found: Mapping[bytes, Account]) -> dict[str, Any]:
    """Write accounts by ascending address; what is nothing is left out, but for the balance."""
    return {hexadecimal(address): _form(found[address]) for address in sorted(found)}


def _form(account: Account) -> dict[str, Any]:
    form: dict[str, Any] = {"balance": hex(account.balance)}
    if account.nonce:
        form["nonce"] = hex(account.nonce)
    if account.code:
        form["code"] = hexadecimal(account.code)
    if account.storage:
        words = sorted(account.storage.items())
        form["storage"] = {f"0x{key:064x}": f"0x{word:064x}" for key, word in words}
    return form
