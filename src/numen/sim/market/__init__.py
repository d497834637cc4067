"""A whole market under one seed: the clerk, followers and people that processes have, for days."""
