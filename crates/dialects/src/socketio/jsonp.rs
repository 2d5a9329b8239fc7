//! Polling by scripts and forms, for browsers that can't ask another origin in a better way (`?j=<n>`): what is told is a
//! call of the client's function `___eio[<n>]` with the payload, what is said is a form's field `d`.
//!
//! Whose pages may run such scripts is not judged here: [`crate::Polling::is_script`] tells the server which they are.

use super::poll::parameter;
use crate::Ask;

/// Most digits of a function's number.
const DIGITS_MAX: usize = 10;

/// The number of the function that a request wants called: the digits of its `j`. None: it is polled like any other.
pub(super) fn number(ask: &Ask) -> Option<String> {
    let digits: String = parameter(ask, "j")?.chars().filter(char::is_ascii_digit).take(DIGITS_MAX).collect();
    (!digits.is_empty()).then_some(digits)
}

/// The script that gives a client's function this payload.
///
/// Nothing of it comes from the client but the number's digits. The two line ends that JSON allows in a text and older
/// JavaScript doesn't are escaped, as in the reference.
pub(super) fn script(number: &str, payload: &str) -> String {
    let text = serde_json::to_string(payload).expect("a text is always JSON");
    let text = text.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
    format!("___eio[{number}]({text});")
}

/// The payload in a form. None: there is no field `d`, or several, or it is not UTF-8.
pub(super) fn payload(form: &[u8]) -> Option<String> {
    let pairs = std::str::from_utf8(form).ok()?.split('&');
    let mut fields = pairs.filter(|pair| pair.split_once('=').map_or(*pair, |(name, _)| name) == "d");
    let (Some(field), None) = (fields.next(), fields.next()) else { return None };
    Ask { query: field.into(), ..Ask::default() }.parameter("d").map(|text| unescaped(&text))
}

/// Browsers change line ends in a form, so a client writes `\n` for one, and one backslash more where `\n` stood: of a run
/// of backslashes before an `n` one is taken off, and a single one is the line's end.
fn unescaped(text: &str) -> String {
    let (mut out, mut backslashes) = (String::with_capacity(text.len()), 0);
    for c in text.chars() {
        if c == 'n' && backslashes > 0 {
            out.pop();
        }
        out.push(if c == 'n' && backslashes == 1 { '\n' } else { c });
        backslashes = if c == '\\' { backslashes + 1 } else { 0 };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_function() {
        for (query, expected) in [
            ("EIO=3&j=0", Some("0")),
            ("j=42&EIO=3", Some("42")),
            ("j=1&j=2", Some("2")),
            ("j=4](alert(1));//2", Some("412")),
            ("j=%34%32", Some("42")),
            ("j=12345678901", Some("1234567890")),
            ("j=", None),
            ("j", None),
            ("j=x", None),
            ("j=%d9%a1", None),
            ("J=1", None),
            ("EIO=3", None),
        ] {
            assert_eq!(number(&Ask { query: query.into(), ..Ask::default() }).as_deref(), expected, "{query}");
        }
    }

    /// Expected values are those of the reference.
    #[test]
    fn scripts() {
        for (payload, expected) in [
            ("4hello", r#"___eio[7]("4hello");"#),
            ("4\"\\\n\t\u{8}\u{c}\r\u{1e}\u{7f}", "___eio[7](\"4\\\"\\\\\\n\\t\\b\\f\\r\\u001e\u{7f}\");"),
            ("grüße 🚀 \u{2028}\u{2029}", "___eio[7](\"grüße 🚀 \\u2028\\u2029\");"),
            ("</script><!--", r#"___eio[7]("</script><!--");"#),
            (r"\u2028", r#"___eio[7]("\\u2028");"#),
        ] {
            assert_eq!(script("7", payload), expected);
        }
    }

    /// Expected values are those of the reference.
    #[test]
    fn forms() {
        for (form, expected) in [
            ("d=6:4hello", Some("6:4hello")),
            ("d=6%3A4hello", Some("6:4hello")),
            ("x=1&d=a+b%2B&y=2", Some("a b+")),
            ("d=gr%C3%BC%C3%9Fe", Some("grüße")),
            ("d=", Some("")),
            ("d", Some("")),
            (r"d=a\nb", Some("a\nb")),
            (r"d=a\\nb", Some(r"a\nb")),
            (r"d=a\\\nb", Some(r"a\\nb")),
            (r"d=a\\\\nb", Some(r"a\\\nb")),
            (r"d=\n\n\\n", Some("\n\n\\n")),
            (r"d=a\b\\c\", Some(r"a\b\\c\")),
            ("d=%5Cn%5C%5Cn", Some("\n\\n")),
            ("", None),
            ("D=1", None),
            ("d=1&d=2", None),
            ("d=%ff", None),
        ] {
            assert_eq!(payload(form.as_bytes()).as_deref(), expected, "{form}");
        }
        assert_eq!(payload(b"d=\xff"), None);
    }
}
