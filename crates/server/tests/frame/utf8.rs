//! Autobahn's cases 6.5 to 6.23: what is UTF-8 and what is not, after Markus Kuhn's decoder stress test.

use server::frame::Violation;

use crate::autobahn::Case;
use crate::heard::{Heard, text};

/// A sub-group of the suite: its number, whether all in it is UTF-8, and the texts.
type Group = (u32, bool, &'static [&'static [u8]]);

/// "κόσμε", its accent in a letter of three octets as in Kuhn's file.
pub(crate) const KOSME: &[u8] = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5";

/// What is cut off behind these is the last continuation byte.
const CUT: [&[u8]; 10] = [
    b"\xc0",
    b"\xe0\x80",
    b"\xf0\x80\x80",
    b"\xf8\x80\x80\x80",
    b"\xfc\x80\x80\x80\x80",
    b"\xdf",
    b"\xef\xbf",
    b"\xf7\xbf\xbf",
    b"\xfb\xbf\xbf\xbf",
    b"\xfd\xbf\xbf\xbf\xbf",
];

const GROUPS: &[Group] = &[
    (
        5,
        true,
        &[b"hello$world", b"hello\xc2\xa2world", b"hello\xe2\x82\xacworld", b"hello\xf0\xa4\xad\xa2world", KOSME],
    ),
    // The first and the last sequences of each length, as far as Unicode goes, and beyond.
    (7, true, &[b"\x00", b"\xc2\x80", b"\xe0\xa0\x80", b"\xf0\x90\x80\x80"]),
    (8, false, &[b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80"]),
    (9, true, &[b"\x7f", b"\xdf\xbf", b"\xef\xbf\xbf", b"\xf4\x8f\xbf\xbf"]),
    (10, false, &[b"\xf7\xbf\xbf\xbf", b"\xfb\xbf\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf\xbf"]),
    // Boundaries; the fifth of them is refused, see `cases`.
    (11, true, &[b"\xed\x9f\xbf", b"\xee\x80\x80", b"\xef\xbf\xbd", b"\xf4\x8f\xbf\xbf"]),
    // Impossible bytes.
    (16, false, &[b"\xfe", b"\xff", b"\xfe\xfe\xff\xff"]),
    // Overlong forms: of a slash, the longest, of NUL.
    (
        17,
        false,
        &[b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xf8\x80\x80\x80\xaf", b"\xfc\x80\x80\x80\x80\xaf"],
    ),
    (
        18,
        false,
        &[b"\xc1\xbf", b"\xe0\x9f\xbf", b"\xf0\x8f\xbf\xbf", b"\xf8\x87\xbf\xbf\xbf", b"\xfc\x83\xbf\xbf\xbf\xbf"],
    ),
    (
        19,
        false,
        &[b"\xc0\x80", b"\xe0\x80\x80", b"\xf0\x80\x80\x80", b"\xf8\x80\x80\x80\x80", b"\xfc\x80\x80\x80\x80\x80"],
    ),
    // Surrogates: alone, in pairs.
    (
        20,
        false,
        &[
            b"\xed\xa0\x80",
            b"\xed\xad\xbf",
            b"\xed\xae\x80",
            b"\xed\xaf\xbf",
            b"\xed\xb0\x80",
            b"\xed\xbe\x80",
            b"\xed\xbf\xbf",
        ],
    ),
    (
        21,
        false,
        &[
            b"\xed\xa0\x80\xed\xb0\x80",
            b"\xed\xa0\x80\xed\xbf\xbf",
            b"\xed\xad\xbf\xed\xb0\x80",
            b"\xed\xad\xbf\xed\xbf\xbf",
            b"\xed\xae\x80\xed\xb0\x80",
            b"\xed\xae\x80\xed\xbf\xbf",
            b"\xed\xaf\xbf\xed\xb0\x80",
            b"\xed\xaf\xbf\xed\xbf\xbf",
        ],
    ),
    // Specials.
    (
        23,
        true,
        &[
            b"\xef\xbf\xb9",
            b"\xef\xbf\xba",
            b"\xef\xbf\xbb",
            b"\xef\xbf\xbc",
            b"\xef\xbf\xbd",
            b"\xef\xbf\xbe",
            b"\xef\xbf\xbf",
        ],
    ),
];

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for &(group, sound, texts) in GROUPS {
        let texts = texts.iter().map(|text| (sound, text.to_vec()));
        add(&mut cases, group, 1, texts);
    }
    // Every prefix of a word of five letters; only those that end with a letter are UTF-8.
    let whole_letters = [2, 5, 7, 9, 11];
    add(&mut cases, 6, 1, (1..=KOSME.len()).map(|end| (whole_letters.contains(&end), KOSME[..end].to_vec())));
    add(&mut cases, 11, 5, [(false, b"\xf4\x90\x80\x80".to_vec())]);
    // Continuation bytes that nothing announced.
    let alternating = (2..=6).map(|octets| [0x80, 0xBF].into_iter().cycle().take(octets).collect());
    let alone = [vec![0x80], vec![0xBF]].into_iter().chain(alternating).chain([(0x80..0xBF).collect()]);
    add(&mut cases, 12, 1, alone.map(|text| (false, text)));
    // First bytes that nothing follows, a blank behind each.
    let firsts = [0xC0..0xDF, 0xE0..0xEF, 0xF0..0xF7, 0xF8..0xFB, 0xFC..0xFD];
    add(&mut cases, 13, 1, firsts.map(|range| (false, range.flat_map(|first| [first, b' ']).collect())));
    add(&mut cases, 14, 1, CUT.map(|text| (false, text.to_vec())));
    add(&mut cases, 15, 1, [(false, CUT.concat())]);
    add(&mut cases, 22, 1, noncharacters().into_iter().map(|text| (true, text)));
    cases
}

/// The last two code points of each of the seventeen planes: no characters, and UTF-8 all the same.
fn noncharacters() -> Vec<Vec<u8>> {
    (0..=16_u32)
        .flat_map(|plane| [plane << 16 | 0xFFFE, plane << 16 | 0xFFFF])
        .map(|point| char::from_u32(point).expect("none of them is a surrogate").to_string().into_bytes())
        .collect()
}

fn add(cases: &mut Vec<Case>, group: u32, first: u32, texts: impl IntoIterator<Item = (bool, Vec<u8>)>) {
    for (i, (sound, payload)) in (first..).zip(texts) {
        let sent = vec![text(&*payload)];
        let heard = if sound { Heard::Text(payload) } else { Heard::Failed(Violation::NotUtf8) };
        cases.push((format!("6.{group}.{i}"), sent, vec![heard]));
    }
}
