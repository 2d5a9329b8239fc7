//! What can be shown without a socket, a clock or a sleep: the production steps of node, shards, sessions and dialects,
//! driven by a world of their own.

mod early;
mod fate;
mod late;
mod managed;
mod native;
mod node;
mod outsider;
mod polling;
mod revoked;
mod sim;
mod slow;
mod tidy;
mod transcripts;
mod world;
