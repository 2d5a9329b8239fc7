//! What the public suites of both protocols, their parsers' tests and their advisories ask of a codec, as tables, and
//! each limit at n and n + 1. What they ask of a session is not here.

mod engine;
mod packet;
mod telling;

use super::engine::{Takes, Version};

const VERSIONS: [Version; 2] = [Version::Three, Version::Four];
const TAKES: [Takes; 2] = [Takes::Binary, Takes::Base64];
