//! The bodies of [`crate::port::Feed`]: `rabbitmq` is one, when the feature `amqp` is built in. What is told and under which
//! keys comes from outside; here are only the other side's protocol and the waiting.

#[cfg(feature = "amqp")]
mod rabbitmq;

use crate::auth::Secret;
use crate::port::Feed;

/// Whether this build can speak to RabbitMQ.
pub const HAS_RABBITMQ: bool = cfg!(feature = "amqp");

/// Where RabbitMQ is (`RABBITMQ_URL`). A secret: it has a password in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerUrl {
    url: Secret,
    /// `amqp:`, and not to this machine.
    pub is_bare: bool,
}

impl BrokerUrl {
    /// Reads `amqp://user:password@host:port/vhost`, or the same with `amqps`.
    ///
    /// # Errors
    /// What it should have been, without repeating what it is.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const WANTED: &str =
            "must be amqp:// or amqps:// with a host, and what is special in a password or vhost percent-encoded";
        // A `#` would end what is read, and begins what a password was meant to go on with.
        let url: hyper::Uri = text.parse().ok().filter(|_| !text.contains('#')).ok_or(WANTED)?;
        let host = url.host().filter(|host| !host.is_empty()).ok_or(WANTED)?;
        let plain = match url.scheme_str() {
            Some("amqp") => true,
            Some("amqps") => false,
            Some(_) | None => return Err(WANTED),
        };
        #[cfg(feature = "amqp")]
        rabbitmq::uri(text).map_err(|()| WANTED)?;
        let here = {
            let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
            let named = bare.eq_ignore_ascii_case("localhost");
            named || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
        };
        Ok(Self { url: Secret::new(text), is_bare: plain && !here })
    }
}

/// The broker's side of a feed to RabbitMQ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Topology {
    /// The topic exchange that everything is published to.
    pub exchange: &'static str,
    /// The direct exchange of dead letters.
    pub dead: &'static str,
}

/// A queue that is made before anybody listens: durable, and what it refuses reaches the dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queue {
    /// Its name.
    pub name: &'static str,
    /// Which keys reach it.
    pub binding: &'static str,
    /// The key, and the queue, of its dead letters.
    pub dead: &'static str,
}

/// A feed to RabbitMQ; none when this build has not the feature. Nothing is connected yet. The waiting is done on `runtime`,
/// by the thread that delivers, which is not to be one of its own.
#[must_use]
pub fn rabbitmq(
    url: &BrokerUrl,
    topology: Topology,
    queues: Vec<Queue>,
    runtime: &tokio::runtime::Handle,
) -> Option<Box<dyn Feed>> {
    #[cfg(feature = "amqp")]
    return rabbitmq::RabbitMq::new(url.url.expose(), topology, queues, runtime.clone())
        .map(|feed| Box::new(feed) as Box<dyn Feed>);
    #[cfg(not(feature = "amqp"))]
    {
        let _ = (url, topology, queues, runtime);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for (text, bare) in [
            ("amqp://guest:guest@rabbitmq:5672", Some(true)),
            ("amqp://localhost", Some(false)),
            ("amqp://127.0.0.1:5672/", Some(false)),
            ("amqp://127.broker.example", Some(true)),
            ("amqp://[::1]:5672/%2f", Some(false)),
            ("amqps://user:p%23ss@broker.example.com/vhost?heartbeat=10", Some(false)),
            ("amqp://user:p%40ss@broker.example.com", Some(true)),
            ("http://rabbitmq:15672", None),
            ("rabbitmq:5672", None),
            ("amqp://", None),
            ("amqp:///vhost", None),
            ("amqp://user:p#ss@host", None),
            ("", None),
        ] {
            assert_eq!(BrokerUrl::parse(text).ok().map(|url| url.is_bare), bare, "{text}");
        }
        let url = BrokerUrl::parse("amqp://user:hunter2@host").unwrap();
        assert!(!format!("{url:?}").contains("hunter2"));
    }
}
