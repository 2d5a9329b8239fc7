//! How many connections each address has, so that one address can't take them all (THREATS T10). Loopback and trusted
//! proxies aren't counted: behind them are many.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Says of an address whether it is a proxy that the operator trusts.
pub type IsTrusted = Box<dyn Fn(IpAddr) -> bool + Send + Sync>;

/// Connections by address.
pub struct Addresses {
    /// Most connections of one address; 0 means no limit.
    most: u32,
    trusted: IsTrusted,
    /// A std mutex, held for one look-up, when a connection comes or goes.
    counts: Mutex<HashMap<IpAddr, u32>>,
}

/// A connection's place in its address's count, given back when dropped.
pub struct Seat {
    addresses: Arc<Addresses>,
    address: IpAddr,
}

impl fmt::Debug for Seat {
    /// Addresses are not for logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seat(…)")
    }
}

impl Addresses {
    /// Nobody is connected; `most` for one address, 0 for no limit.
    #[must_use]
    pub fn new(most: u32, trusted: IsTrusted) -> Arc<Self> {
        Arc::new(Self { most, trusted, counts: Mutex::default() })
    }

    /// A place for one more connection from there; a seat where places are counted.
    ///
    /// # Errors
    /// The address has as many as one may have.
    pub fn admit(self: &Arc<Self>, address: IpAddr) -> Result<Option<Seat>, Full> {
        let address = address.to_canonical();
        if self.most == 0 || address.is_loopback() || (self.trusted)(address) {
            return Ok(None);
        }
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_default();
        if *count >= self.most {
            return Err(Full);
        }
        *count += 1;
        Ok(Some(Seat { addresses: self.clone(), address }))
    }
}

/// The address has as many connections as one may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

impl Drop for Seat {
    fn drop(&mut self) {
        let mut counts = self.addresses.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut entry) = counts.entry(self.address) {
            *entry.get_mut() -= 1;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_and_who_is_not_counted() {
        let ip = |text: &str| -> IpAddr { text.parse().expect("a literal address") };
        let proxy = ip("10.0.0.1");
        let addresses = Addresses::new(2, Box::new(move |address| address == proxy));
        let seats: Vec<_> = (0..2).map(|_| addresses.admit(ip("192.0.2.7"))).collect();
        assert!(seats.iter().all(|seat| matches!(seat, Ok(Some(_)))));
        assert_eq!(addresses.admit(ip("192.0.2.7")).err(), Some(Full), "one past the limit");
        assert_eq!(addresses.admit(ip("::ffff:192.0.2.7")).err(), Some(Full), "the same address, mapped");
        assert!(addresses.admit(ip("192.0.2.8")).is_ok(), "another one");
        for free in ["127.0.0.1", "127.8.8.8", "::1", "10.0.0.1"] {
            assert!((0..5).all(|_| matches!(addresses.admit(ip(free)), Ok(None))), "{free}");
        }
        drop(seats);
        assert!(addresses.admit(ip("192.0.2.7")).is_ok(), "they went");
        assert!(addresses.counts.lock().expect("nobody panicked").is_empty(), "nobody is remembered");
    }
}
