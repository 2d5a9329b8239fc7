//! What requests say: numbers in paths, messages and users in bodies. What is wrong with them is told field by field, as
//! the contract's framework does.

use domain::Text;
use domain::command::{Command, Draft, Registration};
use domain::id::{Offset, UserId, UserNumber};
use domain::identity::Denied;
use domain::model::MessageKind;
use domain::query::Which;
use domain::refusal::Refusal;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::words::{self, About};
use super::{MANNERS, ints};
use crate::unprocessable::{self, Input, Pages, Wrongs};
use crate::{Answer, Ask};

/// The contract's service points to no pages.
pub(super) const PAGES: Pages = None;

/// Longest `content`, in characters (page 7).
const CONTENT_CHARS_MAX: usize = 10_000;

/// What the path captured first; every pattern here captures one thing at most.
pub(super) fn captured(ask: &Ask) -> &str {
    ask.captured.first().map_or("", String::as_str)
}

/// The user that a socket's path names.
pub(super) fn number_in_path(ask: &Ask) -> Option<UserNumber> {
    ints::of_text(captured(ask)).ok().and_then(ints::number)
}

/// The integer that the path names something by.
fn id(ask: &Ask, name: &'static str) -> Result<i64, Answer> {
    let given = captured(ask);
    ints::of_text(given).map_err(|why| {
        let mut wrongs = Wrongs::new(PAGES);
        why.tell(["path", name], Input::Text(given), &mut wrongs);
        wrongs.answer().err().unwrap_or_else(words::unexpected)
    })
}

/// The user that a look-up's path names.
pub(super) fn user(ask: &Ask) -> Result<UserNumber, Answer> {
    ints::number(id(ask, "user_id")?).ok_or_else(|| words::answer(&Refusal::UserNotFound, About::User))
}

/// The conversation that the path names, by where it began.
pub(super) fn conversation(ask: &Ask) -> Result<Offset, Answer> {
    ints::offset(id(ask, "conv_id")?).ok_or_else(|| words::answer(&Refusal::RoomNotFound, About::Messages))
}

/// The body of a message, each field as it came. Whatever else is in it, sender and time are the server's (THREATS T8).
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default, deserialize_with = "unprocessable::given")]
    receiver_id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "unprocessable::given")]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    client_id: Option<&'a RawValue>,
}

/// The sending that a body asks for.
pub(super) fn sending(ask: &Ask) -> Result<Command, Answer> {
    let (body, whole) = unprocessable::body::<Message<'_>>(ask, PAGES)?;
    let mut wrongs = Wrongs::new(PAGES);
    let receiver = match body.receiver_id {
        Some(raw) => ints::of_json(raw)
            .map_err(|why| why.tell(["body", "receiver_id"], Input::Json(raw), &mut wrongs))
            .unwrap_or_default(),
        None => {
            wrongs.missing("receiver_id", whole);
            0
        }
    };
    let content = match body.content {
        Some(raw) => wrongs.sayable("content", raw, CONTENT_CHARS_MAX),
        None => {
            wrongs.missing("content", whole);
            None
        }
    };
    let client_id = body.client_id.and_then(|raw| wrongs.client_id(raw));
    wrongs.answer()?;
    let nobody = || words::answer(&Refusal::UserNotFound, About::Message);
    let to = Which::Number(ints::number(receiver).ok_or_else(nobody)?);
    let content = content.unwrap_or_else(|| Text::from(""));
    let draft = Draft { kind: MessageKind::Text, content, reply_to: None, client_id, extra: None, alias: None };
    Ok(Command::SendTo { to, draft, manners: MANNERS })
}

/// The body of a user. An id is not theirs to choose, and a password is not looked at, let alone kept (RULES 5).
#[derive(Deserialize)]
struct User<'a> {
    #[serde(borrow, default, deserialize_with = "unprocessable::given")]
    username: Option<&'a RawValue>,
    #[serde(borrow)]
    email: Option<&'a RawValue>,
    #[serde(borrow)]
    full_name: Option<&'a RawValue>,
    #[serde(borrow)]
    bio: Option<&'a RawValue>,
    #[serde(borrow)]
    avatar_url: Option<&'a RawValue>,
}

/// The registration that a body asks for.
pub(super) fn registration(ask: &Ask) -> Result<Command, Answer> {
    let (body, whole) = unprocessable::body::<User<'_>>(ask, PAGES)?;
    let mut wrongs = Wrongs::new(PAGES);
    let name = match body.username {
        Some(raw) => name(raw, &mut wrongs),
        None => {
            wrongs.missing("username", whole);
            None
        }
    };
    let mut told =
        |field, raw: Option<_>| -> Option<Text> { raw.and_then(|raw| wrongs.string(field, raw)).map(Text::from) };
    let email = told("email", body.email);
    let full_name = told("full_name", body.full_name);
    let bio = told("bio", body.bio);
    let avatar_url = told("avatar_url", body.avatar_url);
    wrongs.answer()?;
    let name = name.unwrap_or_else(|| Text::from(""));
    Ok(Command::Register(Registration { name, email, full_name, bio, avatar_url }))
}

/// A name that can be somebody's: what comes by it later has it as its id in development mode.
fn name<'a>(raw: &'a RawValue, wrongs: &mut Wrongs<'a>) -> Option<Text> {
    let name = wrongs.string("username", raw)?;
    match UserId::new(&name) {
        Ok(name) => Some(name.text()),
        Err(why) => {
            wrongs.value(["body", "username"], Input::Json(raw), &why.to_string());
            None
        }
    }
}

/// What is asked of a path that only somebody may ask.
pub(super) fn somebody<T>(who: Option<&T>) -> Result<(), Answer> {
    who.map(|_| ()).ok_or_else(|| words::denied(Denied::Missing))
}
