"""One order for everybody's blocks, and why it cannot be taken back."""
