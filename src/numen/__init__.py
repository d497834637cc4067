"""Numen."""
