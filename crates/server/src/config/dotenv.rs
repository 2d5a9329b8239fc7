//! `.env` files, as node's dotenv and Python's read them. No `$NAME` is filled in: the libraries that do turn the
//! secret `pa$word` into `pa` without a word.

/// The entries in their order, or the number of the first line that is none.
pub(super) fn parse(text: &str) -> Result<Vec<(String, String)>, usize> {
    let mut entries = Vec::new();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let entry = line.strip_prefix("export ").unwrap_or(line);
        let (name, value) = entry.split_once('=').ok_or(index + 1)?;
        let name = name.trim();
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(index + 1);
        }
        entries.push((name.to_owned(), value_of(value.trim()).ok_or(index + 1)?));
    }
    Ok(entries)
}

fn value_of(text: &str) -> Option<String> {
    if let Some(rest) = text.strip_prefix('\'') {
        let (value, behind) = rest.split_once('\'')?;
        return is_comment(behind).then(|| value.to_owned());
    }
    if let Some(rest) = text.strip_prefix('"') {
        return double_quoted(rest);
    }
    let end = text.find(" #").unwrap_or(text.len());
    Some(text[..end].trim_end().to_owned())
}

fn double_quoted(text: &str) -> Option<String> {
    let mut value = String::new();
    let mut characters = text.chars();
    loop {
        match characters.next()? {
            '"' => return is_comment(characters.as_str()).then_some(value),
            '\\' => match characters.next()? {
                'n' => value.push('\n'),
                'r' => value.push('\r'),
                't' => value.push('\t'),
                other @ ('"' | '\\') => value.push(other),
                other => value.extend(['\\', other]),
            },
            other => value.push(other),
        }
    }
}

fn is_comment(text: &str) -> bool {
    text.trim().is_empty() || text.trim_start().starts_with('#')
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn lines() {
        for (line, value) in [
            ("A=b", Some("b")),
            ("export A = b # c", Some("b")),
            ("A=b#c", Some("b#c")),
            ("A=pa$word", Some("pa$word")),
            ("A='b # $c' # d", Some("b # $c")),
            (r#"A="b\n\"c\" \d""#, Some("b\n\"c\" \\d")),
            ("A=", Some("")),
            ("A=b=c==", Some("b=c==")),
            ("A", None),
            ("=b", None),
            ("A B=c", None),
            ("A='b", None),
            ("A=\"b\" c", None),
        ] {
            let expected = value.map(|value| vec![("A".to_owned(), value.to_owned())]).ok_or(3);
            assert_eq!(parse(&format!("# first\n\n{line}\r\n")), expected, "{line}");
        }
    }
}
