//! Reads a transcript (`crates/dialects/TRANSCRIPTS.md`) wholly, or says which line means nothing.

use serde_json::Value;

/// A line with its number in the file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    pub(crate) number: usize,
    pub(crate) what: What,
}

/// What a line means.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum What {
    /// `@dev`
    Dev,
    /// `@secret <text>`
    Secret(String),
    /// `@set NAME=value`
    Set(String, String),
    /// `@token <name> {claims}`
    Token { name: String, claims: Value },
    /// `@key <name> <scope>,<scope>`
    Key { name: String, scopes: Vec<String> },
    /// `@clock +30s`, in milliseconds
    Clock(u64),
    /// `alice = ws /path`
    Connect { who: String, target: String, headers: Vec<(String, String)> },
    /// `alice = 101`
    Connected { who: String, answer: Expected },
    /// `alice > text`
    Say { who: String, text: String },
    /// `alice >binary 00ff`
    SayBinary { who: String, bytes: Vec<u8> },
    /// `alice < {json}`, `alice < 42{json}`
    Hear { who: String, frame: Frame },
    /// `alice <none`
    HearNothing { who: String },
    /// `alice < close 1008 reason`
    HearClose { who: String, code: u16, reason: String },
    /// `alice x`
    Close { who: String },
    /// `rest POST /path`
    Rest { method: String, target: String, headers: Vec<(String, String)>, body: Option<String> },
    /// `= 200 {json}`
    Answered(Expected),
}

/// An HTTP answer that is expected; a body is looked at when one is given.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Expected {
    pub(crate) status: u16,
    pub(crate) body: Option<Value>,
    pub(crate) headers: Vec<(String, String)>,
}

/// A text frame that is expected: what stands before any JSON, as it stands, and the JSON.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Frame {
    pub(crate) head: String,
    pub(crate) json: Option<Value>,
}

impl std::fmt::Display for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.head)?;
        self.json.as_ref().map_or(Ok(()), |json| json.fmt(f))
    }
}

/// All lines of a transcript.
///
/// # Errors
/// The number of the first line that means nothing, and why.
pub(crate) fn parse(text: &str) -> Result<Vec<Line>, (usize, String)> {
    let mut lines: Vec<Line> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim_end();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let parsed = match line.strip_prefix("  ") {
            Some(more) => add(lines.last_mut(), more),
            None => one(line).map(|what| lines.push(Line { number, what })),
        };
        parsed.map_err(|why| (number, format!("{why}: {line}")))?;
    }
    Ok(lines)
}

/// An indented line belongs to the one above: a header, or a request's body.
fn add(above: Option<&mut Line>, more: &str) -> Result<(), String> {
    let above = above.map(|line| &mut line.what).ok_or("nothing stands above it")?;
    if let Some(text) = more.strip_prefix("> ") {
        let What::Rest { body: body @ None, .. } = above else {
            return Err("a body wants a request above it, and only one".into());
        };
        *body = Some(text.to_owned());
        return Ok(());
    }
    let (name, value) = more.split_once(": ").ok_or("it is no `Name: value`")?;
    let header = (name.to_owned(), value.to_owned());
    if let What::Connect { headers, .. } | What::Rest { headers, body: None, .. } = above {
        headers.push(header);
    } else if let What::Connected { answer, .. } | What::Answered(answer) = above {
        answer.headers.push(header);
    } else {
        return Err("the line above takes no headers".into());
    }
    Ok(())
}

fn one(line: &str) -> Result<What, String> {
    if let Some(directive) = line.strip_prefix('@') {
        return self::directive(directive);
    }
    if let Some(request) = line.strip_prefix("rest ") {
        let (method, target) = request.split_once(' ').ok_or("a request has a method and a path")?;
        return Ok(What::Rest { method: method.into(), target: target.into(), headers: Vec::new(), body: None });
    }
    if let Some(answer) = line.strip_prefix("= ") {
        return expected(answer).map(What::Answered);
    }
    let (who, rest) = line.split_once(' ').ok_or("it is not in the table")?;
    if !who.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
        return Err("that is no client's name".into());
    }
    client(who.to_owned(), rest)
}

fn client(who: String, rest: &str) -> Result<What, String> {
    if rest == "x" {
        return Ok(What::Close { who });
    }
    if rest == "<none" {
        return Ok(What::HearNothing { who });
    }
    if let Some(target) = rest.strip_prefix("= ws ") {
        return Ok(What::Connect { who, target: target.into(), headers: Vec::new() });
    }
    if let Some(answer) = rest.strip_prefix("= ") {
        return expected(answer).map(|answer| What::Connected { who, answer });
    }
    if let Some(hex) = rest.strip_prefix(">binary ") {
        return Ok(What::SayBinary { who, bytes: bytes(hex)? });
    }
    if let Some(text) = rest.strip_prefix("> ") {
        return Ok(What::Say { who, text: text.into() });
    }
    if let Some(close) = rest.strip_prefix("< close ") {
        let (code, reason) = close.split_once(' ').unwrap_or((close, ""));
        let code = code.parse().map_err(|_| "a close has a code")?;
        return Ok(What::HearClose { who, code, reason: reason.into() });
    }
    if let Some(frame) = rest.strip_prefix("< ") {
        return Ok(What::Hear { who, frame: self::frame(frame)? });
    }
    Err("it is not in the table".into())
}

fn directive(line: &str) -> Result<What, String> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let named = || rest.split_once(' ').ok_or_else(|| format!("@{word} has a name and more"));
    match word {
        "dev" if rest.is_empty() => Ok(What::Dev),
        "secret" if !rest.is_empty() => Ok(What::Secret(rest.into())),
        "set" => rest
            .split_once('=')
            .map(|(name, value)| What::Set(name.into(), value.into()))
            .ok_or_else(|| "it is no `NAME=value`".into()),
        "token" => named().and_then(|(name, claims)| Ok(What::Token { name: name.into(), claims: json(claims)? })),
        "key" => named().map(|(name, scopes)| {
            let scopes = scopes.split(',').map(str::to_owned).collect();
            What::Key { name: name.into(), scopes }
        }),
        "clock" => {
            let seconds = rest.strip_prefix('+').and_then(|text| text.strip_suffix('s')).ok_or("it is no `+30s`")?;
            let seconds: u64 = seconds.parse().map_err(|_| "it is no `+30s`")?;
            Ok(What::Clock(seconds * 1000))
        }
        _ => Err("it is not in the table".into()),
    }
}

fn expected(text: &str) -> Result<Expected, String> {
    let (status, body) = text.split_once(' ').unwrap_or((text, ""));
    let status = status.parse().map_err(|_| "a status is a number")?;
    let body = if body.is_empty() { None } else { Some(json(body)?) };
    Ok(Expected { status, body, headers: Vec::new() })
}

/// JSON alone, or a packet of digits and letters with JSON behind them, or without.
fn frame(text: &str) -> Result<Frame, String> {
    if let Ok(json) = serde_json::from_str(text) {
        return Ok(Frame { head: String::new(), json: Some(json) });
    }
    let at = text.find(['[', '{', '"']).unwrap_or(text.len());
    let (head, rest) = text.split_at(at);
    let is_packet = head.starts_with(|c: char| c.is_ascii_digit()) && !head.contains(' ');
    if !is_packet {
        return Err("that is neither JSON nor a packet".into());
    }
    let json = if rest.is_empty() { None } else { Some(json(rest)?) };
    Ok(Frame { head: head.to_owned(), json })
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("that is no JSON ({error})"))
}

fn bytes(hex: &str) -> Result<Vec<u8>, String> {
    let pairs = (0..hex.len()).step_by(2);
    pairs
        .map(|at| hex.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect::<Option<Vec<u8>>>()
        .ok_or_else(|| "that is not hexadecimal".into())
}
