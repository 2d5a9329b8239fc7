//! The node by hand: its steps, a memory store, and no shard. Commits and reads are answered when a test says so, in the
//! order that it wants to see.

mod behind;
mod change;
mod door;
mod feed;
mod history;
mod house;
mod mark;
mod online;
mod own;
mod session;
