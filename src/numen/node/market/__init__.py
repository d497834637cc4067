"""A market between processes: a hall that orders what is handed in, and members who follow it."""
