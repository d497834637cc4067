"""What can be wrong with a source. Every error points at file, line and column.

NumenError
└── LangError             a source that is not a program
    ├── ParseError        it is not Python syntax
    ├── SubsetError       it is Python, but not of this language
    ├── UnknownNameError  a name means nothing here
    ├── TypesError        an operand, argument or result has the wrong type
    ├── RangeError        a number is outside of its type
    ├── FlowError         a way through a function gives no result, or reads no value
    ├── SharingError      two names would stand for one array, or a constant would change
    ├── ImportsError      a module cannot be had
    ├── RecursionCycleError  a function calls itself, by some way
    └── TooLargeError     a limit of `limits` is passed
"""

from numen.base.errors import NumenError


class LangError(NumenError):
    """A source is not a program of the language."""


class ParseError(LangError):
    """The text is not Python syntax."""


class SubsetError(LangError):
    """The text is Python, but it uses what the language does not have."""


class UnknownNameError(LangError):
    """A name, field or method means nothing where it stands."""


class TypesError(LangError):
    """An operand, argument or result does not have the type that its place asks for."""


class RangeError(LangError):
    """A number is outside of its type, or an index outside of its array."""


class FlowError(LangError):
    """Some way through a function reads a variable before its value, or ends without a result."""


class SharingError(LangError):
    """Python would let two names share one array or struct where the language keeps them apart."""


class ImportsError(LangError):
    """A module is missing, imports itself, or may not be imported."""


class RecursionCycleError(LangError):
    """A function calls itself, directly or through others."""


class TooLargeError(LangError):
    """The source, or what it would compile to, passes a limit."""
