//! Metrics (RULES 28), in OpenMetrics' text: gathered from what the threads say of themselves when somebody asks, so that
//! nothing on the hot path knows of them. No label is a user's, a room's or an address.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Error;

use dialects::Dialect;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::exemplar::Exemplar;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::health::{FeedReport, Health, Report};

/// All metrics, as text.
///
/// # Errors
/// The formatter says no, which it has no reason to.
pub fn text(health: &Health, dialects: &[Box<dyn Dialect>]) -> Result<String, Error> {
    let (connections, rooms) = health.counts();
    let names = dialects.iter().map(|dialect| dialect.name()).collect();
    let snapshot =
        Snapshot { names, connections, rooms, head: health.head().0, feed: health.feed(), reports: health.reports() };
    let mut registry = Registry::with_prefix("switchboard");
    registry.register_collector(Box::new(snapshot));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

#[derive(Debug)]
struct Snapshot {
    names: Vec<&'static str>,
    connections: usize,
    rooms: usize,
    head: u64,
    feed: Option<FeedReport>,
    reports: Vec<Report>,
}

/// Sums over all shards, of one dialect.
#[derive(Default)]
struct Door {
    open: u64,
    heard: u64,
    closed: u64,
    closed_seconds: u64,
    errors: BTreeMap<&'static str, u64>,
}

impl Snapshot {
    fn doors(&self) -> Vec<(&'static str, Door)> {
        let mut doors: Vec<_> = self.names.iter().map(|name| (*name, Door::default())).collect();
        for report in &self.reports {
            for ((_, sum), tally) in doors.iter_mut().zip(&report.tally.doors) {
                sum.open += tally.open;
                sum.heard += tally.heard;
                sum.closed += tally.closed;
                sum.closed_seconds += tally.closed_seconds;
                for (kind, count) in &tally.errors {
                    *sum.errors.entry(kind).or_default() += count;
                }
            }
        }
        doors
    }

    /// Where there is one.
    fn feed(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let Some(feed) = self.feed else { return Ok(()) };
        let behind = self.head.saturating_sub(feed.reached.0);
        for (name, help, value) in [
            ("feed_connected", "Whether the feed's other side was there the last time", u64::from(feed.connected)),
            ("feed_offset", "The feed was told everything in the log up to here", feed.reached.0),
            ("feed_lag", "Events of the log that the feed was not told yet", behind),
        ] {
            gauge(value).encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        let help = "What the feed was told, repeats included";
        let published = encoder.encode_descriptor("feed_published", help, None, MetricType::Counter)?;
        ConstCounter::new(feed.published).encode(published)
    }

    fn sum(&self, of: impl Fn(&Report) -> u64) -> u64 {
        self.reports.iter().map(of).sum()
    }

    fn by_door(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let doors = self.doors();
        let mut each =
            encoder.encode_descriptor("connections", "Open sockets of a dialect", None, MetricType::Gauge)?;
        for (name, door) in &doors {
            gauge(door.open).encode(each.encode_family(&[("dialect", *name)])?)?;
        }
        let mut each =
            encoder.encode_descriptor("messages", "Messages heard from clients", None, MetricType::Counter)?;
        for (name, door) in &doors {
            ConstCounter::new(door.heard).encode(each.encode_family(&[("dialect", *name)])?)?;
        }
        let mut each =
            encoder.encode_descriptor("errors", "Refusals and violations by kind", None, MetricType::Counter)?;
        for (name, door) in &doors {
            for (kind, count) in &door.errors {
                let labels = [("dialect", *name), ("kind", *kind)];
                ConstCounter::new(*count).encode(each.encode_family(&labels)?)?;
            }
        }
        let (help, kind) = ("For how long closed sockets had been open", MetricType::Histogram);
        let mut each = encoder.encode_descriptor("connection_duration_seconds", help, None, kind)?;
        for (name, door) in &doors {
            let labels = [("dialect", *name)];
            let mut one = each.encode_family(&labels)?;
            let seconds = f64::from(u32::try_from(door.closed_seconds).unwrap_or(u32::MAX));
            one.encode_histogram(seconds, door.closed, &[(f64::INFINITY, door.closed)], None::<&Exemplars>)?;
        }
        Ok(())
    }
}

/// None are kept; the encoder wants to know what they would be.
type Exemplars = HashMap<usize, Exemplar<[(&'static str, &'static str); 0], f64>>;

fn gauge(value: u64) -> ConstGauge<i64> {
    ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX))
}

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        self.by_door(&mut encoder)?;
        let gauges = [
            (
                "users_connections",
                "Connections that the node knows",
                u64::try_from(self.connections).unwrap_or(u64::MAX),
            ),
            ("rooms", "Rooms with somebody present", u64::try_from(self.rooms).unwrap_or(u64::MAX)),
            ("held_bytes", "Bytes in the buffers of connections", self.sum(|report| report.tally.held_bytes)),
            ("log_head", "The last offset that was announced", self.head),
            ("sockets", "Sockets of the shards, whatever their phase", self.sum(|report| report.sockets as u64)),
        ];
        for (name, help, value) in gauges {
            gauge(value).encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        let counters = [
            ("rate_limited", "Sends refused by the rate limit", self.sum(|report| report.tally.rate_limited)),
            ("writes", "Writes to sockets", self.sum(|report| report.tally.writes)),
            (
                "overrun",
                "Readers closed because they were too slow for messages that are not kept",
                self.sum(|report| report.tally.overrun),
            ),
            ("lagged", "Times a reader fell behind and went on from the log", self.sum(|report| report.tally.lagged)),
            ("gaps", "Times announcements were missing and the log was read", self.sum(|report| report.tally.gaps)),
            ("signals_dropped", "Signals that found a mailbox full", self.sum(|report| report.hints_dropped.0)),
            ("announcements_dropped", "Announcements that did", self.sum(|report| report.hints_dropped.1)),
            (
                "address_limit_refused",
                "Connections closed because their address had too many",
                self.sum(|report| report.over_address_limit),
            ),
        ];
        for (name, help, value) in counters {
            ConstCounter::new(value).encode(encoder.encode_descriptor(name, help, None, MetricType::Counter)?)?;
        }
        self.feed(&mut encoder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shard::{DoorTally, Tally};

    #[test]
    fn the_contracts_list() {
        let health = Health::new(2);
        let tally = |open, kind| {
            let door = DoorTally { open, heard: 3, closed_seconds: 7, closed: 1, errors: BTreeMap::from([(kind, 2)]) };
            Tally { doors: vec![door], rate_limited: 1, ..Tally::default() }
        };
        health.report(0, Report { tally: tally(1, "invalid"), sockets: 4, ..Report::default() });
        health.report(1, Report { tally: tally(2, "invalid"), hints_dropped: (5, 6), ..Report::default() });
        health.counted((3, 1), domain::id::Offset(9));
        health.fed(domain::id::Offset(7), 4);
        health.feed_away(domain::id::Offset(7));
        let settings = dialects::Settings { dialects: vec!["rooms".into()], ..dialects::Settings::default() };
        let text = text(&health, &dialects::registry(&settings)).expect("it is written to a text");
        for line in [
            "switchboard_connections{dialect=\"rooms\"} 3",
            "switchboard_messages_total{dialect=\"rooms\"} 6",
            "switchboard_errors_total{dialect=\"rooms\",kind=\"invalid\"} 4",
            "switchboard_connection_duration_seconds_sum{dialect=\"rooms\"} 14.0",
            "switchboard_connection_duration_seconds_count{dialect=\"rooms\"} 2",
            "switchboard_rooms 1",
            "switchboard_rate_limited_total 2",
            "switchboard_signals_dropped_total 5",
            "switchboard_announcements_dropped_total 6",
            "switchboard_log_head 9",
            "switchboard_sockets 4",
            "switchboard_feed_connected 0",
            "switchboard_feed_offset 7",
            "switchboard_feed_lag 2",
            "switchboard_feed_published_total 4",
            "# EOF",
        ] {
            assert!(text.lines().any(|given| given == line), "{line} is not in\n{text}");
        }
    }
}
