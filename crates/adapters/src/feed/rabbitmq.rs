//! The feed to RabbitMQ: a durable topic exchange, persistent messages, publisher confirms. A batch is published in one go
//! on one channel, so that the broker keeps its order, and is through when every message of it is confirmed.
//!
//! Nothing is repaired here: a connection that breaks is dropped, and the next delivery makes a new one. lapin's own
//! recovery would give a batch again without our knowing which part of it.

use std::time::Duration;

use lapin::options::{
    BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::uri::AMQPUri;
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, Error, ErrorKind, ExchangeKind};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::timeout;

use super::{Queue, Topology};
use crate::port::{Away, Feed, Letter};

/// How long connecting and declaring may take.
const CONNECT_WAIT: Duration = Duration::from_secs(10);
/// How long the broker may take to confirm a batch. One that is short of memory or disk confirms nothing until it is not.
const CONFIRM_WAIT: Duration = Duration::from_secs(30);
/// How long a goodbye may take.
const CLOSE_WAIT: Duration = Duration::from_secs(1);
/// A message that the broker keeps on its disk.
const PERSISTENT: u8 = 2;

/// What is said of ourselves in the broker's list of connections.
const NAME: &str = "switchboard";

/// Reads a URL. Nothing is said of what is wrong with it: it would be quoted.
pub(super) fn uri(text: &str) -> Result<AMQPUri, ()> {
    let mut uri: AMQPUri = text.parse().map_err(drop)?;
    if uri.vhost.is_empty() {
        // `amqp://host/`: what nearly every other client takes for the default one.
        uri.vhost = "/".into();
    }
    Ok(uri)
}

/// See the module.
pub(super) struct RabbitMq {
    uri: AMQPUri,
    topology: Topology,
    queues: Vec<Queue>,
    runtime: Handle,
    line: Option<Line>,
    ends: watch::Sender<bool>,
}

/// A connection that is ready to be published on.
struct Line {
    connection: Connection,
    channel: Channel,
}

impl RabbitMq {
    /// A feed to this URL; none when it is none. Not connected yet.
    pub(super) fn new(url: &str, topology: Topology, queues: Vec<Queue>, runtime: Handle) -> Option<Self> {
        let uri = uri(url).ok()?;
        Some(Self { uri, topology, queues, runtime, line: None, ends: watch::Sender::new(false) })
    }

    async fn exchange(&mut self, letters: &[Letter]) -> Result<(), Away> {
        // Kept again only when all went well.
        let line = match self.line.take() {
            Some(line) if line.is_open() => line,
            Some(_) | None => {
                timeout(CONNECT_WAIT, self.open()).await.map_err(|_| late("connecting", CONNECT_WAIT))??
            }
        };
        let given = timeout(CONFIRM_WAIT, line.give(self.topology.exchange, letters)).await;
        given.map_err(|_| late("confirming", CONFIRM_WAIT))??;
        self.line = Some(line);
        Ok(())
    }

    async fn open(&self) -> Result<Line, Away> {
        let properties = ConnectionProperties::default().with_connection_name(NAME.into());
        let connection = Connection::connect_uri(self.uri.clone(), properties).await.map_err(away)?;
        self.declare(&connection).await?;
        let channel = connection.create_channel().await.map_err(away)?;
        channel.confirm_select(ConfirmSelectOptions::default()).await.map_err(away)?;
        Ok(Line { connection, channel })
    }

    /// Makes what is not there yet. The broker ends a channel on which it has refused something, so each has its own.
    async fn declare(&self, connection: &Connection) -> Result<(), Away> {
        let Topology { exchange, dead } = self.topology;
        declare_exchange(connection, exchange, ExchangeKind::Topic).await?;
        declare_exchange(connection, dead, ExchangeKind::Direct).await?;
        for queue in &self.queues {
            let mut arguments = FieldTable::default();
            for (name, value) in [("x-dead-letter-exchange", dead), ("x-dead-letter-routing-key", queue.dead)] {
                arguments.insert(name.into(), AMQPValue::LongString(value.into()));
            }
            declare_queue(connection, queue.dead, FieldTable::default(), (dead, queue.dead)).await?;
            declare_queue(connection, queue.name, arguments, (exchange, queue.binding)).await?;
        }
        Ok(())
    }
}

impl Feed for RabbitMq {
    fn name(&self) -> &'static str {
        "RabbitMQ"
    }

    fn deliver(&mut self, letters: &[Letter]) -> Result<(), Away> {
        let (runtime, mut ends) = (self.runtime.clone(), self.ends.subscribe());
        runtime.block_on(async {
            tokio::select! {
                biased;
                _ = ends.wait_for(|ends| *ends) => Err(Away("it is ended".into())),
                delivered = self.exchange(letters) => delivered,
            }
        })
    }

    fn ender(&self) -> Box<dyn Fn() + Send + Sync> {
        let ends = self.ends.clone();
        Box::new(move || {
            ends.send_replace(true);
        })
    }
}

impl Drop for RabbitMq {
    /// Says goodbye, so that the broker doesn't log a connection that broke. It owes us nothing by now.
    fn drop(&mut self) {
        if let Some(line) = self.line.take() {
            self.runtime.block_on(async {
                let _ = timeout(CLOSE_WAIT, line.connection.close(200, "OK".into())).await;
            });
        }
    }
}

impl Line {
    fn is_open(&self) -> bool {
        self.connection.status().connected() && self.channel.status().connected()
    }

    async fn give(&self, exchange: &'static str, letters: &[Letter]) -> Result<(), Away> {
        let mut confirms = Vec::with_capacity(letters.len());
        for letter in letters {
            let properties = BasicProperties::default()
                .with_content_type("application/json".into())
                .with_delivery_mode(PERSISTENT)
                .with_message_id(ShortString::from(&*letter.id));
            let (exchange, key, options) = (exchange.into(), letter.key.into(), BasicPublishOptions::default());
            let given = self.channel.basic_publish(exchange, key, options, &letter.body, properties).await;
            confirms.push(given.map_err(away)?);
        }
        for confirm in confirms {
            match confirm.await.map_err(away)? {
                Confirmation::Ack(_) => {}
                Confirmation::Nack(_) => {
                    return Err(Away("it took something not, as a queue of it may be full".into()));
                }
                Confirmation::NotRequested => return Err(Away("it confirms nothing".into())),
            }
        }
        Ok(())
    }
}

/// Makes an exchange. Who may not make one uses the one that is there.
async fn declare_exchange(connection: &Connection, name: &'static str, kind: ExchangeKind) -> Result<(), Away> {
    for passive in [false, true] {
        let options = ExchangeDeclareOptions { passive, durable: true, ..ExchangeDeclareOptions::default() };
        let channel = connection.create_channel().await.map_err(away)?;
        match channel.exchange_declare(name.into(), kind.clone(), options, FieldTable::default()).await {
            Ok(()) => {
                close(&channel).await;
                return Ok(());
            }
            Err(error) if is_refusal(&error) && !passive => {
                tracing::warn!(exchange = name, %error, "An exchange could not be made; it is used as it is.");
            }
            Err(error) => return Err(away(error)),
        }
    }
    Ok(())
}

/// Makes a queue and has keys reach it. One that somebody made otherwise is theirs, and left as it is: what is published
/// is for whoever listens, and not ours to insist on.
async fn declare_queue(
    connection: &Connection,
    name: &'static str,
    arguments: FieldTable,
    (exchange, key): (&'static str, &'static str),
) -> Result<(), Away> {
    let channel = connection.create_channel().await.map_err(away)?;
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    let made = channel.queue_declare(name.into(), options, arguments).await.map(drop);
    let channel = if refused(made, name, "A queue could not be made; it is used as it is.")? {
        connection.create_channel().await.map_err(away)?
    } else {
        channel
    };
    let options = QueueBindOptions::default();
    let bound = channel.queue_bind(name.into(), exchange.into(), key.into(), options, FieldTable::default()).await;
    if !refused(bound, name, "A queue could not be bound; nothing new reaches it.")? {
        close(&channel).await;
    }
    Ok(())
}

/// Whether the broker said no, which is told and lived with.
fn refused(result: Result<(), Error>, queue: &'static str, what: &'static str) -> Result<bool, Away> {
    match result {
        Ok(()) => Ok(false),
        Err(error) if is_refusal(&error) => {
            tracing::warn!(queue, %error, "{what}");
            Ok(true)
        }
        Err(error) => Err(away(error)),
    }
}

async fn close(channel: &Channel) {
    // It goes with the connection at the latest.
    let _ = channel.close(200, "OK".into()).await;
}

fn is_refusal(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::ProtocolError(_))
}

/// The broker's words, or the system's; neither has the password in it.
#[expect(clippy::needless_pass_by_value, reason = "it is what map_err gives")]
fn away(error: Error) -> Away {
    Away(error.to_string())
}

fn late(doing: &str, most: Duration) -> Away {
    Away(format!("{doing} took longer than {} s", most.as_secs()))
}
