//! Tables over `apply` and `plan`, and a seeded simulation.
