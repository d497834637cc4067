"""The three jobs that show the whole idea."""
