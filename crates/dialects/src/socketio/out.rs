//! What an application says to its client: packets of the namespaces that the client is connected to, and steps for the
//! server.

use super::app::Namespace;
use super::engine::Version;
use super::line::Line;
use super::telling::{self, Connected, To};
use crate::step::{Step, Steps};

/// Where the answer to a client's event goes. It can't be copied: an event is answered once.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ack {
    pub(super) namespace: Namespace,
    /// Private: only who hears an event makes one.
    id: u64,
}

impl Ack {
    /// Of an event that was heard.
    pub(super) fn new(namespace: Namespace, id: u64) -> Self {
        Self { namespace, id }
    }
}

/// How a client stands to a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It isn't there.
    Out,
    /// It has asked for it, and isn't answered yet.
    Asked,
    /// It is there.
    In,
}

/// Where a client stands: a place for each namespace that there is, so that no client makes it longer (THREATS T15).
#[derive(Debug)]
pub(super) struct Places {
    places: Vec<(Namespace, Place)>,
    /// What the names of its sockets begin with.
    stem: [u8; 14],
    /// It is, or was, in one of them.
    pub(super) came: bool,
}

impl Places {
    /// In none of these. The stem tells this connection's sockets from all others'.
    pub(super) fn new(namespaces: &'static [Namespace], stem: [u8; 14]) -> Self {
        Self { places: namespaces.iter().map(|name| (*name, Place::Out)).collect(), stem, came: false }
    }

    /// The namespace of this name, and how the client stands to it; none when there is none.
    pub(super) fn find(&self, name: &str) -> Option<(Namespace, Place)> {
        self.places.iter().find(|(namespace, _)| *namespace == name).copied()
    }

    /// From now on it stands so.
    pub(super) fn set(&mut self, namespace: &str, place: Place) {
        self.came |= place == Place::In;
        if let Some((_, old)) = self.places.iter_mut().find(|(name, _)| *name == namespace) {
            *old = place;
        }
    }

    fn is(&self, namespace: &str, place: Place) -> bool {
        self.find(namespace).is_some_and(|(_, is)| is == place)
    }

    /// The name of the client's socket in a namespace: 20 characters, as everywhere. It proves nothing, unlike the
    /// session's, which only its own client knows.
    fn socket_id(&self, namespace: &str) -> String {
        let place = self.places.iter().position(|(name, _)| *name == namespace);
        let mut bytes = [0; 15];
        bytes[..14].copy_from_slice(&self.stem);
        bytes[14] = place.and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX);
        base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, bytes)
    }
}

/// What an application says.
pub(super) struct Out<'a> {
    pub(super) line: &'a mut Line,
    pub(super) places: &'a mut Places,
    pub(super) steps: &'a mut Steps,
}

impl Out<'_> {
    /// Grants a connection that was asked for; nothing else is done of one that wasn't. With a `pid` the client may come
    /// back and be told what it missed; protocol 4 has none.
    pub(super) fn connected(&mut self, namespace: Namespace, pid: Option<&str>) {
        if !self.places.is(namespace, Place::Asked) {
            return;
        }
        self.places.set(namespace, Place::In);
        let (version, sid) = (self.line.version(), self.places.socket_id(namespace));
        self.text(|buffer| telling::write_connect(version, buffer, namespace, Connected { sid: &sid, pid }));
    }

    /// Refuses a connection that was asked for. The client's other namespaces stay.
    pub(super) fn refused(&mut self, namespace: Namespace, message: &str) {
        if self.places.is(namespace, Place::Asked) {
            self.places.set(namespace, Place::Out);
            let version = self.line.version();
            self.text(|buffer| telling::write_connect_error(version, buffer, namespace, message));
        }
    }

    /// Says an event. `arguments` writes JSON values with commas between them, or nothing. Where the client isn't
    /// connected, nothing is said, as with everything that follows.
    pub(super) fn emit(&mut self, namespace: Namespace, name: &str, arguments: impl FnOnce(&mut Vec<u8>)) {
        self.emit_with(namespace, name, &[], arguments);
    }

    /// Says an event with attachments, 10 at most, for which placeholders stand in its arguments.
    pub(super) fn emit_with(
        &mut self,
        namespace: Namespace,
        name: &str,
        attachments: &[Vec<u8>],
        arguments: impl FnOnce(&mut Vec<u8>),
    ) {
        if self.places.is(namespace, Place::In) {
            let to = to(namespace, attachments);
            self.text(|buffer| telling::write_event(buffer, to, name, arguments, None));
            self.attach(attachments);
        }
    }

    /// Answers an event, with arguments written like those of [`Out::emit`].
    pub(super) fn ack(&mut self, ack: Ack, arguments: impl FnOnce(&mut Vec<u8>)) {
        self.ack_with(ack, &[], arguments);
    }

    /// Answers an event with attachments.
    #[expect(clippy::needless_pass_by_value, reason = "who has answered has nothing left to answer with")]
    pub(super) fn ack_with(&mut self, ack: Ack, attachments: &[Vec<u8>], arguments: impl FnOnce(&mut Vec<u8>)) {
        let Ack { namespace, id } = ack;
        if self.places.is(namespace, Place::In) {
            let to = to(namespace, attachments);
            self.text(|buffer| telling::write_ack(buffer, to, id, arguments));
            self.attach(attachments);
        }
    }

    /// Puts the client out of a namespace. The application is not told that it left.
    pub(super) fn disconnect(&mut self, namespace: Namespace) {
        if self.places.is(namespace, Place::In) {
            self.places.set(namespace, Place::Out);
            self.text(|buffer| telling::write_disconnect(buffer, namespace));
        }
    }

    /// Closes the connection after what was said. A stock client that was not put out of its namespaces comes back.
    pub(super) fn close(&mut self) {
        self.line.close(self.steps);
    }

    /// Has the server do something: a call, a hint, who the client is.
    pub(super) fn step(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// The version of Engine.IO that the client speaks: four has protocol 5, three has protocol 4.
    pub(super) fn version(&self) -> Version {
        self.line.version()
    }

    /// Says a packet.
    pub(super) fn text(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut text = Vec::new();
        write(&mut text);
        self.steps.push(Step::Say(text));
    }

    fn attach(&mut self, attachments: &[Vec<u8>]) {
        for data in attachments {
            self.line.say_binary(data, self.steps);
        }
    }
}

fn to(namespace: Namespace, attachments: &[Vec<u8>]) -> To<'static> {
    To { namespace, attachments: u8::try_from(attachments.len()).unwrap_or(u8::MAX) }
}
