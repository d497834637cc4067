"""Transactions in JSON, as state tests and the transition tool have them."""

import msgspec

from numen.base.crypto import BadKeyError, SigningKey
from numen.evm.authority import Authorization
from numen.evm.readers import MalformedFileError, Number, number, octets
from numen.evm.transaction import Access, Kind, Transaction


class AccessForm(msgspec.Struct, rename="camel"):
    """An entry of an access list."""

    address: str
    storage_keys: list[str] = []


class AuthorizationForm(msgspec.Struct, rename="camel"):
    """An entry of a list of authorizations; the parity has two names."""

    chain_id: Number
    address: str
    nonce: Number
    r: Number = 0
    s: Number = 0
    v: Number | None = None
    y_parity: Number | None = None


class FeeForm(msgspec.Struct, rename="camel", kw_only=True):
    """What transactions have in every JSON form; which fields are there tells the kind."""

    nonce: Number = 0
    gas_price: Number | None = None
    max_fee_per_gas: Number | None = None
    max_priority_fee_per_gas: Number | None = None
    max_fee_per_blob_gas: Number | None = None
    blob_versioned_hashes: list[str] | None = None
    authorization_list: list[AuthorizationForm] | None = None
    to: str | None = None
    secret_key: str | None = None
    sender: str | None = None


def transaction(
    form: FeeForm,
    *,
    chain_id: int | None,
    gas_limit: Number,
    value: Number,
    data: str,
    access_list: list[AccessForm] | None,
    where: str,
    kind: Kind | None = None,
) -> Transaction:
    """Read a transaction, without its signature.

    Args:
        form: What it has in every form.
        chain_id: Chain it is for.
        gas_limit: Its gas limit.
        value: Its value.
        data: Its input.
        access_list: None where it has none.
        where: What is read, for errors.
        kind: Its kind; None to tell it by the fields that are there.

    Raises:
        MalformedFileError: A value is none. Numbers too big for a transaction are kept.
    """
    fee, priority = _fees(form, where)
    return Transaction(
        kind=_kind(form, access_list) if kind is None else kind,
        chain_id=chain_id,
        nonce=number(form.nonce, f"{where}, nonce"),
        max_fee=fee,
        max_priority_fee=priority,
        gas_limit=number(gas_limit, f"{where}, gas limit"),
        to=octets(form.to, f"{where}, to", 20) if form.to not in (None, "", "0x") else None,
        value=number(value, f"{where}, value"),
        data=octets(data, f"{where}, data"),
        access_list=tuple(_access(each, where) for each in access_list or ()),
        max_fee_per_blob_gas=number(form.max_fee_per_blob_gas or 0, f"{where}, blob fee"),
        blob_hashes=tuple(
            octets(each, f"{where}, blob hash", 32) for each in form.blob_versioned_hashes or ()
        ),
        authorizations=tuple(
            _authorization(each, f"{where}, authorization")
            for each in form.authorization_list or ()
        ),
    )


def signer(form: FeeForm, where: str) -> SigningKey | None:
    """The key that a form gives for signing, or None.

    Raises:
        MalformedFileError: It is no key.
    """
    if form.secret_key is None:
        return None
    secret = number("0x" + form.secret_key.removeprefix("0x"), f"{where}, secret key", 256)
    try:
        return SigningKey(secret.to_bytes(32, "big"))
    except BadKeyError as error:
        raise MalformedFileError(f"{where}, secret key", error.message) from error


def _kind(form: FeeForm, access_list: list[AccessForm] | None) -> Kind:
    if form.authorization_list is not None:
        return Kind.SET_CODE
    if form.max_fee_per_blob_gas is not None or form.blob_versioned_hashes is not None:
        return Kind.BLOB
    if form.max_fee_per_gas is not None:
        return Kind.FEE_MARKET
    return Kind.LEGACY if access_list is None else Kind.ACCESS_LIST


def _fees(form: FeeForm, where: str) -> tuple[int, int]:
    """Find the most that is paid for gas, and the most of it that goes to the coinbase."""
    if form.max_fee_per_gas is None:
        price = number(form.gas_price or 0, f"{where}, gas price")
        return price, price
    most = number(form.max_fee_per_gas, f"{where}, max fee")
    if form.max_priority_fee_per_gas is None:
        return most, most
    return most, number(form.max_priority_fee_per_gas, f"{where}, max priority fee")


def _access(form: AccessForm, where: str) -> Access:
    keys = (number(key, f"{where}, access list", 256) for key in form.storage_keys)
    return Access(octets(form.address, f"{where}, access list", 20), tuple(keys))


def _authorization(form: AuthorizationForm, where: str) -> Authorization:
    parity = form.y_parity if form.y_parity is not None else form.v
    return Authorization(
        chain_id=number(form.chain_id, where),
        address=octets(form.address, where, 20),
        nonce=number(form.nonce, where),
        y_parity=number(parity or 0, where),
        r=number(form.r, where),
        s=number(form.s, where),
    )
