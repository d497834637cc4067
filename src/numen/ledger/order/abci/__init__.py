"""The log as an application of CometBFT, which an operator runs, and its client."""
