//! Whether a message names somebody: `@` and their shown name, whichever door it came through. Decided on the text as it is
//! now, so nothing is kept for it, and a user's own wire needs no word of it.

/// Whether a text has `@` and this name, not as a part of a longer name or of an address. Case is not minded.
#[must_use]
pub fn names(content: &str, name: &str) -> bool {
    if name.is_empty() || !content.contains('@') {
        return false;
    }
    let (content, name) = (content.to_lowercase(), name.to_lowercase());
    content.match_indices('@').any(|(at, sign)| {
        let (before, after) = (content[..at].chars().next_back(), &content[at + sign.len()..]);
        let rest = after.strip_prefix(name.as_str());
        !before.is_some_and(is_part) && rest.is_some_and(|rest| !goes_on(rest))
    })
}

/// Whether a name goes on here. A full stop, a dash or the like goes on only where something follows it.
fn goes_on(rest: &str) -> bool {
    let mut rest = rest.chars();
    match rest.next() {
        None => false,
        Some('.' | '-' | '~' | '@') => rest.next().is_some_and(is_part),
        Some(next) => is_part(next),
    }
}

fn is_part(one: char) -> bool {
    one.is_alphanumeric() || one == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_named() {
        for (content, name, expected) in [
            ("@bob", "bob", true),
            ("hello @Bob, and", "bob", true),
            ("is that you, @bob?", "bob", true),
            ("it was @bob.", "bob", true),
            ("(@bob)", "bob", true),
            ("@bob@home", "bob", false),
            ("@bobby", "bob", false),
            ("@bob.smith", "bob", false),
            ("@bob.smith", "bob.smith", true),
            ("@bob~2", "bob", false),
            ("mail alice@bob.org", "bob", false),
            ("bob", "bob", false),
            ("@bobby and @bob", "bob", true),
            ("@Mary Ann!", "mary ann", true),
            ("@ÜMIT", "ümit", true),
            ("@", "bob", false),
            ("@bob", "", false),
        ] {
            assert_eq!(names(content, name), expected, "{content:?} and {name:?}");
        }
    }
}
