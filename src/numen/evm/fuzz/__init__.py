"""Differential fuzzing: the same generated programs on our engines and on those of others."""
