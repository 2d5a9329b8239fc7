//! A node with a store, and everything that comes out of it kept until it is looked at.

use std::collections::VecDeque;
use std::sync::Arc;

use adapters::port::{Batch, Found, Outcome, Read, Reader, RoomWrite, Store, Write, Writer};
use adapters::store::memory::MemoryStore;
use dialects::{CallId, Request};
use domain::Text;
use domain::command::{Command, Draft, Manners, Pace, Reply, RoomView, Start as From};
use domain::event::{Event, Signal, SignalKind, What};
use domain::id::{ConnectionId, Door, ExclusionVersion, Life, MessageId, Millis, Offset, RoomName, UserId};
use domain::identity::{Identity, Scopes, Standing};
use domain::limits::Policy;
use domain::model::{MessageKind, Person, RoomKey, RoomKind};
use domain::query::Query;
use domain::refusal::Refusal;
use server::node::{Announcement, Call, Input, Node, Output, ReplyTo, Start, Token, Told};

/// A door that makes members of those who enter.
pub(super) const JOINS: Manners =
    Manners { makes_rooms: true, joins_private: false, joins: true, members_only: false, pace: Pace::Loose };
/// A door that makes nobody a member of a public room.
pub(super) const OPEN: Manners = Manners { joins: false, ..JOINS };
/// A door where private rooms are joined by their ids.
pub(super) const CHAT: Manners = Manners { makes_rooms: false, joins_private: true, ..OPEN };

/// What came out of the node that everybody hears, in order.
#[derive(Debug, Clone)]
pub(super) enum Heard {
    Event(Arc<Event>),
    Signal(Arc<Signal>),
}

/// Somebody at a door.
#[derive(Debug, Clone)]
pub(super) struct Who {
    pub(super) person: Arc<Person>,
    /// None over REST.
    pub(super) connection: Option<ConnectionId>,
    pub(super) standing: Standing,
}

pub(super) struct House {
    pub(super) store: MemoryStore,
    pub(super) now: Millis,
    pub(super) node: Node,
    writer: Box<dyn Writer>,
    reader: Box<dyn Reader>,
    inputs: Vec<Input>,
    pub(super) commits: VecDeque<Batch>,
    pub(super) reads: VecDeque<(Token, Read)>,
    pub(super) told: Vec<Told>,
    pub(super) heard: Vec<Heard>,
    /// Who came online or went, in order.
    pub(super) statuses: Vec<(String, bool)>,
    calls: CallId,
}

impl House {
    pub(super) fn new() -> Self {
        Self::with(Policy::default())
    }

    pub(super) fn with(policy: Policy) -> Self {
        Self::on(MemoryStore::new(Life(1)), policy, Life(7))
    }

    /// Another node on the same log, which has heard of everything up to now and has touched nothing.
    pub(super) fn second(&self) -> Self {
        Self::on(self.store.clone(), Policy::default(), Life(8))
    }

    fn on(store: MemoryStore, policy: Policy, life: Life) -> Self {
        let writer = store.writer().expect("the memory store gives writers");
        let mut reader = store.reader().expect("the memory store gives readers");
        let Ok(Found::Cursor(Some(head))) = reader.read(&Read::Head) else { panic!("a log has a head") };
        let start = Start { policy, life, head, recent: Vec::new(), expired: Offset(1), seed: [3; 32] };
        Self {
            store,
            now: Millis(1_800_000_000_000),
            node: Node::new(start),
            writer,
            reader,
            inputs: Vec::new(),
            commits: VecDeque::new(),
            reads: VecDeque::new(),
            told: Vec::new(),
            heard: Vec::new(),
            statuses: Vec::new(),
            calls: 0,
        }
    }

    /// Something reaches the node with its next step.
    pub(super) fn put(&mut self, input: Input) {
        self.inputs.push(input);
    }

    /// One step, in which nothing that it wants done is done.
    pub(super) fn step(&mut self) {
        let mut out = Vec::new();
        self.node.step(self.now, &mut self.inputs, &mut out);
        self.take(out);
    }

    /// A second passes.
    pub(super) fn tick(&mut self) {
        let mut out = Vec::new();
        self.node.tick(self.now, &mut out);
        self.take(out);
    }

    fn take(&mut self, out: Vec<Output>) {
        for output in out {
            match output {
                Output::Commit(batch) => self.commits.push_back(batch),
                Output::Recover => {
                    let recovered = self.writer.recover();
                    self.put(Input::Recovered(recovered));
                }
                Output::Read(token, read) => self.reads.push_back((token, read)),
                Output::Reply(told) => self.told.push(*told),
                Output::Announce(Announcement { events }) => {
                    self.heard.extend(events.iter().cloned().map(Heard::Event));
                }
                Output::Signal(signal) => self.heard.push(Heard::Signal(signal)),
                Output::Head(_) => {}
                Output::Status(status) => self.statuses.push((status.who.id.to_string(), status.online)),
            }
        }
    }

    /// The batch in flight is committed; the node hears of it with its next step.
    pub(super) fn commit(&mut self) -> Vec<Outcome> {
        let batch = self.commits.pop_front().expect("a batch is in flight");
        let result = self.writer.commit(&batch);
        let outcomes = result.as_ref().cloned().unwrap_or_default();
        self.put(Input::Committed(result));
        outcomes
    }

    /// The oldest read is answered by what is in the store now.
    pub(super) fn read(&mut self) {
        let (token, read) = self.reads.pop_front().expect("a read is under way");
        let found = self.reader.read(&read);
        self.put(Input::Found(token, found));
    }

    /// Another node on the same log writes; this one has not heard of it.
    pub(super) fn elsewhere(
        &mut self,
        by: &Who,
        room: &RoomKey,
        under: Option<ExclusionVersion>,
        events: Vec<(What, ExclusionVersion)>,
    ) {
        let (room, by, at) = (room.clone(), by.person.clone(), self.now);
        let write = RoomWrite { room, under, by, door: Door(0), origin: None, at, alias: None, events };
        let batch = Batch { life: Life(9), writes: vec![Write::Events(write)] };
        let mut other = self.store.writer().expect("the memory store gives writers");
        let outcomes = other.commit(&batch).expect("nothing fails it");
        assert!(matches!(outcomes[..], [Outcome::Committed(_)]), "{outcomes:?}");
    }

    /// The log is looked at, as it is every so often; nothing else is read meanwhile.
    pub(super) fn catch_up(&mut self) {
        self.now = self.now.plus(60_000);
        self.tick();
        while let Some((_, Read::Head | Read::Since { .. })) = self.reads.front() {
            self.read();
            self.step();
        }
    }

    /// Lets everything happen.
    pub(super) fn settle(&mut self) {
        self.step();
        while !self.reads.is_empty() || !self.commits.is_empty() || !self.inputs.is_empty() {
            while !self.reads.is_empty() {
                self.read();
            }
            if !self.commits.is_empty() {
                self.commit();
            }
            self.step();
        }
    }

    /// A call that is put, and not waited for; gives where its reply will go.
    pub(super) fn call(&mut self, who: &Who, request: Request) -> ReplyTo {
        self.calls += 1;
        let to = match who.connection {
            Some(connection) => ReplyTo::Connection(connection, self.calls),
            None => ReplyTo::Rest(u64::from(self.calls)),
        };
        let person = Some(who.person.clone());
        self.put(Input::Call(Call { to, door: Door(0), standing: who.standing, who: person, request }));
        to
    }

    /// A call from a connection that is nobody yet.
    pub(super) fn call_as_nobody(&mut self, connection: ConnectionId, command: Command) -> ReplyTo {
        self.calls += 1;
        let to = ReplyTo::Connection(connection, self.calls);
        let request = Request::Do(command);
        self.put(Input::Call(Call { to, door: Door(0), standing: Standing::User, who: None, request }));
        to
    }

    /// What was told in answer to a call, if it was.
    pub(super) fn answer(&mut self, to: ReplyTo) -> Option<Told> {
        let place = self.told.iter().position(|told| told.to == to)?;
        Some(self.told.remove(place))
    }

    /// Asks, lets everything happen, and gives what was told.
    pub(super) fn told(&mut self, who: &Who, command: Command) -> Told {
        let to = self.call(who, Request::Do(command));
        self.settle();
        self.answer(to).expect("every call is answered")
    }

    pub(super) fn does(&mut self, who: &Who, command: Command) -> Result<Reply, Refusal> {
        self.told(who, command).result
    }

    pub(super) fn asks(&mut self, who: &Who, query: Query) -> Result<Reply, Refusal> {
        let to = self.call(who, Request::Ask(query));
        self.settle();
        self.answer(to).expect("every call is answered").result
    }

    /// A user over REST.
    pub(super) fn user(&mut self, id: &str) -> Who {
        self.meet(id, None)
    }

    /// A user with a connection.
    pub(super) fn connect(&mut self, id: &str, connection: u64) -> Who {
        self.meet(id, Some(ConnectionId(connection)))
    }

    /// A back end.
    pub(super) fn back_end(&mut self, scopes: Scopes) -> Who {
        Who { standing: Standing::Service(scopes), ..self.user("back-end") }
    }

    fn meet(&mut self, id: &str, connection: Option<ConnectionId>) -> Who {
        self.calls += 1;
        let to = connection.map_or(ReplyTo::Rest(u64::from(self.calls)), |c| ReplyTo::Connection(c, self.calls));
        let identity = identity(id);
        let request = Request::Do(Command::Meet(identity));
        self.put(Input::Call(Call { to, door: Door(0), standing: Standing::User, who: None, request }));
        self.settle();
        match self.answer(to).map(|told| told.result) {
            Some(Ok(Reply::Met(person))) => Who { person, connection, standing: Standing::User },
            other => panic!("{id} was not met: {other:?}"),
        }
    }

    /// Enters, and is let in.
    pub(super) fn enter(&mut self, who: &Who, room: &str, manners: Manners) -> Told {
        let told = self.told(who, enter(room, manners));
        assert!(matches!(told.result, Ok(Reply::Entered { .. })), "{told:?}");
        told
    }

    /// Makes a room.
    pub(super) fn makes(&mut self, who: &Who, kind: RoomKind, seats: Option<u32>) -> RoomView {
        match self.does(who, Command::MakeRoom { title: "den".into(), kind, seats, client_id: None }) {
            Ok(Reply::RoomMade(view)) => view,
            other => panic!("no room was made: {other:?}"),
        }
    }

    /// Says something, which is kept; gives its event.
    pub(super) fn says(&mut self, who: &Who, room: &RoomKey, content: &str) -> Arc<Event> {
        match self.does(who, send(room, content)) {
            Ok(Reply::Sent { event, .. }) => event,
            other => panic!("{content} was not sent: {other:?}"),
        }
    }

    /// What everybody heard since this was last asked, in short words.
    pub(super) fn news(&mut self) -> Vec<String> {
        std::mem::take(&mut self.heard).iter().map(word).collect()
    }

    /// The signals of marks since the last news, whole.
    pub(super) fn signals(&mut self) -> Vec<Arc<Signal>> {
        let heard = std::mem::take(&mut self.heard);
        heard
            .into_iter()
            .filter_map(|heard| if let Heard::Signal(signal) = heard { Some(signal) } else { None })
            .collect()
    }

    /// How the log ends.
    pub(super) fn last_event(&self) -> Arc<Event> {
        self.store.events().last().cloned().expect("something has happened")
    }
}

fn word(heard: &Heard) -> String {
    match heard {
        Heard::Event(event) => match &event.what {
            What::RoomMade { .. } => format!("made {}", event.room.shown()),
            What::MemberSet { user, .. } => format!("{user} belongs to {}", event.room.shown()),
            What::MemberRemoved { user, barred: true } => format!("{user} was removed from {}", event.room.shown()),
            What::MemberRemoved { user, barred: false } => format!("{user} left {}", event.room.shown()),
            What::Sent(message) => format!("{} says {}", event.by.id, message.content),
            What::Edited { content, .. } => format!("{} edits: {content}", event.by.id),
            What::Deleted { .. } => format!("{} deletes", event.by.id),
            What::Retitled { title } => format!("{} is called {title}", event.room.shown()),
            What::Notice { extra } => format!("notice {extra}"),
            What::Reacted { emoji, on, .. } => format!("{} reacts {emoji} {on}", event.by.id),
        },
        Heard::Signal(signal) => match &signal.kind {
            SignalKind::Came { .. } => format!("{} came", signal.who.id),
            SignalKind::Again => format!("{} came again", signal.who.id),
            SignalKind::Went { .. } => format!("{} went", signal.who.id),
            SignalKind::Marked { messages, whole_room, .. } => {
                format!("{} marked {} in {}, whole {whole_room}", signal.who.id, messages.len(), signal.room.shown())
            }
            SignalKind::Reached { messages, .. } => {
                format!("{} has reached {} in {}", signal.who.id, messages.len(), signal.room.shown())
            }
            SignalKind::Typing { .. } => format!("{} types", signal.who.id),
            SignalKind::Said { content, .. } => format!("{} passes on {content}", signal.who.id),
        },
    }
}

/// Somebody whose credential tells nothing but who they are.
pub(super) fn identity(id: &str) -> Identity {
    let (number, proved, standing) = (None, false, Standing::User);
    Identity { id: user(id), number, proved, name: None, email: None, ends: None, standing }
}

pub(super) fn user(id: &str) -> UserId {
    UserId::new(id).expect("a short id is valid")
}

pub(super) fn room(name: &str) -> RoomKey {
    RoomKey::Named(RoomName::new(name).expect("a short name is valid"))
}

pub(super) fn enter(name: &str, manners: Manners) -> Command {
    Command::Enter { room: room(name), from: From::Now, manners }
}

pub(super) fn leave(name: &str, manners: Manners) -> Command {
    Command::Leave { room: room(name), manners }
}

pub(super) fn send(room: &RoomKey, content: &str) -> Command {
    let (kind, content) = (MessageKind::Text, Text::from(content));
    let draft = Draft { kind, content, reply_to: None, client_id: None, extra: None, alias: None };
    Command::Send { room: room.clone(), draft, manners: OPEN }
}

/// The id of the message that an event sent.
pub(super) fn id_of(event: &Event) -> MessageId {
    event.message().expect("it is a message").id
}

/// Whom a reply attaches where, and from which point.
pub(super) fn attached(told: &Told) -> Vec<(RoomKey, Option<Offset>)> {
    told.attach.iter().map(|attach| (attach.room.clone(), attach.from)).collect()
}
