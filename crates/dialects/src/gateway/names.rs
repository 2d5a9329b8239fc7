//! What a connection and its frames are called in the platform's error frames: `connectionId`, by which back ends reach it
//! as well, and `requestId`.

use domain::id::ConnectionId;

use crate::names::ConnectionNames;

/// The names of one connection.
#[derive(Debug)]
pub(super) struct Names {
    all: ConnectionNames,
    id: ConnectionId,
    requests: u64,
}

impl Names {
    /// Of this connection.
    pub(super) fn of(all: ConnectionNames, id: ConnectionId) -> Self {
        Self { all, id, requests: 0 }
    }

    /// The connection, the same for as long as it lives.
    pub(super) fn connection(&self) -> String {
        self.all.name(self.id)
    }

    /// A frame that is answered, each another one. What a URL is told of has numbers of its own, from the other end.
    pub(super) fn request(&mut self) -> String {
        self.requests += 1;
        self.all.request(self.id, u64::MAX - self.requests)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_keeps_its_name_and_every_request_has_another() {
        let mut names = Names::of(ConnectionNames::default(), ConnectionId(7));
        assert_eq!(names.connection(), names.connection());
        assert_ne!(names.connection(), Names::of(ConnectionNames::default(), ConnectionId(8)).connection());
        assert_ne!(names.request(), names.request());
    }
}
