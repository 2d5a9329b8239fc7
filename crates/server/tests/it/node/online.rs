//! Who is online, connected or heard of.

use domain::command::{Command, Reply};
use domain::id::UserId;
use domain::identity::Scopes;
use domain::limits;
use domain::query::Query;
use domain::refusal::Refusal;
use server::node::Input;

use super::house::{House, user};

fn online(users: &[&str]) -> Query {
    Query::Online { users: users.iter().map(|id| user(id)).collect::<Vec<UserId>>() }
}

#[test]
fn a_connection_or_a_heartbeat_is_online() {
    let mut house = House::new();
    let (alice, bob, carol) = (house.connect("alice", 1), house.user("bob"), house.user("carol"));
    let all = ["carol", "bob", "alice", "nobody"];
    assert_eq!(house.asks(&carol, online(&all)), Ok(Reply::Online(vec![false, false, true, false])));
    assert_eq!(house.does(&bob, Command::Beat), Ok(Reply::Done));
    assert_eq!(house.asks(&carol, online(&all)), Ok(Reply::Online(vec![false, true, true, false])));
    house.now = house.now.plus(limits::BEAT_MS - 1);
    house.tick();
    assert_eq!(house.asks(&carol, online(&["bob"])), Ok(Reply::Online(vec![true])));
    house.now = house.now.plus(1);
    assert_eq!(house.asks(&carol, online(&["bob"])), Ok(Reply::Online(vec![false])), "two minutes are over");
    assert_eq!(house.does(&alice, Command::Beat), Ok(Reply::Done));
    assert_eq!(house.does(&alice, Command::Rest), Ok(Reply::Done));
    assert_eq!(house.asks(&carol, online(&["alice"])), Ok(Reply::Online(vec![true])), "connected still");
    house.does(&alice, Command::Beat).expect("users may");
    house.put(Input::Gone(alice.connection.expect("it has one")));
    house.settle();
    assert_eq!(house.asks(&carol, online(&["alice"])), Ok(Reply::Online(vec![true])));
    assert_eq!(house.does(&alice, Command::Rest), Ok(Reply::Done));
    assert_eq!(house.asks(&carol, online(&["alice"])), Ok(Reply::Online(vec![false])));
}

#[test]
fn what_is_refused() {
    let mut house = House::new();
    let (alice, back_end) = (house.user("alice"), house.back_end(Scopes::BROADCAST));
    let many = |count: usize| Query::Online { users: vec![user("bob"); count] };
    assert!(house.asks(&alice, many(limits::ONLINE_ASKED_MAX)).is_ok());
    assert_eq!(house.asks(&alice, many(limits::ONLINE_ASKED_MAX + 1)), Err(Refusal::Invalid));
    assert_eq!(house.does(&back_end, Command::Beat), Err(Refusal::Forbidden));
    assert_eq!(house.does(&back_end, Command::Rest), Err(Refusal::Forbidden));
}
