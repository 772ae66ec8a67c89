//! Black-box tests (`it/`), chaos and benchmarks live beside this file.
