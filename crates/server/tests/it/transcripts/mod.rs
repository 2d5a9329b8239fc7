//! The transcripts of all dialects (`crates/dialects/TRANSCRIPTS.md`), played on the production node and shards with the
//! memory store: no socket, no clock, no sleep. A file that can't be read wholly fails, and so does a line that does not
//! hold.
//!
//! Files: `parse` (lines), `bound` (placeholders), `stage` (playing), `http` (REST without HTTP), `record` (all that is said,
//! held against `documents`), `tests` (that it can fail, and that nothing is left out).

mod bound;
mod described;
mod documents;
mod http;
mod parse;
mod record;
mod schema;
pub(crate) mod stage;
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use adapters::port::Store;

use self::record::Looked;
use self::stage::Stage;

/// Plays a transcript, and gives how much of it was held against the documents; the error begins with its name and the line.
fn play(name: &str, text: &str, disk: Option<Arc<dyn Store>>) -> Result<Looked, String> {
    let lines = parse::parse(text).map_err(|(line, why)| format!("{name}:{line}: {why}"))?;
    let mut stage = Stage::new(&lines, disk).map_err(|why| format!("{name}: {why}"))?;
    for line in &lines {
        stage.play(&line.what).map_err(|why| format!("{name}:{}: {why}", line.number))?;
    }
    stage.end().map_err(|why| format!("{name}: {why}"))?;
    Ok(stage.record.looked)
}

/// The transcripts in a folder, by name.
fn transcripts(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.expect("a folder can be listed").path());
    let mut paths: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|end| end == "txt")).collect();
    paths.sort();
    paths
}

/// Every folder of the dialects' sources that may have transcripts, with its dialect's name.
fn folders() -> Vec<(String, PathBuf)> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dialects/src");
    let entries = std::fs::read_dir(sources).expect("the dialects are there");
    let mut folders: Vec<(String, PathBuf)> = entries
        .map(|entry| entry.expect("a folder can be listed").path())
        .filter(|path| path.is_dir())
        .map(|path| (path.file_name().unwrap_or_default().to_string_lossy().into_owned(), path.join("transcripts")))
        .collect();
    folders.sort();
    folders
}

/// Plays all of them, each on a store of its own; fails with everything that did not hold.
fn play_all(paths: &[PathBuf], disk: impl Fn() -> Option<Arc<dyn Store>>) -> Vec<Looked> {
    let (mut failures, mut played) = (Vec::new(), Vec::new());
    for path in paths {
        let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let shown = path.components().rev().take(3).map(|part| part.as_os_str().to_string_lossy().into_owned());
        let shown = shown.collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("/");
        match play(&shown, &text, disk()) {
            Ok(looked) => played.push(looked),
            Err(why) => failures.push(why),
        }
    }
    assert!(failures.is_empty(), "{} of {} transcripts:\n{}", failures.len(), paths.len(), failures.join("\n"));
    played
}
