//! Floor 0: what is true whatever the wire. Users, rooms, members, messages, what may be asked, what happened, and
//! the rules that decide. Everything here is plain data and plain functions.
//!
//! This crate never awaits, reads a clock, draws a random number, serialises, or names a wire: time and new ids come in
//! as arguments. Its `[dependencies]` are empty, and the wall checks keep them so. Its neighbours: `dialects` turns
//! bytes into [`command::Command`] and [`event::News`] into bytes; `adapters` keeps [`event::Event`]s; `server` drives.

pub mod beats;
pub mod command;
pub mod event;
pub mod facts;
pub mod history;
pub mod id;
pub mod identity;
pub mod limits;
pub mod model;
pub mod presence;
pub mod query;
pub mod refusal;
mod reply;
pub mod rules;
pub mod watermark;

/// Text that many hold and nobody changes: names, contents, titles.
pub type Text = std::sync::Arc<str>;
