//! How a setting's text becomes a value. Each function says in a sentence's end what it wanted; none repeats the text,
//! which may be a secret in the wrong place.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use domain::limits;
use ipnet::IpNet;

/// `true`, `yes`, `on`, `1` and their opposites, in any case.
pub(super) fn boolean(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err("must be true or false".into()),
    }
}

/// A whole number within these bounds.
pub(super) fn number(text: &str, least: u32, most: u32) -> Result<u32, String> {
    let number = text.parse::<u32>().ok().filter(|number| (least..=most).contains(number) && !text.starts_with('+'));
    number.ok_or_else(|| format!("must be a whole number from {least} to {most}"))
}

/// A time span in milliseconds: Go's forms (`1m30s`, `500ms`), or seconds (`54`). Never 0, at most a year.
pub(crate) fn span_ms(text: &str) -> Result<u64, String> {
    const YEAR_MS: i128 = 366 * 24 * 60 * 60 * 1000;
    let wrong = || "must be a time span such as 54s, 1m30s or 500ms, at least a millisecond".to_owned();
    let bare = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let seconds = if bare { format!("{text}s") } else { text.to_owned() };
    let span: jiff::SignedDuration = seconds.parse().map_err(|_| wrong())?;
    match span.as_millis() {
        ms @ 1..=YEAR_MS => u64::try_from(ms).map_err(|_| wrong()),
        _ => Err(wrong()),
    }
}

/// For how long something is kept, in milliseconds: days (`90d`), or a time span as elsewhere (`36h`); from an hour to a
/// century.
pub(super) fn keeping_ms(text: &str) -> Result<u64, String> {
    const DAY_MS: u64 = 24 * 60 * 60 * 1000;
    let ms = match text.strip_suffix('d') {
        Some(days) => number(days, 1, 36_525).ok().map(|days| u64::from(days) * DAY_MS),
        None => span_ms(text).ok(),
    };
    let ms = ms.filter(|ms| *ms >= limits::RETENTION_MIN_MS);
    ms.ok_or_else(|| "must be a time of an hour or more, such as 90d or 36h".to_owned())
}

/// A number of bytes: `65536`, `64KiB`, `1MiB`; `KB` and `MB` count in thousands.
pub(super) fn bytes(text: &str, least: usize, most: usize) -> Result<usize, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let unit = match text[digits..].trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => Some(1),
        "kib" | "k" => Some(1 << 10),
        "mib" | "m" => Some(1 << 20),
        "kb" => Some(1_000),
        "mb" => Some(1_000_000),
        _ => None,
    };
    let size = unit.zip(text[..digits].parse::<usize>().ok()).and_then(|(unit, number)| number.checked_mul(unit));
    size.filter(|size| (least..=most).contains(size))
        .ok_or_else(|| format!("must be a number of bytes from {least} to {most}, such as 65536, 64KiB or 1MiB"))
}

/// Items between commas or blanks, or a JSON list of texts; each once.
pub(super) fn list(text: &str) -> Result<Vec<String>, String> {
    let items: Vec<String> = if text.trim_start().starts_with('[') {
        serde_json::from_str(text).map_err(|_| "is no JSON list of texts".to_owned())?
    } else {
        text.split([',', ' ', '\t', '\n']).map(str::to_owned).collect()
    };
    let mut once: Vec<String> = Vec::new();
    for item in items.into_iter().map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()) {
        if !once.contains(&item) {
            once.push(item);
        }
    }
    Ok(once)
}

/// A list of which each item is read by itself.
pub(super) fn list_of<T>(text: &str, item: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    list(text)?.iter().map(|text| item(text)).collect()
}

/// An IP address, or `localhost`. Other names would have to be looked up, and could turn out to be anything.
pub(super) fn host(text: &str) -> Result<IpAddr, String> {
    if text.eq_ignore_ascii_case("localhost") {
        return Ok(Ipv4Addr::LOCALHOST.into());
    }
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().map_err(|_| "must be an IP address, such as 127.0.0.1, 0.0.0.0 or ::1, or localhost".into())
}

/// A port; 0 lets the system choose.
pub(super) fn port(text: &str) -> Result<u16, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or_else(|| "must be a port, 0 to 65535".into())
}

/// `address:port`, or a port of `host`.
pub(super) fn address(text: &str, host_default: IpAddr) -> Result<SocketAddr, String> {
    let (address, number) = match text.rsplit_once(':') {
        Some((address, number)) => (host(address)?, number),
        None => (host_default, text),
    };
    Ok(SocketAddr::new(address, port(number)?))
}

/// An address or a network.
pub(super) fn network(text: &str) -> Result<IpNet, String> {
    text.parse::<IpNet>()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .map_err(|_| "must be a list of IP addresses and networks, such as 10.0.0.0/8".into())
}

/// A path that begins with a slash and ends without one; the root is the empty text.
pub(super) fn path(text: &str) -> Result<String, String> {
    let path = text.trim_end_matches('/');
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    let dots = path.split('/').any(|segment| segment == "." || segment == "..");
    if (path.is_empty() || path.starts_with('/')) && !path.contains("//") && !dots && path.bytes().all(plain) {
        Ok(path.to_owned())
    } else {
        Err("must be a path such as /api/messaging, of letters, digits and `-._~`".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        for (text, ms) in [
            ("54s", Some(54_000)),
            ("1m30s", Some(90_000)),
            ("500ms", Some(500)),
            ("1.5s", Some(1_500)),
            ("24h", Some(86_400_000)),
            ("1h0m0.5s", Some(3_600_500)),
            ("2500000us", Some(2_500)),
            ("60", Some(60_000)),
            ("0.25", Some(250)),
            ("8784h", Some(31_622_400_000)),
            ("8784h1ms", None),
            ("0", None),
            ("0s", None),
            ("1ns", None),
            ("-1s", None),
            ("-5", None),
            ("s", None),
            ("1x", None),
            ("one minute", None),
            (".", None),
            ("1e3", None),
            ("9999999999999999999999s", None),
        ] {
            assert_eq!(span_ms(text).ok(), ms, "{text}");
        }
    }

    #[test]
    fn how_long_things_are_kept() {
        const HOUR: u64 = 3_600_000;
        for (text, ms) in [
            ("1d", Some(24 * HOUR)),
            ("90d", Some(90 * 24 * HOUR)),
            ("36h", Some(36 * HOUR)),
            ("1h", Some(HOUR)),
            ("3600", Some(HOUR)),
            ("59m", None),
            ("0d", None),
            ("36526d", None),
            ("1.5d", None),
            ("d", None),
            ("", None),
        ] {
            assert_eq!(keeping_ms(text).ok(), ms, "{text}");
        }
    }

    #[test]
    fn sizes() {
        for (text, size) in [
            ("65536", Some(65_536)),
            ("64KiB", Some(65_536)),
            ("1 MiB", Some(1_048_576)),
            ("100kb", Some(100_000)),
            ("1MB", Some(1_000_000)),
            ("1023", None),
            ("16777217", None),
            ("16MiB", Some(16_777_216)),
            ("1GiB", None),
            ("-1", None),
            ("", None),
            ("99999999999999999999", None),
            ("18446744073709551615kib", None),
        ] {
            assert_eq!(bytes(text, 1024, 16 << 20).ok(), size, "{text}");
        }
    }

    #[test]
    fn lists() {
        let items = |text: &str| list(text).map(|list| list.join("|")).ok();
        for (text, expected) in [
            ("a,b c,, d", Some("a|b|c|d")),
            ("a,a", Some("a")),
            (r#"["a","b c"]"#, Some("a|b c")),
            ("[1]", None),
            ("[\"a\"", None),
            ("", Some("")),
            (",", Some("")),
        ] {
            assert_eq!(items(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn addresses() {
        let home = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
        for (text, expected) in [
            ("3000", Some("10.0.0.1:3000")),
            ("127.0.0.1:8000", Some("127.0.0.1:8000")),
            ("localhost:1", Some("127.0.0.1:1")),
            ("[::1]:80", Some("[::1]:80")),
            ("::1:80", Some("[::1]:80")),
            ("0.0.0.0:65535", Some("0.0.0.0:65535")),
            ("0.0.0.0:65536", None),
            ("example.org:80", None),
            (":80", None),
            ("127.0.0.1:", None),
            ("127.0.0.1:+1", None),
        ] {
            assert_eq!(address(text, home).ok().map(|address| address.to_string()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn paths() {
        for (text, expected) in [
            ("/", Some("")),
            ("/api/messaging/", Some("/api/messaging")),
            ("/ws/chat", Some("/ws/chat")),
            ("api", None),
            ("/a//b", None),
            ("/a/../b", None),
            ("/a b", None),
            ("/a?b", None),
            ("/{a}", None),
        ] {
            assert_eq!(path(text).ok().as_deref(), expected, "{text}");
        }
    }
}
