"""A session: messages of a language on a channel, at a pace, with what was not understood said."""

import asyncio
from typing import Any, Final

import msgspec

from numen.net.channel import Channel
from numen.net.errors import MessageError
from numen.net.language import Language, Refusal, read_refusal, write_refusal
from numen.net.pace import Meters

REFUSALS_MAX: Final = 16
"""Messages of one channel that may be refused before it is closed."""


class Heard(msgspec.Struct, frozen=True):
    """A message that has come.

    Attributes:
        number: How many came before it: what `Session.send` takes as ``answers``.
        value: The message.
        answers: Number of our message that it answers, or None.
        version: What it is written in.
    """

    number: int
    value: Any
    answers: int | None
    version: int


class Session:
    """Speaks a language on a channel, and lets the other side be as old or new as it is.

    Args:
        channel: Between whom. The session alone uses it.
        language: What is understood.
        meters: What the other side may do, shared by all its channels with us.
    """

    def __init__(self, channel: Channel, language: Language, meters: Meters | None = None) -> None:
        self._channel = channel
        self._language = language
        self._meter = (meters or Meters()).of(channel.peer, _now_s())
        self._sent = 0
        self._heard = 0
        self._refused = 0
        self.version = language.latest

    @property
    def peer(self) -> bytes:
        """The node at the other end."""
        return self._channel.peer

    @property
    def binding(self) -> bytes:
        """What both ends call this channel."""
        return self._channel.binding

    async def send(self, value: msgspec.Struct, *, answers: int | None = None) -> int:
        """Send a message, in the highest version that the other side has not refused.

        Args:
            value: The message.
            answers: `Heard.number` of the message that it answers.

        Returns:
            Its number, which its answers and its refusal name.

        Raises:
            MessageError: The version has no such message.
            ChannelError: See `Channel.send`.
        """
        frame = self._language.write(self.version, value, answers)
        await self._channel.send(frame)
        self._sent += 1  # nothing comes between the sending and this: see `Channel.send`
        return self._sent - 1

    async def receive(self) -> Heard | Refusal:
        """Take the next message, or the refusal of one of ours; wait for it.

        What is not understood is refused, and the next is waited for. After the refusal of a
        version, `send` writes in the highest that both speak, if there is one; the message itself
        is not sent again.

        Raises:
            MessageError: Too much is not understood. The channel is closed.
            ChannelError: See `Channel.receive`.
        """
        while True:
            while (wait_s := self._meter.wait_s(_now_s())) > 0:
                await asyncio.sleep(wait_s)
            frame = await self._channel.receive()
            self._meter.spend(len(frame), _now_s())
            heard = await self._understand(frame)
            if heard is not None:
                return heard

    async def close(self) -> None:
        """Close the channel."""
        await self._channel.close()

    async def _understand(self, frame: bytes) -> Heard | Refusal | None:
        try:
            refusal = read_refusal(frame)
        except MessageError:
            await self._channel.close()
            raise
        if refusal is not None:
            self._adapt(refusal)
            return refusal
        number = self._heard
        self._heard += 1
        found = self._language.read(frame, number)
        if isinstance(found, Refusal):
            await self._refuse(found)
            return None
        return Heard(number, found.value, found.answers, found.version)

    async def _refuse(self, refusal: Refusal) -> None:
        self._refused += 1
        if self._refused > REFUSALS_MAX:
            await self._channel.close()
            raise MessageError("the other side says too much that we do not understand")
        await self._channel.send(write_refusal(refusal))

    def _adapt(self, refusal: Refusal) -> None:
        if refusal.reason == "version":
            self.version = self._language.common(refusal.versions) or self.version


def _now_s() -> float:
    return asyncio.get_running_loop().time()
