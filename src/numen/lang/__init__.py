"""Numen's language: Python syntax, never executed by Python, lowered to the register IR."""
