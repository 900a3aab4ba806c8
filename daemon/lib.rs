//! The daemon as a library: the only room with sockets, threads, storage and time.

pub mod http;
pub mod store;
