"""Hot parts of contracts as native code."""
