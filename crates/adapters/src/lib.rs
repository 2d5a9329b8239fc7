//! Floor 1: bodies for the ports. A store keeps the log and its readers answer from it; an auth adapter says who a
//! credential is; an integration tells the operator's URL of connections. Adapters never see a frame and never decide a
//! rule; they are strangers to `dialects`. A feed tells other systems what happened.
//!
//! Ports are synchronous: a writer and each reader live on threads of their own, and only there is waited. What speaks
//! HTTP to others waits on a runtime that it is given.

pub mod auth;
pub mod failure;
pub mod feed;
pub mod integration;
mod outbound;
pub mod port;
pub mod store;

pub use outbound::HttpUrl;
