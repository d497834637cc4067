"""Strangers' programs, run where they can reach nothing: a process of their own without rights."""
