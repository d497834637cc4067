"""The register IR: every instruction's facts and meaning, once, and what can be done to programs."""
