//! Sessions that are polled, and sockets that take their place: every case of the public suites of Engine.IO and Socket.IO,
//! and what they leave open, on the production shards. Time is simulated, so that what they wait for is exact here.
//!
//! A case is its lines in `*.txt`: `#` names it and its endpoint. `open` opens a session; `a GET` and `a POST body` are
//! requests of it, `?query` makes them anything else; `a SCRIPT` and
//! `a FORM body` are those of a page, for its function 7; `a 200 body` is the answer. `s socket` opens a socket for the session,
//! or by a query; it `opens`, `says`, `hears`, `sends`, `receives`, `closes`, or is `silent`. `wait` lets time pass.

mod stage;
mod upgrades;

use self::stage::Stage;
use crate::world::Chaos;

/// Plays all cases of a file; gives how many there are.
fn play_all(text: &str) -> usize {
    let (mut failures, mut cases) = (Vec::new(), 0);
    let mut stage: Option<Stage> = None;
    for (number, line) in (1..).zip(text.lines()) {
        if let Some(title) = line.strip_prefix("# ") {
            let path = title.split(' ').next().expect("a title begins with its endpoint");
            stage = Some(Stage::new(path, 1, Chaos::none()));
            cases += 1;
        } else if !line.is_empty()
            && let Some(playing) = &mut stage
            && let Err(why) = playing.play(line)
        {
            failures.push(format!("line {number}: {line}\n    {why}"));
            // What follows in this case says nothing.
            stage = None;
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    cases
}

#[test]
fn version_4_of_engine_io_is_spoken_as_its_suite_wants() {
    assert_eq!(play_all(include_str!("engine4.txt")), 25);
}

#[test]
fn version_3_of_engine_io_is_spoken_as_its_suite_wants() {
    assert_eq!(play_all(include_str!("engine3.txt")), 23);
}

#[test]
fn socket_io_is_spoken_as_its_suite_wants() {
    assert_eq!(play_all(include_str!("socketio.txt")), 32);
}

#[test]
fn scripts_and_forms_poll_as_well() {
    assert_eq!(play_all(include_str!("jsonp.txt")), 16);
}

#[test]
fn what_the_suites_leave_open_is_as_the_reference_has_it() {
    assert!(play_all(include_str!("more.txt")) > 20);
}
