//! Rules worth having are run, not remembered: sizes, walls that the manifests can't hold, comments at the top, tables in
//! the documents that match the code's.

use std::path::{Path, PathBuf};

use server::config::table;

const FILE_LINES_MAX: usize = 400;

/// Files that may be longer, and why. Transcripts and documents aren't Rust and are not looked at.
const LONGER: [(&str, &str); 0] = [];

/// Where the server may say a dialect's name: files, lines (all, or those with this in them), and why.
const WIRE_NAMES_IN: [(&str, &str, &str); 5] = [
    ("crates/server/src/config/", "", "operators choose doors, their paths and their limits by name"),
    ("crates/server/src/cli/", "", "the command line tells of those settings"),
    ("crates/server/src/serve.rs", "config.paths.", "what an operator chose is handed to the registry"),
    ("crates/server/src/serve.rs", "config.gateway_ttl_ms", "likewise"),
    ("crates/server/src/metrics.rs", "Rooms with somebody present", "it counts rooms; RULES 28 names it so"),
];

/// Every name that a wire has or will have. Two of them are everyday words, too: those count as names only where they
/// stand alone in a string.
const WIRE_NAMES: [&str; 5] = ["rooms", "direct", "chat", "socketio", "gateway"];
const EVERYDAY: [&str; 2] = ["rooms", "direct"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace is there")
}

/// Every file of ours with this ending below a folder, by its path from the root, with its text.
fn files(folder: &str, ending: &str) -> Vec<(String, String)> {
    fn walk(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("a folder can be listed").path();
            let name = path.file_name().unwrap_or_default();
            if path.is_dir() && name != "target" && name != "node_modules" {
                walk(&path, ending, found);
            } else if path.extension().is_some_and(|end| end == ending) {
                found.push(path);
            }
        }
    }
    let (root, mut paths) = (root(), Vec::new());
    walk(&root.join(folder), ending, &mut paths);
    paths.sort();
    let shown = |path: &Path| path.strip_prefix(&root).expect("it is below the root").to_string_lossy().into_owned();
    let read = |path: &Path| std::fs::read_to_string(path).expect("our files are texts");
    paths.iter().map(|path| (shown(path), read(path))).collect()
}

fn ours() -> Vec<(String, String)> {
    let mut all = files("crates", "rs");
    all.extend(files("bench", "rs"));
    assert!(all.len() > 100, "only {} files were found", all.len());
    all
}

/// The code of a file without its comments and without its tests, line by line.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = (1..).zip(text.lines()).take_while(|(_, line)| line.trim() != "#[cfg(test)]");
    lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

fn none(wrong: &[String], rule: &str) {
    assert!(wrong.is_empty(), "{rule}:\n{}", wrong.join("\n"));
}

/// Whether a word stands somewhere in a line, not as a part of another.
fn has_word(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| !line[..at].ends_with(part) && !line[at + word.len()..].starts_with(part))
}

#[test]
fn files_are_short() {
    let exempt = |path: &str| LONGER.iter().any(|(longer, _)| *longer == path);
    let long = |text: &str| text.lines().count() > FILE_LINES_MAX;
    let all = ours();
    let wrong: Vec<String> = all
        .iter()
        .filter(|(path, text)| long(text) && !exempt(path))
        .map(|(path, text)| format!("{path}: {} lines", text.lines().count()))
        .collect();
    none(&wrong, "a file has at most 400 lines: split it along nouns");
    let idle = LONGER.iter().filter(|(path, _)| !all.iter().any(|(known, text)| known == path && long(text)));
    none(&idle.map(|(path, _)| (*path).to_owned()).collect::<Vec<_>>(), "these need no exception");
}

#[test]
fn files_say_what_they_are_for() {
    let wrong: Vec<String> =
        ours().into_iter().filter(|(_, text)| !text.starts_with("//!")).map(|(path, _)| path).collect();
    none(&wrong, "a file begins with what it is for, `//!`");
}

#[test]
fn nothing_is_left_for_later() {
    let words = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
    let mut wrong = Vec::new();
    for (path, text) in ours().iter().chain(&files("crates", "md")).chain(&files("crates", "txt")) {
        for (number, line) in (1..).zip(text.lines()) {
            if words.iter().any(|word| has_word(line, word)) {
                wrong.push(format!("{path}:{number}: {line}"));
            }
        }
    }
    none(&wrong, "do it, or write it down where work is planned");
}

#[test]
fn sisters_do_not_know_each_other() {
    let sources = root().join("crates/dialects/src");
    let folders =
        std::fs::read_dir(&sources).expect("the dialects are there").map(|entry| entry.expect("listed").path());
    // A folder without a file of its own beside it is a dialect's; the others have what all of them share.
    let names: Vec<String> = folders
        .filter(|path| path.is_dir() && !path.with_extension("rs").exists())
        .map(|path| path.file_name().unwrap_or_default().to_string_lossy().into_owned())
        .collect();
    assert!(names.len() > 1, "there are no sisters");
    let mut wrong = Vec::new();
    for name in &names {
        for (path, text) in files(&format!("crates/dialects/src/{name}"), "rs") {
            for (number, line) in (1..).zip(text.lines()) {
                let sister = names.iter().filter(|other| *other != name).find(|other| {
                    let by = |prefix: &str| {
                        line.contains(&format!("{prefix}{other}::")) || line.contains(&format!("{prefix}{other};"))
                    };
                    by("crate::") || by("super::super::")
                });
                if let Some(sister) = sister {
                    wrong.push(format!("{path}:{number} names {sister}: {line}"));
                }
            }
        }
    }
    none(&wrong, "no dialect imports another (DESIGN invariant 1)");
}

#[test]
fn the_domain_knows_nobody() {
    let manifest = std::fs::read_to_string(root().join("crates/domain/Cargo.toml")).expect("the domain is there");
    let after = manifest.split_once("[dependencies]").map(|(_, after)| after).expect("it says that it has none");
    assert!(after.trim().is_empty(), "the domain depends on nothing (DESIGN invariant 1), not on {after}");
    let mut wrong = Vec::new();
    for (path, text) in files("crates/domain/src", "rs") {
        for (number, line) in (1..).zip(text.lines()) {
            let names = ["serde", "SystemTime", "Instant", "async", "await"];
            if !line.trim_start().starts_with("//") && names.iter().any(|name| has_word(line, name)) {
                wrong.push(format!("{path}:{number}: {line}"));
            }
        }
    }
    none(&wrong, "the domain reads no clock, awaits nothing and serialises nothing");
}

#[test]
fn the_server_names_no_wire() {
    let mut wrong = Vec::new();
    for (path, text) in files("crates/server/src", "rs") {
        let allowed =
            |line: &str| WIRE_NAMES_IN.iter().any(|(at, part, _)| path.starts_with(at) && line.contains(part));
        if path.contains("/tests") {
            continue;
        }
        for (number, line) in code(&text).filter(|(_, line)| !allowed(line)) {
            let named = WIRE_NAMES.iter().any(|name| {
                let in_a_string = line.contains(&format!("\"{name}\""));
                in_a_string || (!EVERYDAY.contains(name) && has_word(line, name)) || line.contains("dialects::door::")
            });
            if named {
                wrong.push(format!("{path}:{number}: {line}"));
            }
        }
    }
    none(&wrong, "the server holds no wire's name; what it needs of a wire, a dialect says");
}

#[test]
fn the_readme_lists_the_settings() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("there is a README");
    let begun = readme.split_once("<!-- settings -->\n").map(|(_, after)| after).expect("it has a table of settings");
    let (shown, _) = begun.split_once("<!-- /settings -->").expect("the table has an end");
    let table = table::markdown();
    assert!(shown.trim() == table.trim(), "README.md, between the markers, should be:\n\n{table}");
}
