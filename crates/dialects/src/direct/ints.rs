//! Integers as the contract's framework reads them: generously. `7`, `7.0`, `"7"`, `" +7 "`, `"1_000"` and `true` are some.
//!
//! What is read is as large as it may be: nobody has a number past 64 bits, so that one is said to be the largest.

use domain::id::{Offset, UserNumber};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::json;
use crate::unprocessable::{Input, Loc, Wrongs};

/// Most characters that are looked at, as in the framework.
const CHARS_MAX: usize = 4300;

/// Why something is no integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoInt {
    /// A text of something else.
    Text,
    /// Too long, or a number that is too large and no integer as it is written.
    Large,
    /// Neither a number nor a text.
    Other,
    /// It has a fraction.
    Fraction,
    /// It is past all numbers.
    Infinite,
}

impl NoInt {
    /// Says so, in the framework's words.
    pub(super) fn tell<'a>(self, loc: Loc, given: Input<'a>, wrongs: &mut Wrongs<'a>) {
        let (kind, msg) = match self {
            Self::Text => ("int_parsing", "Input should be a valid integer, unable to parse string as an integer"),
            Self::Large => ("int_parsing_size", "Unable to parse input string as an integer, exceeded maximum size"),
            Self::Other => ("int_type", "Input should be a valid integer"),
            Self::Fraction => {
                ("int_from_float", "Input should be a valid integer, got a number with a fractional part")
            }
            Self::Infinite => ("finite_number", "Input should be a finite number"),
        };
        wrongs.add(kind, loc, msg.into(), given, None);
    }
}

/// An integer in a text: of a path, of a query, of a header, or in a JSON string.
pub(super) fn of_text(text: &str) -> Result<i64, NoInt> {
    let text = text.trim();
    if text.len() > CHARS_MAX {
        return Err(NoInt::Large);
    }
    let (negative, number) = match text.strip_prefix('-') {
        Some(number) => (true, number),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let is_whole = whole.split('_').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    if !is_whole || fraction.is_empty() || !fraction.bytes().all(|byte| byte == b'0') {
        return Err(NoInt::Text);
    }
    let digits: String = whole.chars().filter(|c| *c != '_').collect();
    let size: i64 = digits.parse().unwrap_or(i64::MAX);
    Ok(if negative { -size } else { size })
}

/// An integer in JSON.
pub(super) fn of_json(raw: &RawValue) -> Result<i64, NoInt> {
    if let Some(text) = json::text(raw) {
        return of_text(&text);
    }
    match raw.get() {
        "true" => Ok(1),
        "false" => Ok(0),
        number if !number.starts_with(|c: char| c == '-' || c.is_ascii_digit()) => Err(NoInt::Other),
        number if number.contains(['.', 'e', 'E']) => of_float(number.parse().unwrap_or(f64::INFINITY)),
        number => of_text(number),
    }
}

fn of_float(number: f64) -> Result<i64, NoInt> {
    // Two to the power of 63: what lies within has its integer exactly.
    const END: f64 = 9_223_372_036_854_775_808.0;
    if number.is_infinite() {
        Err(NoInt::Infinite)
    } else if number.fract() != 0.0 {
        Err(NoInt::Fraction)
    } else if number.abs() >= END {
        Err(NoInt::Large)
    } else {
        #[expect(clippy::cast_possible_truncation, reason = "it has no fraction and lies within the integers")]
        Ok(number as i64)
    }
}

/// The user's number that this is; none when no user can have it.
pub(super) fn number(int: i64) -> Option<UserNumber> {
    u32::try_from(int).ok().filter(|number| (1..=i32::MAX.unsigned_abs()).contains(number)).map(UserNumber)
}

/// The offset that this is; none when nothing can have happened there.
pub(super) fn offset(int: i64) -> Option<Offset> {
    u64::try_from(int).ok().filter(|offset| *offset > 0).map(Offset)
}

/// An integer of the query between two bounds, those included; the reason stays in `wrongs` when it is none.
pub(super) fn between<'a>(
    name: &'static str,
    given: Option<&'a str>,
    (least, most): (i64, i64),
    wrongs: &mut Wrongs<'a>,
) -> Option<i64> {
    let given = given?;
    let (loc, input) = (["query", name], Input::Text(given));
    match of_text(given) {
        Err(why) => why.tell(loc, input, wrongs),
        Ok(int) if int < least => beyond(("greater_than_equal", "greater", "ge"), least, loc, input, wrongs),
        Ok(int) if int > most => beyond(("less_than_equal", "less", "le"), most, loc, input, wrongs),
        Ok(int) => return Some(int),
    }
    None
}

fn beyond<'a>(
    (kind, word, key): (&'static str, &str, &str),
    bound: i64,
    loc: Loc,
    input: Input<'a>,
    wrongs: &mut Wrongs<'a>,
) {
    let ctx: Value = json!({ key: bound });
    wrongs.add(kind, loc, format!("Input should be {word} than or equal to {bound}"), input, Some(ctx));
}
