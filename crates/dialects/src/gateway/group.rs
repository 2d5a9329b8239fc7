//! What a client says of groups: each changes the group, and has its members told by a frame of the same name, in which
//! who did it and when are the server's own words (THREATS T8).

use std::collections::BTreeSet;

use domain::Text;
use domain::command::GroupChange;
use domain::id::{Millis, UserId};
use domain::limits::GROUP_MEMBERS_MAX;
use domain::model::{Person, Role, RoomKey};
use serde::{Deserialize, Serialize};

use super::heard::{Heard, Unheard, fields, room, speaks, wanted};
use super::{kept, wire};
use crate::format::Seconds;
use crate::json;

/// What a group is called that has no name of its own (facts 3).
pub(super) const GROUP_CHAT: &str = "Group Chat";
/// Fewest users of a new group, its maker among them or not (facts 4).
const PARTICIPANTS_MIN: usize = 2;

/// A frame for others, kept or passed on as text.
pub(super) fn text(frame: &impl Serialize) -> Text {
    let mut buffer = Vec::new();
    json::write(&mut buffer, frame);
    Text::from(String::from_utf8(buffer).expect("JSON is UTF-8"))
}

fn group(room: RoomKey, change: GroupChange, kind: &'static str, data: impl Serialize) -> Heard {
    Heard::Group { room, change, notice: text(&wire::Frame { kind, data }) }
}

/// Users, each once, in the order given, with their names where a list of names fits it.
fn users(ids: Option<Vec<String>>, names: Option<Vec<String>>) -> Result<(Vec<String>, Vec<String>), Unheard> {
    let ids = ids.unwrap_or_default();
    let names = names.filter(|names| names.len() == ids.len());
    // One more than may be members, for the maker.
    if ids.len() > GROUP_MEMBERS_MAX + 1 {
        return Err(Unheard);
    }
    let mut seen = BTreeSet::new();
    let names = names.map_or_else(|| ids.clone(), |names| names.into_iter().map(given).collect());
    let pairs = ids.into_iter().zip(names).filter(|(id, _)| seen.insert(id.clone()));
    Ok(pairs.unzip())
}

fn given(name: String) -> String {
    kept::name(Some(name)).unwrap_or_default()
}

fn user(id: &str) -> Result<UserId, Unheard> {
    UserId::new(id).map_err(|_| Unheard)
}

/// `groupCreated`: the speaker makes and owns it, its admins moderate.
pub(super) fn created(frame: &str, who: &Person, now: Millis) -> Result<Heard, Unheard> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Fields {
        conversation_id: Option<String>,
        group_name: Option<String>,
        participant_ids: Option<Vec<String>>,
        participant_names: Option<Vec<String>>,
        created_by: Option<String>,
        created_by_name: Option<String>,
        group_admins: Option<Vec<String>>,
    }
    let said: Fields = fields(frame)?;
    speaks(said.created_by.as_deref(), &who.id)?;
    let conversation_id = wanted(said.conversation_id)?;
    let key = room(&conversation_id, &who.id)?;
    let (me, name) = (who.id.as_str().to_owned(), kept::sender_name(who, said.created_by_name));
    let name = name.unwrap_or_else(|| who.name.to_string());
    let (mut ids, mut names) = users(said.participant_ids, said.participant_names)?;
    if ids.len() < PARTICIPANTS_MIN {
        return Err(Unheard);
    }
    if !ids.contains(&me) {
        ids.push(me.clone());
        names.push(name.clone());
    }
    let asked = said.group_admins.unwrap_or_default();
    let admins: Vec<String> = ids.iter().filter(|id| **id == me || asked.contains(id)).cloned().collect();
    let role = |id: &String| if admins.contains(id) { Role::Moderator } else { Role::Member };
    let others = ids.iter().filter(|id| **id != me);
    let members = others.map(|id| Ok((user(id)?, role(id)))).collect::<Result<_, Unheard>>()?;
    let title = said.group_name.filter(|name| !name.is_empty()).unwrap_or_else(|| GROUP_CHAT.into());
    let data = wire::GroupCreated {
        conversation_id: &conversation_id,
        group_name: &title,
        participant_ids: &ids,
        participant_names: &names,
        is_group_chat: true,
        created_by: &me,
        created_by_name: &name,
        created_at: Seconds(now),
        group_admins: &admins,
    };
    Ok(group(key, GroupChange::Make { title: title.as_str().into(), members }, "groupCreated", data))
}

/// `groupUpdate`: another name.
pub(super) fn updated(frame: &str, who: &Person, now: Millis) -> Result<Heard, Unheard> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Fields {
        conversation_id: Option<String>,
        group_name: Option<String>,
        updated_by: Option<String>,
        updated_by_name: Option<String>,
    }
    let said: Fields = fields(frame)?;
    speaks(said.updated_by.as_deref(), &who.id)?;
    let (conversation_id, title) = (wanted(said.conversation_id)?, wanted(said.group_name)?);
    let name = kept::sender_name(who, said.updated_by_name);
    let data = wire::GroupUpdate {
        conversation_id: &conversation_id,
        group_name: &title,
        updated_by: who.id.as_str(),
        updated_by_name: name.as_deref().unwrap_or(&who.name),
        timestamp: Seconds(now),
    };
    let key = room(&conversation_id, &who.id)?;
    Ok(group(key, GroupChange::Retitle(title.as_str().into()), "groupUpdate", data))
}

/// `groupMembersAdded`. No service has ever taken it, so its keys are what clients may call new members.
pub(super) fn members_added(frame: &str, who: &Person, now: Millis) -> Result<Heard, Unheard> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Fields {
        conversation_id: Option<String>,
        member_ids: Option<Vec<String>>,
        new_member_ids: Option<Vec<String>>,
        added_member_ids: Option<Vec<String>>,
        added_members: Option<Vec<String>>,
        participant_ids: Option<Vec<String>>,
        member_names: Option<Vec<String>>,
        new_member_names: Option<Vec<String>>,
        added_member_names: Option<Vec<String>>,
        participant_names: Option<Vec<String>>,
        added_by: Option<String>,
        added_by_name: Option<String>,
    }
    let said: Fields = fields(frame)?;
    speaks(said.added_by.as_deref(), &who.id)?;
    let conversation_id = wanted(said.conversation_id)?;
    let ids = said.new_member_ids.or(said.added_member_ids).or(said.added_members);
    let names = said.new_member_names.or(said.added_member_names).or(said.member_names).or(said.participant_names);
    let (ids, names) = users(ids.or(said.member_ids).or(said.participant_ids), names)?;
    if ids.is_empty() {
        return Err(Unheard);
    }
    let members = ids.iter().map(|id| user(id)).collect::<Result<_, Unheard>>()?;
    let name = kept::sender_name(who, said.added_by_name);
    let data = wire::GroupMembersAdded {
        conversation_id: &conversation_id,
        member_ids: &ids,
        member_names: &names,
        added_by: who.id.as_str(),
        added_by_name: name.as_deref().unwrap_or(&who.name),
        timestamp: Seconds(now),
    };
    Ok(group(room(&conversation_id, &who.id)?, GroupChange::Admit(members), "groupMembersAdded", data))
}

/// `groupMemberLeft`: the speaker goes.
pub(super) fn member_left(frame: &str, who: &Person, now: Millis) -> Result<Heard, Unheard> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Fields {
        conversation_id: Option<String>,
        user_id: Option<String>,
        user_name: Option<String>,
        member_id: Option<String>,
        member_name: Option<String>,
    }
    let said: Fields = fields(frame)?;
    speaks(said.user_id.as_deref(), &who.id)?;
    speaks(said.member_id.as_deref(), &who.id)?;
    let conversation_id = wanted(said.conversation_id)?;
    let name = kept::sender_name(who, said.user_name.or(said.member_name));
    let data = wire::GroupMemberLeft {
        conversation_id: &conversation_id,
        user_id: who.id.as_str(),
        user_name: name.as_deref().unwrap_or(&who.name),
        timestamp: Seconds(now),
    };
    Ok(group(room(&conversation_id, &who.id)?, GroupChange::Quit, "groupMemberLeft", data))
}
