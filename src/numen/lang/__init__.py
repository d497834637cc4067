"""Numen's language: Python syntax, never executed by Python, lowered to the register IR."""

from numen.lang.compile import compile_source
from numen.lang.errors import LangError
from numen.lang.modules import Resolver, Text, Texts

__all__ = ["LangError", "Resolver", "Text", "Texts", "compile_source"]
