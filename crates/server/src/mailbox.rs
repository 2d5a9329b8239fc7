//! Where threads leave things for a shard and for the node: one lock a turn, and whoever takes swaps out a whole list.
//!
//! Two classes. What answers something (replies, what a reader found) is never dropped: its place was reserved when it
//! was asked for (`CALLS_PER_SHARD_MAX`, one read per connection). What is announced is a hint (invariant 8): past the
//! bound announcements are dropped and the shard is told once how far the log goes; signals past theirs are dropped and
//! counted. Taking and waking are apart, so that a thread that leaves many things in a turn wakes each reader once.

use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::id::Offset;
use domain::limits;

use crate::node;
use crate::shard::{Input, Mail, is_relayed};
use crate::threads::addresses::Seat;

/// What the thread around a shard is to do; nothing of it concerns the pure step.
#[derive(Debug)]
pub enum Order {
    /// Take over a connection that ordinary HTTP had, because it asks for a socket now.
    Adopt(Adopted),
    /// Accept no more connections.
    Deaf,
    /// End.
    Stop,
}

/// A connection that comes back from ordinary HTTP.
#[derive(Debug)]
pub struct Adopted {
    /// The socket, non-blocking.
    pub stream: TcpStream,
    /// What was read of it and not answered: a request's head first.
    pub read: Vec<u8>,
    /// Its place in its address's count.
    pub seat: Option<Seat>,
}

/// A shard's mailbox.
pub struct Mailbox {
    /// A std mutex, held for appending to a list or swapping it out, never across a system call.
    inner: Mutex<Inner>,
    /// Wakes the shard from its poll.
    wake: Box<dyn Fn() + Send + Sync>,
    signals_dropped: AtomicU64,
    announcements_dropped: AtomicU64,
}

#[derive(Default)]
struct Inner {
    queue: Vec<Input>,
    orders: Vec<Order>,
    announcements: usize,
    signals: usize,
    /// Where in the queue it says how far the log goes, if it does.
    head: Option<usize>,
    /// It says that relayed messages were dropped.
    relay_lost: bool,
    /// The shard was woken and has not come by since.
    rung: bool,
}

impl Mailbox {
    /// An empty mailbox whose shard is woken by `wake`.
    #[must_use]
    pub fn new(wake: Box<dyn Fn() + Send + Sync>) -> Self {
        Self {
            inner: Mutex::new(Inner::default()),
            wake,
            signals_dropped: AtomicU64::new(0),
            announcements_dropped: AtomicU64::new(0),
        }
    }

    /// Leaves things, in order. The shard is not woken by this; see [`Mailbox::ring`].
    pub fn put(&self, items: impl IntoIterator<Item = Input>) {
        let mut inner = self.lock();
        for item in items {
            match &item {
                Input::Mail(Mail::Announce(announcement)) => {
                    if inner.announcements >= limits::ANNOUNCEMENTS_MAX {
                        self.announcements_dropped.fetch_add(1, Ordering::Relaxed);
                        inner.say_head(announcement.last());
                        continue;
                    }
                    inner.announcements += 1;
                }
                Input::Mail(Mail::Signal(signal)) => {
                    if inner.signals >= limits::SIGNALS_MAX {
                        self.signals_dropped.fetch_add(1, Ordering::Relaxed);
                        if is_relayed(signal) {
                            inner.say_relay_lost();
                        }
                        continue;
                    }
                    inner.signals += 1;
                }
                Input::Mail(Mail::Status(_)) => {
                    if inner.signals >= limits::SIGNALS_MAX {
                        self.signals_dropped.fetch_add(1, Ordering::Relaxed);
                        continue;
                    }
                    inner.signals += 1;
                }
                Input::Mail(Mail::Head(head)) => {
                    inner.say_head(*head);
                    continue;
                }
                Input::Mail(Mail::Told(_) | Mail::RelayLost | Mail::Drain)
                // Bounded by the connections that ordinary HTTP holds; each of them asks one thing at a time.
                | Input::Polled(_)
                // Bounded by those who wait for them, and by what a shard lets be under way.
                | Input::Manage(_)
                | Input::Integrated(..)
                | Input::PollGone(..)
                | Input::Accepted(_)
                | Input::Readable(_)
                | Input::Writable(_)
                | Input::Found(..)
                | Input::KeysChanged
                // Bounded by those who may wait for the Auth Service (`AUTH_WAITING_MAX`).
                | Input::Identified(..) => {}
            }
            inner.queue.push(item);
        }
    }

    /// Has the thread around the shard do something, soon.
    pub fn order(&self, order: Order) {
        self.lock().orders.push(order);
        self.ring();
    }

    /// Wakes the shard if something is here that it was not woken for.
    pub fn ring(&self) {
        let mut inner = self.lock();
        let something = !inner.queue.is_empty() || !inner.orders.is_empty();
        let needed = something && !inner.rung;
        inner.rung |= needed;
        drop(inner);
        if needed {
            (self.wake)();
        }
    }

    /// Takes everything; `queue` is filled behind what it has, in order.
    pub fn take(&self, queue: &mut Vec<Input>, orders: &mut Vec<Order>) {
        let mut inner = self.lock();
        if queue.is_empty() {
            // The emptied list comes back as the next one to fill.
            std::mem::swap(queue, &mut inner.queue);
        } else {
            queue.append(&mut inner.queue);
        }
        orders.append(&mut inner.orders);
        (inner.announcements, inner.signals, inner.head) = (0, 0, None);
        (inner.relay_lost, inner.rung) = (false, false);
    }

    /// Signals and announcements that found it full, since the start.
    #[must_use]
    pub fn dropped(&self) -> (u64, u64) {
        (self.signals_dropped.load(Ordering::Relaxed), self.announcements_dropped.load(Ordering::Relaxed))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Says once, where the first announcement that is missing would have been, how far the log goes.
    fn say_head(&mut self, head: Offset) {
        let said = self.head.and_then(|at| self.queue.get_mut(at));
        if let Some(Input::Mail(Mail::Head(known))) = said {
            *known = head.max(*known);
        } else {
            self.head = Some(self.queue.len());
            self.queue.push(Input::Mail(Mail::Head(head)));
        }
    }

    /// Says once, where the first one that is missing would have been, that relayed messages were dropped.
    fn say_relay_lost(&mut self) {
        if !std::mem::replace(&mut self.relay_lost, true) {
            self.queue.push(Input::Mail(Mail::RelayLost));
        }
    }
}

/// Where everybody leaves things for the node. Never full: calls are bounded where they are made, each connection goes
/// once, and completions answer what the node asked.
#[derive(Default)]
pub struct Inbox {
    /// A std mutex, held for appending to a list or swapping it out.
    inner: Mutex<NodeQueue>,
    bell: Condvar,
}

#[derive(Default)]
struct NodeQueue {
    queue: Vec<node::Input>,
    closed: bool,
}

impl Inbox {
    /// Leaves things, in order.
    pub fn put(&self, items: impl IntoIterator<Item = node::Input>) {
        let mut inner = self.lock();
        let was_empty = inner.queue.is_empty();
        inner.queue.extend(items);
        let wakes = was_empty && !inner.queue.is_empty();
        drop(inner);
        if wakes {
            self.bell.notify_one();
        }
    }

    /// Nothing that matters will come any more.
    pub fn close(&self) {
        self.lock().closed = true;
        self.bell.notify_one();
    }

    /// Takes everything into `queue`, which is empty; waits for something at most this long. True while it is open.
    pub fn take(&self, queue: &mut Vec<node::Input>, most: Duration) -> bool {
        let inner = self.lock();
        let waited = self.bell.wait_timeout_while(inner, most, |inner| inner.queue.is_empty() && !inner.closed);
        let (mut inner, _) = waited.unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(queue, &mut inner.queue);
        !inner.closed
    }

    fn lock(&self) -> MutexGuard<'_, NodeQueue> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;

    use domain::event::{Event, Signal, SignalKind, What};
    use domain::id::{
        ConnectionId, Door, ExclusionVersion, Life, MessageId, Millis, RoomName, Seq, UserId, UserNumber,
    };
    use domain::model::{MessageKind, Person, RoomKey};

    use super::*;
    use crate::node::{Announcement, ReplyTo, Told};

    fn person() -> Arc<Person> {
        let id = UserId::new("u").expect("a short id is valid");
        Arc::new(Person { name: id.text(), id, number: UserNumber(1), email: None })
    }

    fn room() -> RoomKey {
        RoomKey::Named(RoomName::new("lobby").expect("a short name is valid"))
    }

    fn announce(offset: u64) -> Input {
        let event = Event {
            offset: Offset(offset),
            life: Life(1),
            room: room(),
            born: Offset(1),
            seq: Seq(offset),
            at: Millis(0),
            by: person(),
            door: Door(0),
            origin: None,
            alias: None,
            version: ExclusionVersion(0),
            what: What::MemberRemoved { user: person().id.clone(), barred: false },
        };
        Input::Mail(Mail::Announce(Announcement { events: Arc::from([Arc::new(event)]) }))
    }

    fn signal() -> Input {
        let signal = Signal {
            room: room(),
            after: Offset(0),
            at: Millis(0),
            id: MessageId(0),
            who: person(),
            origin: None,
            alias: None,
            kind: SignalKind::Came { back: false },
        };
        Input::Mail(Mail::Signal(Arc::new(signal)))
    }

    fn told() -> Input {
        let to = ReplyTo::Connection(ConnectionId(1), 0);
        let told = Told::plain(to, Ok(domain::command::Reply::Left));
        Input::Mail(Mail::Told(Box::new(told)))
    }

    fn mailbox() -> (Mailbox, Arc<AtomicUsize>) {
        let woken = Arc::new(AtomicUsize::new(0));
        let count = woken.clone();
        (
            Mailbox::new(Box::new(move || {
                count.fetch_add(1, Ordering::Relaxed);
            })),
            woken,
        )
    }

    fn take(mailbox: &Mailbox) -> Vec<Input> {
        let (mut queue, mut orders) = (Vec::new(), Vec::new());
        mailbox.take(&mut queue, &mut orders);
        queue
    }

    #[test]
    fn relayed_messages_are_not_dropped_in_silence() {
        let (mailbox, _) = mailbox();
        let said = || {
            let Input::Mail(Mail::Signal(signal)) = signal() else { unreachable!("it is one") };
            let kind = SignalKind::Said { kind: MessageKind::Text, content: "x".into(), seq: Seq(1) };
            Input::Mail(Mail::Signal(Arc::new(Signal { kind, ..(*signal).clone() })))
        };
        mailbox.put((0..limits::SIGNALS_MAX).map(|_| signal()));
        mailbox.put([signal()]);
        assert_eq!(take(&mailbox).len(), limits::SIGNALS_MAX, "coming and going may be dropped");
        mailbox.put((0..limits::SIGNALS_MAX + 3).map(|_| said()));
        mailbox.put([told()]);
        let got = take(&mailbox);
        assert_eq!(got.len(), limits::SIGNALS_MAX + 2, "one note where the first is missing");
        assert!(matches!(got[limits::SIGNALS_MAX], Input::Mail(Mail::RelayLost)));
        mailbox.put([said()]);
        assert!(matches!(take(&mailbox)[..], [Input::Mail(Mail::Signal(_))]), "there is room again");
    }

    #[test]
    fn a_full_mailbox_says_once_what_is_missing_and_keeps_replies() {
        let (mailbox, _) = mailbox();
        let bound = limits::ANNOUNCEMENTS_MAX as u64;
        mailbox.put((1..=bound + 3).map(announce));
        mailbox.put([told(), announce(bound + 4)]);
        let got = take(&mailbox);
        assert_eq!(
            got.len(),
            limits::ANNOUNCEMENTS_MAX + 2,
            "at the bound all are kept, past it one note and the reply"
        );
        assert!(matches!(got[limits::ANNOUNCEMENTS_MAX], Input::Mail(Mail::Head(upto)) if upto == Offset(bound + 4)));
        assert!(matches!(got[limits::ANNOUNCEMENTS_MAX + 1], Input::Mail(Mail::Told(_))));
        assert_eq!(mailbox.dropped(), (0, 4));
        mailbox.put([announce(bound + 5)]);
        assert!(matches!(take(&mailbox)[..], [Input::Mail(Mail::Announce(_))]), "there is room again");
    }

    #[test]
    fn signals_past_the_bound_are_dropped_and_counted() {
        let (mailbox, _) = mailbox();
        mailbox.put((0..limits::SIGNALS_MAX + 5).map(|_| signal()));
        mailbox.put([told()]);
        assert_eq!(take(&mailbox).len(), limits::SIGNALS_MAX + 1);
        assert_eq!(mailbox.dropped(), (5, 0));
    }

    #[test]
    fn a_shard_is_woken_once_until_it_comes_by() {
        let (mailbox, woken) = mailbox();
        mailbox.ring();
        assert_eq!(woken.load(Ordering::Relaxed), 0, "nothing is there");
        mailbox.put([told()]);
        mailbox.put([told()]);
        mailbox.ring();
        mailbox.ring();
        assert_eq!(woken.load(Ordering::Relaxed), 1);
        assert_eq!(take(&mailbox).len(), 2);
        mailbox.ring();
        assert_eq!(woken.load(Ordering::Relaxed), 1, "it took everything");
        mailbox.order(Order::Deaf);
        assert_eq!(woken.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn the_inbox_keeps_the_order_and_tells_when_it_is_closed() {
        let inbox = Inbox::default();
        inbox.put([node::Input::Gone(ConnectionId(1)), node::Input::Gone(ConnectionId(2))]);
        inbox.put([node::Input::Gone(ConnectionId(3))]);
        let mut queue = Vec::new();
        assert!(inbox.take(&mut queue, Duration::ZERO));
        let ids: Vec<_> = queue.drain(..).map(|input| format!("{input:?}")).collect();
        assert_eq!(ids, ["Gone(ConnectionId(1))", "Gone(ConnectionId(2))", "Gone(ConnectionId(3))"]);
        inbox.put([node::Input::Gone(ConnectionId(4))]);
        inbox.close();
        assert!(!inbox.take(&mut queue, Duration::from_secs(60)));
        assert_eq!(queue.len(), 1, "what was there is given still");
    }
}
