"""Trust between running nodes: what each finds of the others, tells them, and rests on it."""
