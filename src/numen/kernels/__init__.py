"""Native code made at run time from LLVM IR, cached as objects on disk."""
