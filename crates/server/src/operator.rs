//! What operators do to a store: keys made, listed and revoked. A running server does it for them, over a Unix socket in
//! the data directory, because it is the one writer and has the keys in memory (HAZARDS 26); when none runs, the store is
//! opened for it.
//!
//! A line of JSON each way: `{"key_add":{"user":"alice"}}`, `{"key_add":{"service":"billing","scopes":["stats"]}}`,
//! `{"key_list":{}}`, `{"key_revoke":{"id":"…"}}`; answered by `{"good":true,"text":"…"}`.

use std::fs::Permissions;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use std::time::Duration;

use adapters::auth::{KeyRing, new_key, random};
use adapters::port::{
    Batch, Failure, FailureKind, Found, Holder, Key, KeyChange, Outcome, Read as Ask, Reader, Store, Write as Change,
    Writer,
};
use domain::Text;
use domain::id::{Life, Millis, UserId};
use domain::identity::Scopes;
use serde::{Deserialize, Serialize};

use crate::cli::{self, Said, Verb};
use crate::threads::clock::Clock;
use crate::threads::{Job, WriterDoor, spawn};

/// The socket's name in the data directory.
const SOCKET: &str = "operator.sock";
/// How long either side waits for the other.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest line, in bytes. A list of keys comes back in one.
const LINE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// What an operator wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Wish {
    #[serde(rename = "key_add")]
    Add(WireHolder),
    #[serde(rename = "key_list")]
    List {},
    #[serde(rename = "key_revoke")]
    Revoke { id: String },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum WireHolder {
    User { user: String },
    Service { service: String, scopes: Vec<String> },
}

/// What became of it.
#[derive(Debug, Serialize, Deserialize)]
struct Told {
    good: bool,
    text: String,
}

/// The store as an operator's wishes need it: behind a running server's writer, or opened for the occasion.
trait Vault {
    fn commit(&mut self, change: KeyChange) -> Result<Vec<Outcome>, Failure>;
    fn keys(&mut self) -> Result<Vec<Key>, Failure>;
}

/// Carries out a command about keys: through the server that runs on this data directory, else on the store itself.
///
/// # Errors
/// When neither can be reached.
pub fn carry_out(
    verb: &Verb,
    data_dir: &Path,
    open: impl FnOnce() -> anyhow::Result<Arc<dyn Store>>,
    now: Millis,
) -> anyhow::Result<Said> {
    let Some(wish) = wish_of(verb) else { anyhow::bail!("this is no command about keys; this is a bug") };
    match UnixStream::connect(data_dir.join(SOCKET)) {
        Ok(stream) => Ok(ask_server(stream, &wish)?),
        // No socket, or one that a server left behind when it was killed.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            let store = open()?;
            let mut vault = Opened { writer: store.writer()?, reader: store.reader()? };
            Ok(fulfil(&wish, &mut vault, now))
        }
        Err(error) => Err(error.into()),
    }
}

fn wish_of(verb: &Verb) -> Option<Wish> {
    match verb {
        Verb::KeyAdd(Holder::User(user)) => Some(Wish::Add(WireHolder::User { user: user.to_string() })),
        Verb::KeyAdd(Holder::Service(service, scopes)) => {
            let named = Scopes::NAMED.iter().filter(|(_, one)| scopes.has(*one));
            let scopes = named.map(|(name, _)| (*name).to_owned()).collect();
            Some(Wish::Add(WireHolder::Service { service: service.to_string(), scopes }))
        }
        Verb::KeyList => Some(Wish::List {}),
        Verb::KeyRevoke(id) => Some(Wish::Revoke { id: id.to_string() }),
        Verb::Serve
        | Verb::TokenIssue(_)
        | Verb::TokenCheck(_)
        | Verb::ConfigCheck
        | Verb::ConfigShow
        | Verb::ConfigDocs
        | Verb::Healthcheck => None,
    }
}

fn ask_server(mut stream: UnixStream, wish: &Wish) -> io::Result<Said> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let line = serde_json::to_string(wish)? + "\n";
    stream.write_all(line.as_bytes())?;
    let mut answer = String::new();
    BufReader::new(stream.take(LINE_BYTES_MAX)).read_line(&mut answer)?;
    let Told { good, text } = serde_json::from_str(&answer)?;
    Ok(Said { text, good })
}

fn fulfil(wish: &Wish, vault: &mut dyn Vault, now: Millis) -> Said {
    match wish {
        Wish::Add(holder) => holder_of(holder).and_then(|holder| add(holder, vault, now)),
        Wish::List {} => vault.keys().map(|keys| cli::listed(&keys)).map_err(|failure| failure.to_string()),
        Wish::Revoke { id } => revoke(id, vault),
    }
    .map_or_else(|error| Said { text: format!("error: {error}\n"), good: false }, |text| Said { text, good: true })
}

fn holder_of(holder: &WireHolder) -> Result<Holder, String> {
    match holder {
        WireHolder::User { user } => UserId::new(user).map(Holder::User).map_err(|bad| format!("the id {bad}")),
        WireHolder::Service { service, scopes } => {
            let mut all = Scopes::NONE;
            for name in scopes {
                let (_, scope) = Scopes::NAMED.iter().find(|(known, _)| known == name).ok_or("no such scope")?;
                all = all.and(*scope);
            }
            Ok(Holder::Service(Text::from(service.as_str()), all))
        }
    }
}

fn add(holder: Holder, vault: &mut dyn Vault, now: Millis) -> Result<String, String> {
    let random = random().map_err(|error| error.to_string())?;
    let new = new_key(holder, &random, now).map_err(|fault| fault.to_string())?;
    let outcome = single(vault.commit(KeyChange::Add(new.key.clone())))?;
    if outcome == Outcome::Done { Ok(cli::added(&new)) } else { Err(odd(&outcome)) }
}

fn revoke(id: &str, vault: &mut dyn Vault) -> Result<String, String> {
    let outcome = single(vault.commit(KeyChange::Revoke(Text::from(id))))?;
    if outcome == Outcome::Done {
        Ok(format!("the key {id} is good no more\n"))
    } else if outcome == Outcome::Conflict {
        Err(format!("there is no key {id}"))
    } else {
        Err(odd(&outcome))
    }
}

fn single(outcomes: Result<Vec<Outcome>, Failure>) -> Result<Outcome, String> {
    let mut outcomes = outcomes.map_err(|failure| failure.to_string())?;
    outcomes.pop().ok_or_else(|| "the store said nothing".to_owned())
}

fn odd(outcome: &Outcome) -> String {
    format!("the store answered otherwise than it should: {outcome:?}")
}

fn read_keys(reader: &mut dyn Reader) -> Result<Vec<Key>, Failure> {
    let Found::Keys(keys) = reader.read(&Ask::Keys)? else {
        return Err(Failure::new(FailureKind::Unavailable, "the store answered a read with another kind of answer"));
    };
    Ok(keys)
}

/// A ring of the keys in a store.
///
/// # Errors
/// When they can't be read.
pub fn ring(store: &dyn Store) -> Result<KeyRing, Failure> {
    Ok(KeyRing::new(&read_keys(store.reader()?.as_mut())?))
}

/// No server runs: the store is ours.
struct Opened {
    writer: Box<dyn Writer>,
    reader: Box<dyn Reader>,
}

impl Vault for Opened {
    fn commit(&mut self, change: KeyChange) -> Result<Vec<Outcome>, Failure> {
        self.writer.commit(&Batch { life: Life(0), writes: vec![Change::Key(change)] })
    }

    fn keys(&mut self) -> Result<Vec<Key>, Failure> {
        read_keys(self.reader.as_mut())
    }
}

/// Has those looked at who came by a key.
pub type Changed = Box<dyn Fn() + Send>;

/// A server runs: its writer commits, and its ring follows before the operator is answered; then whoever came by a key is
/// looked at again.
struct Served {
    writer: WriterDoor,
    reader: Box<dyn Reader>,
    ring: Arc<KeyRing>,
    changed: Changed,
}

impl Vault for Served {
    fn commit(&mut self, change: KeyChange) -> Result<Vec<Outcome>, Failure> {
        let (sender, outcome) = sync_channel(1);
        self.writer.give(Job::Keys(Batch { life: Life(0), writes: vec![Change::Key(change)] }, sender));
        let lost = || Failure::new(FailureKind::Unknown, "the writer has ended");
        let outcomes = outcome.recv().map_err(|_| lost())?;
        let keys = self.keys()?;
        self.ring.replace(&keys);
        (self.changed)();
        outcomes
    }

    fn keys(&mut self) -> Result<Vec<Key>, Failure> {
        read_keys(self.reader.as_mut())
    }
}

/// The operators' socket of a running server. Dropped, it hears nobody any more and is taken off the file system.
pub struct Desk {
    path: PathBuf,
    ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Desk {
    /// Opens the socket, for nobody but the server's own user, and hears one operator after the other.
    ///
    /// The caller holds the data directory's lock, so a socket that is there was left behind.
    ///
    /// # Errors
    /// When the socket can't be made.
    pub fn open(
        data_dir: &Path,
        writer: WriterDoor,
        reader: Box<dyn Reader>,
        ring: Arc<KeyRing>,
        changed: Changed,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let path = data_dir.join(SOCKET);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            Ok(()) | Err(_) => {}
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        let mut vault = Served { writer, reader, ring, changed };
        let ending = Arc::new(AtomicBool::new(false));
        let ends = ending.clone();
        let thread = spawn("operator", move || {
            for stream in listener.incoming() {
                if ends.load(Ordering::Acquire) {
                    return;
                }
                if let Err(error) = stream.and_then(|stream| hear(stream, &mut vault, clock)) {
                    tracing::warn!(%error, "An operator's command could not be heard or answered.");
                }
            }
        })?;
        Ok(Self { path, ending, thread: Some(thread) })
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Release);
        // A last visitor, who wakes the thread.
        if UnixStream::connect(&self.path).is_ok()
            && let Some(thread) = self.thread.take()
        {
            let _ = thread.join();
        }
        // Left behind it does no harm: nobody answers there.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn hear(mut stream: UnixStream, vault: &mut dyn Vault, clock: Clock) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = String::new();
    BufReader::new((&stream).take(64 * 1024)).read_line(&mut line)?;
    let said = match serde_json::from_str(&line) {
        Ok(wish) => {
            let said = fulfil(&wish, vault, clock.now());
            tracing::info!(done = said.good, "An operator gave a command about keys.");
            said
        }
        Err(_) => Said { text: "error: this server does not know that command\n".to_owned(), good: false },
    };
    let told = serde_json::to_string(&Told { good: said.good, text: said.text })? + "\n";
    stream.write_all(told.as_bytes())
}

#[cfg(test)]
mod tests {
    use adapters::store::memory::MemoryStore;

    use super::*;

    fn verb(line: &str) -> Verb {
        cli::parse(std::iter::once("switchboard").chain(line.split(' '))).expect("the line is good").verb
    }

    #[test]
    fn keys_without_a_server() {
        let store = MemoryStore::new(Life(1));
        let run = |line: &str| {
            let nowhere = Path::new("/nonexistent/switchboard");
            let opened = store.clone();
            carry_out(&verb(line), nowhere, || Ok(Arc::new(opened)), Millis(1_795_000_000_000)).expect("it is there")
        };
        let added = run("key add --service billing --scopes stats,guilds");
        assert!(added.good && added.text.starts_with("sbk_"), "{}", added.text);
        let id = added.text[4..16].to_owned();
        assert!(run("key add --user alice").good);
        let ring = ring(&store).expect("a memory can be read");
        assert_eq!(ring.len(), 2);
        let listed = run("key list");
        assert!(listed.good && listed.text.contains("alice") && listed.text.contains("guilds,stats"));
        assert!(run(&format!("key revoke {id}")).good);
        let again = run(&format!("key revoke {id}"));
        assert_eq!((again.good, again.text), (false, format!("error: there is no key {id}\n")));
        assert!(!run("key add --user service:x").good, "a user named like a back end");
    }

    #[test]
    fn lines_of_the_socket() {
        for (line, wish) in [
            (r#"{"key_add":{"user":"alice"}}"#, Some(Wish::Add(WireHolder::User { user: "alice".into() }))),
            (r#"{"key_list":{}}"#, Some(Wish::List {})),
            (r#"{"key_revoke":{"id":"00"}}"#, Some(Wish::Revoke { id: "00".into() })),
            (r#"{"shutdown":{}}"#, None),
            ("", None),
        ] {
            assert_eq!(serde_json::from_str(line).ok(), wish, "{line}");
        }
        let scopes = holder_of(&WireHolder::Service { service: "b".into(), scopes: vec!["all".into()] });
        assert_eq!(scopes, Err("no such scope".to_owned()));
    }
}
