"""One operator's machines: a queue of jobs that they share, and who hands jobs in."""
