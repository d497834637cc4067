"""What nodes say to each other about trust.

It is a language with versions (`numen.net.language`): what is not understood is refused, with what
is spoken instead.

Gossip is `numen.trust.gossip`'s, and links are `numen.trust.overlay`'s; the rest is here.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from numen.base.codec import U64
from numen.base.crypto import Hash32
from numen.net.language import Kind, Language
from numen.node.replica.packet import FRAME_BYTES_MAX
from numen.node.replica.plan import NODES_MAX
from numen.node.trust.evidence import Lie
from numen.trust import gossip, overlay


class Question(msgspec.Struct, frozen=True, array_like=True, tag="question/1"):
    """Show me that you have the block of this height.

    Attributes:
        nonce: Fresh, so that nobody can have the answer ready.
        height: Of a final block; 0 where there is none.
    """

    nonce: Hash32
    height: U64


class Answer(msgspec.Struct, frozen=True, array_like=True, tag="answer/1"):
    """The answer to a question.

    Attributes:
        nonce: Of the question.
        proof: See `numen.node.trust.questions`; empty for who has not come to that block.
    """

    nonce: Hash32
    proof: Annotated[bytes, Meta(max_length=32)]


class Accusation(msgspec.Struct, frozen=True, array_like=True, tag="accusation/1"):
    """Somebody lied, as anybody can check."""

    lie: Lie


class Known(msgspec.Struct, frozen=True, array_like=True, tag="known/1"):
    """Evidence that the sender has, by name: send me what is missing."""

    lies: Annotated[tuple[Hash32, ...], Meta(max_length=NODES_MAX)]


_SMALL: Final = 1 << 9
_MIDDLE: Final = 1 << 14

LANGUAGE: Final = Language(
    {
        1: (
            Kind(gossip.Offer, _SMALL),
            Kind(gossip.Steps, _MIDDLE),
            Kind(gossip.News, gossip.NEWS_BYTES_MAX + (1 << 17)),
            Kind(Question, _SMALL),
            Kind(Answer, _SMALL),
            Kind(Accusation, FRAME_BYTES_MAX - (1 << 8)),
            Kind(Known, _MIDDLE),
            *(
                Kind(each, _SMALL)
                for each in (
                    overlay.Join, overlay.Walk, overlay.Link, overlay.Linked, overlay.Unlink,
                    overlay.Shuffle, overlay.Shuffled,
                )
            ),
        )
    }
)  # fmt: skip
"""All that is understood."""


def write(message: msgspec.Struct) -> bytes:
    """Write a message in the latest version.

    Raises:
        MessageError: It is too long.
    """
    return LANGUAGE.write(LANGUAGE.latest, message)
