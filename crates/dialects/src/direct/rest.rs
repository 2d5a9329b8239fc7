//! REST of `direct`: who is known, what is said, which conversations there are. Each a pure request → one command or query →
//! response. Every path is there with and without a slash at its end, for redirects lose bodies.

use std::sync::Arc;

use domain::Text;
use domain::command::Reply;
use domain::id::{Millis, Offset};
use domain::model::Person;
use domain::query::{Place, Query, Which};
use domain::refusal::Refusal;

use super::heard::{self, captured, somebody};
use super::page::Page;
use super::words::{self, About};
use super::{SYNC, wire};
use crate::format::Time;
use crate::{Answer, Ask, Request, Rest};

type Who<'a> = Option<&'a Arc<Person>>;
type Asking = fn(&Ask, Who<'_>) -> Result<Request, Answer>;
type Answering = fn(&Ask, Result<&Reply, &Refusal>, Millis) -> Answer;

/// The REST calls behind this prefix. In development mode users are made and looked up by anybody, and nobody is asked
/// for an auth service's key.
pub(super) fn doors(prefix: &str, development: bool) -> Vec<Rest> {
    let (info, ask_create): (Asking, Asking) =
        if development { (info::<true>, ask_create::<true>) } else { (info::<false>, ask_create::<false>) };
    let table: [(&'static str, &str, &'static str, bool, Asking, Answering); 9] = [
        ("GET", "", "info", true, info, no_answer),
        ("GET", "/health", "health", true, |_, _| Ok(Request::Ask(Query::Counts)), health),
        ("POST", "/users", "register", true, ask_create, created),
        ("POST", SYNC, "sync", development, ask_sync, synced),
        ("GET", "/users/{user_id}", "user", development, ask_user, user),
        ("GET", "/users/username/{username}", "user_by_name", development, ask_username, user),
        ("POST", "/messages", "send", false, ask_send, sent),
        ("GET", "/messages/{conv_id}", "history", false, ask_history, history),
        ("GET", "/conversations", "conversations", false, ask_conversations, conversations),
    ];
    let paths = table.into_iter().flat_map(|(method, path, name, anonymous, ask, answer)| {
        let forms = [format!("{prefix}{path}/"), format!("{prefix}{path}")];
        forms.into_iter().map(move |path| Rest { method, path, name, anonymous, ask, answer })
    });
    // Without a prefix the info is at the root, which has no form without its slash.
    paths.filter(|rest| !rest.path.is_empty()).collect()
}

fn info<const DEVELOPMENT: bool>(ask: &Ask, _: Who<'_>) -> Result<Request, Answer> {
    // The path that it was asked at is the prefix.
    Err(Answer::json(200, &wire::Info::of(ask.path.trim_end_matches('/'), DEVELOPMENT)))
}

/// Of what is answered at once.
fn no_answer(_: &Ask, _: Result<&Reply, &Refusal>, _: Millis) -> Answer {
    words::unexpected()
}

fn health(_: &Ask, reply: Result<&Reply, &Refusal>, now: Millis) -> Answer {
    match reply {
        Ok(Reply::Counts { connections, rooms }) => {
            let (active_connections, active_rooms) = (*connections, *rooms);
            let timestamp = Time(now);
            Answer::json(200, &wire::Health { status: "healthy", active_connections, active_rooms, timestamp })
        }
        Ok(_) => words::unexpected(),
        Err(refusal) => words::answer(refusal, About::User),
    }
}

fn ask_create<const DEVELOPMENT: bool>(ask: &Ask, _: Who<'_>) -> Result<Request, Answer> {
    if !DEVELOPMENT {
        return Err(words::answer(&Refusal::NotAllowed, About::Registration));
    }
    heard::registration(ask).map(Request::Do)
}

fn created(_: &Ask, reply: Result<&Reply, &Refusal>, _: Millis) -> Answer {
    registered(reply, About::Registration)
}

fn ask_sync(ask: &Ask, _: Who<'_>) -> Result<Request, Answer> {
    heard::registration(ask).map(Request::Do)
}

fn synced(_: &Ask, reply: Result<&Reply, &Refusal>, _: Millis) -> Answer {
    registered(reply, About::Sync)
}

/// Made or known before: the contract's service answers both alike.
fn registered(reply: Result<&Reply, &Refusal>, about: About) -> Answer {
    match reply {
        Ok(Reply::User(user)) => Answer::json(201, &wire::User::of(user)),
        Ok(_) => words::unexpected(),
        Err(refusal) => words::answer(refusal, about),
    }
}

fn ask_user(ask: &Ask, _: Who<'_>) -> Result<Request, Answer> {
    Ok(Request::Ask(Query::User(Which::Number(heard::user(ask)?))))
}

fn ask_username(ask: &Ask, _: Who<'_>) -> Result<Request, Answer> {
    Ok(Request::Ask(Query::User(Which::Name(Text::from(captured(ask))))))
}

fn user(_: &Ask, reply: Result<&Reply, &Refusal>, _: Millis) -> Answer {
    match reply {
        Ok(Reply::User(user)) => Answer::json(200, &wire::User::of(user)),
        Ok(_) => words::unexpected(),
        Err(refusal) => words::answer(refusal, About::User),
    }
}

fn ask_send(ask: &Ask, who: Who<'_>) -> Result<Request, Answer> {
    somebody(who)?;
    heard::sending(ask).map(Request::Do)
}

fn sent(_: &Ask, reply: Result<&Reply, &Refusal>, _: Millis) -> Answer {
    match reply {
        // Whether it has reached anybody shows later: nobody's end has answered yet (RULES 18).
        Ok(Reply::Sent { event, repeat }) => match event.message() {
            Some(message) => {
                let status = if *repeat { 200 } else { 201 };
                Answer::json(status, &wire::Message::of(event, &message.content, wire::SENT))
            }
            None => words::unexpected(),
        },
        Ok(_) => words::unexpected(),
        Err(refusal) => words::answer(refusal, About::Message),
    }
}

fn ask_history(ask: &Ask, who: Who<'_>) -> Result<Request, Answer> {
    somebody(who)?;
    let born = heard::conversation(ask)?;
    let Page { window, most, .. } = Page::of_messages(ask)?;
    Ok(Request::Ask(Query::History { room: Place::Born(born), window, skip: 0, most }))
}

fn history(ask: &Ask, reply: Result<&Reply, &Refusal>, _: Millis) -> Answer {
    match reply {
        Ok(Reply::History { entries, total }) => {
            let messages: Vec<_> = entries.iter().map(wire::Message::now).collect();
            let answer = Answer::json(200, &messages);
            match Page::of_messages(ask) {
                Ok(page) => page.link_messages(ask, entries, *total, answer),
                Err(wrong) => wrong,
            }
        }
        Ok(_) => words::unexpected(),
        Err(refusal) => words::answer(refusal, About::Messages),
    }
}

fn ask_conversations(ask: &Ask, who: Who<'_>) -> Result<Request, Answer> {
    somebody(who)?;
    let page = Page::of_conversations(ask)?;
    Ok(Request::Ask(Query::Conversations { before: page.window.below, most: page.most }))
}

fn conversations(ask: &Ask, reply: Result<&Reply, &Refusal>, _: Millis) -> Answer {
    match reply {
        Ok(Reply::Conversations(list)) => {
            let shown: Vec<_> = list.iter().map(wire::Conversation::of).collect();
            let answer = Answer::json(200, &shown);
            let born: Vec<Offset> = list.iter().map(|conversation| conversation.born).collect();
            match Page::of_conversations(ask) {
                Ok(page) => page.link_conversations(ask, &born, answer),
                Err(wrong) => wrong,
            }
        }
        Ok(_) => words::unexpected(),
        Err(refusal) => words::answer(refusal, About::Conversations),
    }
}
