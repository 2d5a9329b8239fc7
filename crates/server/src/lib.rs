//! server

pub mod frame;
