//! Burn models on the CPU: backends flex and ndarray.
