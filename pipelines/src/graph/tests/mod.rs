//! Composites as they are written, and what becomes of them.

mod compile;
mod compile_names;
mod compile_random;
mod compile_show;
mod compile_types;
mod compile_wrong;
