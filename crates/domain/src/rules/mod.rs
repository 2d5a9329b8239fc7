//! The rules: facts and a command in, what happens or a refusal out. Pure, each with a table of cases beside it.

#[cfg(test)]
pub(crate) mod cases;
pub mod group;
pub mod mention;
pub mod message;
pub mod moderate;
pub mod name;
pub mod pace;
pub mod person;
pub mod room;
pub mod roster;
pub mod session;
pub mod watermark;
