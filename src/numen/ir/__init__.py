"""The register IR: facts and meaning of every instruction, and programs made of them."""
