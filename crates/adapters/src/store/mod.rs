//! The bodies of [`crate::port::Store`]: one folder or file per engine, and what all of them settle alike.

#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod marks;
pub mod memory;
mod outbox;
pub mod people;
mod reactions;
pub mod settle;
pub mod sqlite;
