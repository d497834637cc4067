"""Contracts: classes whose methods are run by messages, and whose variables are slots."""
