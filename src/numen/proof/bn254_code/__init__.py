"""Native code for BN254, written by running the readable formulas on symbols."""
