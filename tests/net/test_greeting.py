"""Who greets, and how many of them at a time."""

import asyncio

import pytest

from numen.net.channel import Bounds
from numen.net.greeting import Reception, origin


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%3", "fe80::/64"),
        ("a key of a relay", "a key of a relay"),
        ("", ""),
    ],
)
def test_a_network_that_one_customer_has_is_one_host(host, counted):
    assert origin(host) == counted


def test_who_has_many_addresses_has_no_more_greetings():
    async def waits(stream):
        await asyncio.Event().wait()

    async def come():
        bounds = Bounds(handshakes_per_host_max=2)
        reception = Reception(bytes(32), lambda _: True, bounds)
        hosts = ("2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1")
        met = [reception.meet(host, waits) for host in hosts]
        await reception.close()
        return met

    assert asyncio.run(come()) == [True, True, False, True]
