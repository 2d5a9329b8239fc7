//! All transcripts hold, every path of every dialect is in one, and the runner can fail.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use adapters::store::sqlite::SqliteStore;

use dialects::{Ask, Way};
use domain::id::Life;

use super::parse::{Line, What};
use super::{folders, play, play_all, transcripts};

#[test]
fn the_dialects_keep_their_contracts() {
    let paths: Vec<_> = folders().iter().flat_map(|(_, folder)| transcripts(folder)).collect();
    assert!(!paths.is_empty(), "no transcript was found");
    play_all(&paths, || None);
}

#[test]
fn the_doors_open_onto_one_house() {
    let paths = transcripts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/babel"));
    assert!(!paths.is_empty(), "no transcript was found");
    play_all(&paths, || None);
}

/// The same on the store that the product has.
#[test]
fn the_doors_open_onto_one_house_on_disk() {
    let folder = std::env::temp_dir().join(format!("switchboard-babel-{}", std::process::id()));
    let paths = transcripts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/babel"));
    let houses = Cell::new(0);
    let played = play_all(&paths, || {
        houses.set(houses.get() + 1);
        let store = SqliteStore::open(&folder.join(houses.get().to_string()), Life(houses.get()));
        Some(Arc::new(store.expect("a store can be made in an empty directory")))
    });
    assert_eq!(played.len(), paths.len());
    std::fs::remove_dir_all(&folder).expect("what was made can be removed");
}

#[test]
fn every_dialect_has_transcripts_and_every_way_is_in_one() {
    let folders: BTreeMap<_, _> = folders().into_iter().collect();
    let mut left = Vec::new();
    for dialect in dialects::registry(&dialects::Settings::default()) {
        let folder = folders.get(dialect.door_name()).unwrap_or_else(|| panic!("{} has no folder", dialect.name()));
        let texts = transcripts(folder).into_iter().map(|path| std::fs::read_to_string(path).expect("it is a text"));
        let lines: Vec<Vec<Line>> =
            texts.map(|text| super::parse::parse(&text).expect("another test shows that it can be read")).collect();
        assert!(!lines.is_empty(), "{} has no transcripts", dialect.name());
        for way in dialect.doors() {
            let (shown, used) = match &way {
                Way::Socket(path) => (format!("WS {path}"), lines.iter().any(|lines| opens(lines, path))),
                // What is polled is the same session as on the socket; that it is told the same has tests of its own.
                // Reached by requests that a transcript doesn't make: `it/polling`, `it/managed`.
                Way::Polled(_) | Way::Connections(_) => continue,
                Way::Rest(rest) => (
                    format!("{} {}", rest.method, rest.path),
                    lines.iter().any(|lines| calls(lines, rest.method, &rest.path)),
                ),
            };
            if !used {
                left.push(format!("{}: {shown}", dialect.name()));
            }
        }
    }
    assert!(left.is_empty(), "no transcript uses these with success: {left:#?}");
}

fn fits(target: &str, pattern: &str) -> bool {
    let path = target.split('?').next().unwrap_or_default().to_owned();
    Ask { path, ..Ask::default() }.captures(pattern)
}

/// Whether somebody is let in at this path.
fn opens(lines: &[Line], pattern: &str) -> bool {
    lines.windows(2).any(|pair| match (&pair[0].what, &pair[1].what) {
        (What::Connect { who, target, .. }, What::Connected { who: same, answer }) => {
            who == same && answer.status == 101 && fits(target, pattern)
        }
        _ => false,
    })
}

/// Whether this call is made and does what it is for.
fn calls(lines: &[Line], called: &str, pattern: &str) -> bool {
    lines.windows(2).any(|pair| match (&pair[0].what, &pair[1].what) {
        (What::Rest { method, target, .. }, What::Answered(answer)) => {
            method == called && (200..300).contains(&answer.status) && fits(target, pattern)
        }
        _ => false,
    })
}

const TWO: &str = "@dev\na = ws /ws/rooms/r?token=a\na = 101\nb = ws /ws/rooms/r?token=b\nb = 101\n";

fn fails(more: &str, with: &[&str]) {
    let text = format!("{TWO}{more}");
    let why = play("t.txt", &text, None).map(|_| ()).expect_err(&format!("this should not hold:\n{more}"));
    for part in with {
        assert!(why.contains(part), "{why}\nshould say {part:?}, of:\n{more}");
    }
}

#[test]
fn what_does_not_hold_fails_with_its_line() {
    play("t.txt", &format!("{TWO}a > {{\"text\":\"hi\"}}\nb < \"$_\"\nb <none\na <none\n"), None).expect("this holds");
    let said = "a > {\"text\":\"hi\"}\n";
    fails(&format!("{said}b < {{\"type\":\"x\"}}\n"), &["t.txt:7", "expected {\"type\":\"x\"}", "got {\"id\":"]);
    // An extra frame, where nothing more is expected.
    fails(&format!("{said}b <none\n"), &["t.txt:7", "expected nothing", "got {\"id\":"]);
    fails(&format!("{said}{said}b < \"$_\"\nb <none\n"), &["t.txt:9"]);
    fails("b < \"$_\"\n", &["t.txt:6", "got nothing"]);
    fails("a > [1]\na < 42[\"error\"]\n", &["t.txt:7", "doesn't begin with 42"]);
    fails("a < close 1000\n", &["t.txt:6", "got nothing"]);
    fails(
        "a > [1]\na < {\"type\":\"error\",\"message\":\"$x\"}\na > {}\na < {\"type\":\"error\",\"message\":\"no\"}\n",
        &["t.txt:9", ".message is \"Failed to process message\" instead of \"no\""],
    );
    fails("a > [1]\na < {\"type\":\"$x\",\"message\":\"$x\"}\n", &["t.txt:7", "but $x was \"Failed"]);
    fails("a > [1]\na < {\"type\":\"error\",\"message\":\"$TIME\"}\n", &["which is no $TIME"]);
    fails("a > [1]\na < {\"type\":\"error\"}\n", &[".message is not expected"]);
    fails("a > {\"text\":\"$x\"}\n", &["t.txt:6", "$x is not bound"]);
    fails("a = ws /ws/rooms/r?token=a\n", &["a is connected already"]);
    fails("a x\na > {}\n", &["t.txt:7", "a is not connected"]);
    fails("c = ws /ws/rooms/r\nc = 101\n", &["t.txt:7", "got 403"]);
    fails("c = ws /ws/rooms/r\nc = 403 {\"detail\":\"No\"}\n", &["t.txt:7", ".detail is \"Token required\""]);
    fails("c = ws /ws/rooms/r\nc = 403\n  X-Other: 1\n", &["t.txt:7", "no header X-Other"]);
    fails("rest GET /health\n= 404\n", &["t.txt:7", "got 200"]);
    fails("rest GET /health\n", &["the last answer was not looked at"]);
    fails("rest GET /health\nrest GET /health\n= 200\n", &["t.txt:7", "was not looked at"]);
    fails("= 200\n", &["t.txt:6", "no request"]);
}

#[test]
fn what_means_nothing_is_no_transcript() {
    for line in [
        "a says hi",
        "a",
        "a <nothing",
        "a < {broken",
        "a < 42[broken",
        "a < 4 2",
        "a < x[1]",
        "a >binary 0g",
        "a >binary 0",
        "a < close soon",
        "a = yes",
        "= soon",
        "rest /health",
        "@clock 30s",
        "@clock +30m",
        "@dev mode",
        "@secret",
        "@token t",
        "@set NAME",
        "@other",
    ] {
        fails(&format!("{line}\n"), &["t.txt:6"]);
    }
    for line in ["  Header: value", "  > {}", "  what"] {
        fails(&format!("a <none\n{line}\n"), &["t.txt:7"]);
    }
    for text in [
        "a = ws /ws/chat\n",
        "@dev\n@secret s\n",
        "@dev\n@key k everything\n",
        "@dev\n@set NO_SUCH=x\n",
        "@dev\n@set PORT=x\n",
    ] {
        assert!(play("t.txt", text, None).is_err(), "{text}");
    }
}
