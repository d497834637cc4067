"""Evidence by trusted hardware: what vendors sign, read and checked without asking anybody."""
