//! What `DATABASE_URL` means here. The log is a directory, so its path names one. The contracts' own services name a
//! file (`sqlite+aiosqlite:///./messaging.db`): then it is the directory beside it, `./messaging-data`, and the file,
//! which may well be that other service's database, is not touched.

use std::path::{Path, PathBuf};

/// Where the store is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The directory.
    pub(super) directory: PathBuf,
    /// The file that the URL names, when it names one.
    pub(super) file: Option<PathBuf>,
}

/// The directory that a URL names. SQLAlchemy's forms are read: three slashes before a relative path, four before an
/// absolute one.
pub(super) fn directory(url: &str) -> Result<Place, String> {
    let (scheme, rest) = url.split_once(':').ok_or("must be a URL such as sqlite:./data")?;
    let engine = scheme.split('+').next().unwrap_or(scheme).to_ascii_lowercase();
    match engine.as_str() {
        "sqlite" | "sqlite3" => {}
        "postgres" | "postgresql" => return Err(not_built("the PostgreSQL store")),
        "dynamodb" => return Err(not_built("the DynamoDB store")),
        _ => return Err("names an engine that is none of ours: sqlite:<directory>".into()),
    }
    let path = match rest.strip_prefix("//") {
        Some(behind) => behind
            .strip_prefix('/')
            .ok_or("must have three slashes before a relative path, four before an absolute one")?,
        None => rest,
    };
    let path = path.split('?').next().unwrap_or(path);
    if path.is_empty() || path.contains(":memory:") {
        return Err("must name a directory; messages are kept, never in memory only".into());
    }
    let path = Path::new(path);
    let is_file = path.extension().is_some_and(|ending| ["db", "sqlite", "sqlite3"].iter().any(|one| ending == *one));
    if !is_file {
        return Ok(Place { directory: path.to_owned(), file: None });
    }
    let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Place { directory: path.with_file_name(format!("{name}-data")), file: Some(path.to_owned()) })
}

fn not_built(feature: &str) -> String {
    format!("asks for {feature}, which this version does not have; nothing else is used in its place")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for (url, directory) in [
            ("sqlite:./data", Some("./data")),
            ("sqlite:/var/lib/switchboard", Some("/var/lib/switchboard")),
            ("sqlite:///./data", Some("./data")),
            ("sqlite:////var/lib/switchboard", Some("/var/lib/switchboard")),
            ("sqlite+aiosqlite:///./messaging.db", Some("./messaging-data")),
            ("sqlite:////srv/app.sqlite3?timeout=5", Some("/srv/app-data")),
            ("SQLite:data", Some("data")),
            ("sqlite://data", None),
            ("sqlite::memory:", None),
            ("sqlite:///:memory:", None),
            ("sqlite://", None),
            ("sqlite:", None),
            ("postgresql+asyncpg://user:secret@host/db", None),
            ("postgres://host/db", None),
            ("dynamodb://eu-west-1", None),
            ("mysql://host/db", None),
            ("./data", None),
        ] {
            let found = super::directory(url).ok().map(|place| place.directory);
            assert_eq!(found.as_deref(), directory.map(Path::new), "{url}");
        }
        let place = super::directory("sqlite:///./messaging.db").unwrap();
        assert_eq!(place.file.as_deref(), Some(Path::new("./messaging.db")));
        assert!(super::directory("postgresql://user:secret@host/db").unwrap_err().contains("the PostgreSQL store"));
    }
}
