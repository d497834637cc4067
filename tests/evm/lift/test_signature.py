"""Signatures: selectors as everybody computes them, parameters as words in ABI order."""

import pytest

from numen.evm.lift.signature import Given, parse_signature
from numen.ir.interface import leaves


@pytest.mark.parametrize(
    ("text", "selector"),
    [
        ("transfer(address,uint256)", 0xA9059CBB),
        ("transferFrom(address,address,uint256)", 0x23B872DD),
        ("balanceOf(address)", 0x70A08231),
        ("totalSupply()", 0x18160DDD),
        ("approve( address , uint )", 0x095EA7B3),
        ("supportsInterface(bytes4)", 0x01FFC9A7),
    ],
)
def test_selectors_of_erc_20_and_165(text, selector):
    assert parse_signature(text).selector == selector


def test_short_names_of_types_are_written_out():
    signature = parse_signature("f(uint, (int,bool[2])[3], bytes32)")

    assert signature.canonical == "f(uint256,(int256,bool[2])[3],bytes32)"


def test_each_word_of_calldata_has_one_place_in_the_inputs():
    signature = parse_signature("f(uint256,(int256,bool[2])[3],bytes32)")
    found = [leaf for field in signature.inputs for leaf in leaves(field.shape, field.name)]

    assert [leaf.count for leaf in found] == [None, 3, 6, None]
    assert [(word.leaf, word.index) for word in signature.words] == [
        (0, None),
        (1, 0), (2, 0), (2, 1),
        (1, 1), (2, 2), (2, 3),
        (1, 2), (2, 4), (2, 5),
        (3, None),
    ]  # fmt: skip


def test_nested_arrays_are_row_major():
    assert parse_signature("f(uint256[2][3])").words == tuple(Given(0, index) for index in range(6))
