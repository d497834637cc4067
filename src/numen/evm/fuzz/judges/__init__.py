"""EVMs written by other people, each behind the same small interface.

They are loaded only when one is asked for: none is a dependency of the package.
"""
