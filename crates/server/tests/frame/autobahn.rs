//! The cases of the Autobahn test suite, without compression, by their numbers: what is sent, and what has to be heard.
//!
//! Each runs in one piece, octet by octet and in random pieces, so the suite's own variants in chopping add nothing; they
//! are listed all the same, so that every one of its 301 numbers is found here or in `utf8`. Where the suite waits for an
//! echo or a pong, we wait for the message or the ping that it answers. Group 9, sizes, is scaled down.

use server::frame::{Limits, Violation};

use crate::heard::{Chop, Heard, LIMITS, Sent, binary, close, hear, next, ping, pong, text, wire};
use crate::utf8;

/// A case: its number, what is sent, what is heard.
pub(crate) type Case = (String, Vec<Sent>, Vec<Heard>);

fn check((number, frames, expected): &Case, limits: &Limits) {
    let bytes = wire(frames);
    let mut chops = vec![Chop::Whole, Chop::Every(997), Chop::Random(1, 64), Chop::Random(2, 2_000)];
    if bytes.len() <= 1 << 16 {
        chops.push(Chop::Every(1));
        chops.extend((10..18).map(|seed| Chop::Random(seed, 7)));
    }
    for chop in chops {
        let (heard, _) = hear(&bytes, chop, limits);
        assert!(heard == *expected, "case {number}, {chop:?}: heard {}", brief(&heard));
    }
}

fn brief(heard: &[Heard]) -> String {
    format!("{heard:?}").chars().take(300).collect()
}

fn case(number: &str, frames: &[Sent], heard: &[Heard]) -> Case {
    (number.to_owned(), frames.to_vec(), heard.to_vec())
}

fn twice(frames: &[Sent]) -> Vec<Sent> {
    [frames, frames].concat()
}

fn heard_text(payload: impl Into<Vec<u8>>) -> Heard {
    Heard::Text(payload.into())
}

fn failed(violation: Violation) -> Heard {
    Heard::Failed(violation)
}

#[test]
fn every_number_is_here() {
    let all = all();
    let numbers = all.iter().map(|(number, _, _)| number).collect::<std::collections::BTreeSet<_>>();
    assert_eq!((all.len(), numbers.len()), (301, 301));
}

#[test]
fn every_case_is_heard_as_it_should() {
    // 9.3 and 9.4 go beyond the usual number of fragments, as the suite itself does.
    let limits = Limits { fragments_max: 4_096, ..LIMITS };
    for case in all() {
        check(&case, &limits);
    }
}

/// 6.4: not only is bad UTF-8 refused, it is refused with the octet that spoils it, inside a frame or a fragment.
#[test]
fn bad_utf8_is_refused_with_the_octet_that_spoils_it() {
    for (number, frames, _) in group_6().into_iter().filter(|(number, _, _)| number.starts_with("6.4.")) {
        let bytes = wire(&frames);
        let (heard, given) = hear(&bytes, Chop::Every(1), &LIMITS);
        assert_eq!(heard, [failed(Violation::NotUtf8)], "case {number}");
        // The thirteenth octet of the text, behind one header or two.
        let headers = if frames.len() == 1 { 6 } else { 12 };
        assert_eq!(given, headers + 13, "case {number}");
    }
}

fn all() -> Vec<Case> {
    [group_1(), group_2(), group_3(), group_4(), group_5(), group_6(), utf8::cases(), group_7(), group_9(), group_10()]
        .concat()
}

/// 1: sizes at which the header changes. The eighth is the seventh, chopped.
fn group_1() -> Vec<Case> {
    let sizes = [0, 125, 126, 127, 128, 65_535, 65_536, 65_536];
    let mut cases = Vec::new();
    for (i, size) in (1..).zip(sizes) {
        let (stars, bytes) = (vec![b'*'; size], vec![0xFE; size]);
        cases.push(case(&format!("1.1.{i}"), &[text(&*stars)], &[Heard::Text(stars)]));
        cases.push(case(&format!("1.2.{i}"), &[binary(&*bytes)], &[Heard::Binary(bytes)]));
    }
    cases
}

/// 2: pings and pongs.
fn group_2() -> Vec<Case> {
    let odd = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff";
    let long = vec![0xFE; 125];
    let ten = (0..10).map(|i| format!("payload-{i}").into_bytes()).collect::<Vec<_>>();
    let pings = ten.iter().map(|payload| ping(&**payload)).collect::<Vec<_>>();
    let heard = ten.into_iter().map(Heard::Ping).collect::<Vec<_>>();
    vec![
        case("2.1", &[ping("")], &[Heard::Ping(vec![])]),
        case("2.2", &[ping("Hello, world!")], &[Heard::Ping(b"Hello, world!".into())]),
        case("2.3", &[ping(odd)], &[Heard::Ping(odd.into())]),
        case("2.4", &[ping(&*long)], &[Heard::Ping(long.clone())]),
        case("2.5", &[ping([0xFE; 126])], &[failed(Violation::ControlTooLong)]),
        case("2.6", &[ping(&*long)], &[Heard::Ping(long)]),
        case("2.7", &[pong("")], &[Heard::Pong(vec![])]),
        case("2.8", &[pong("unsolicited")], &[Heard::Pong(b"unsolicited".into())]),
        case("2.9", &[pong("un"), ping("p")], &[Heard::Pong(b"un".into()), Heard::Ping(b"p".into())]),
        case("2.10", &pings, &heard),
        case("2.11", &pings, &heard),
    ]
}

/// 3: reserved bits.
fn group_3() -> Vec<Case> {
    let no = failed(Violation::ReservedBits);
    let late = |bits| [text("Hello"), text("Hello").reserved(bits), ping("")];
    let after = [heard_text("Hello"), no.clone()];
    let no = [no];
    vec![
        case("3.1", &[text("Hello, world!").reserved(1)], &no),
        case("3.2", &late(2), &after),
        case("3.3", &late(3), &after),
        case("3.4", &late(4), &after),
        case("3.5", &[binary([0, 255]).reserved(5)], &no),
        case("3.6", &[ping("Hello, world!").reserved(6)], &no),
        case("3.7", &[close("").reserved(7)], &no),
    ]
}

/// 4: reserved opcodes, 3 to 7 for data and 11 to 15 for control: alone, then behind a text.
fn group_4() -> Vec<Case> {
    let mut cases = Vec::new();
    for (group, first) in [(1, 3), (2, 11)] {
        for i in 0..5 {
            let payload = if i % 5 == 0 || i == 2 { "" } else { "reserved" };
            let odd = Sent::new(first + i, payload);
            let number = format!("4.{group}.{}", i + 1);
            let no = failed(Violation::ReservedOpcode);
            cases.push(match i {
                0 | 1 => case(&number, &[odd], &[no]),
                _ => case(&number, &[text("Hello"), odd, ping("")], &[heard_text("Hello"), no]),
            });
        }
    }
    cases
}

/// 5: fragments.
fn group_5() -> Vec<Case> {
    let (one, two) = (text("fragment1").more(), next("fragment2"));
    let both = heard_text("fragment1fragment2");
    let whole = text("Hello, world!");
    let nothing = failed(Violation::NothingToContinue);
    let asked = Heard::Ping(b"ping payload".into());
    let in_pieces = [one.clone(), two.clone()];
    let pinged = [one.clone(), ping("ping payload"), two.clone()];
    let final_orphan = [next("non-continuation"), whole.clone()];
    let orphan = [next("non-continuation").more(), whole.clone()];
    let five = [
        text("fragment1").more(),
        next("fragment2").more(),
        ping("pongme 1!"),
        next("fragment3").more(),
        next("fragment4").more(),
        ping("pongme 2!"),
        next("fragment5"),
    ];
    let five_heard = [
        Heard::Ping(b"pongme 1!".into()),
        Heard::Ping(b"pongme 2!".into()),
        heard_text("fragment1fragment2fragment3fragment4fragment5"),
    ];
    let mut cases = vec![
        case("5.1", &[ping("fragment1").more(), two.clone()], &[failed(Violation::ControlFragmented)]),
        case("5.2", &[pong("fragment1").more(), two.clone()], &[failed(Violation::ControlFragmented)]),
        case("5.15", &[one.clone(), two.clone(), next("3").more(), text("4")], &[both.clone(), nothing.clone()]),
        case("5.16", &twice(&[next("1").more(), text("2").more(), next("3")]), std::slice::from_ref(&nothing)),
        case("5.17", &twice(&[next("1"), text("2").more(), next("3")]), std::slice::from_ref(&nothing)),
        case("5.18", &[one, text("fragment2")], &[failed(Violation::MessageInterrupted)]),
    ];
    let chopped: [(&[usize], &[Sent], &[Heard]); 5] = [
        (&[3, 4, 5], &in_pieces, std::slice::from_ref(&both)),
        (&[6, 7, 8], &pinged, &[asked, both.clone()]),
        (&[9, 10, 11], &final_orphan, std::slice::from_ref(&nothing)),
        (&[12, 13, 14], &orphan, std::slice::from_ref(&nothing)),
        (&[19, 20], &five, &five_heard),
    ];
    for (numbers, frames, heard) in chopped {
        cases.extend(numbers.iter().map(|i| case(&format!("5.{i}"), frames, heard)));
    }
    cases
}

/// 6.1 to 6.4: UTF-8 across fragments. 6.5 and on are in `utf8`.
fn group_6() -> Vec<Case> {
    let umlauts = "Hello-µ@ßöäüàá-UTF-8!!".as_bytes();
    let kosme = utf8::KOSME;
    let surrogate = [kosme, b"\xed\xa0\x80edited"].concat();
    let too_high = [kosme, b"\xf4\x90\x80\x80edited"].concat();
    let octets = |bytes: &[u8]| {
        let mut frames = bytes.iter().map(|&byte| next([byte]).more()).collect::<Vec<_>>();
        frames[0].opcode = 0x1;
        frames.last_mut().expect("a message has fragments").fin = true;
        frames
    };
    let pieces = |bytes: &[u8], ends: [usize; 2]| {
        [text(&bytes[..ends[0]]).more(), next(&bytes[ends[0]..ends[1]]).more(), next(&bytes[ends[1]..])]
    };
    let empty = heard_text("");
    let no = [failed(Violation::NotUtf8)];
    vec![
        case("6.1.1", &[text("")], std::slice::from_ref(&empty)),
        case("6.1.2", &[text("").more(), next("").more(), next("")], &[empty]),
        case("6.1.3", &[text("").more(), next("middle").more(), next("")], &[heard_text("middle")]),
        case("6.2.1", &[text(umlauts)], &[heard_text(umlauts)]),
        case("6.2.2", &[text(&umlauts[..12]).more(), next(&umlauts[12..])], &[heard_text(umlauts)]),
        case("6.2.3", &octets(umlauts), &[heard_text(umlauts)]),
        case("6.2.4", &octets(kosme), &[heard_text(kosme)]),
        case("6.3.1", &[text(&*surrogate)], &no),
        case("6.3.2", &octets(&surrogate), &no),
        case("6.4.1", &pieces(&too_high, [11, 15]), &no),
        case("6.4.2", &pieces(&too_high, [12, 13]), &no),
        case("6.4.3", &[text(&*too_high)], &no),
        case("6.4.4", &[text(&*too_high)], &no),
    ]
}

fn coded(code: u16, reason: &[u8]) -> Sent {
    close([&code.to_be_bytes(), reason].concat())
}

/// 7: closing. 7.13 is informational in the suite; we refuse codes from 5000 on.
fn group_7() -> Vec<Case> {
    let end = || coded(1000, b"");
    let ended = Heard::Close(Some(1000), String::new());
    let long = text(b"BAsd7&jh23".repeat(26_215));
    let stars = "*".repeat(123);
    let bad_reason = [utf8::KOSME, b"\xed\xa0\x80edited"].concat();
    let mut cases = vec![
        case("7.1.1", &[text("Hello"), end()], &[heard_text("Hello"), ended.clone()]),
        case("7.1.2", &[end(), close("")], std::slice::from_ref(&ended)),
        case("7.1.3", &[end(), ping("")], std::slice::from_ref(&ended)),
        case("7.1.4", &[end(), text("Hello")], std::slice::from_ref(&ended)),
        case("7.1.5", &[text("fragment1").more(), end(), next("fragment2")], std::slice::from_ref(&ended)),
        case(
            "7.1.6",
            &[long.clone(), text("Hello"), end(), ping("")],
            &[Heard::Text(long.payload), heard_text("Hello"), ended.clone()],
        ),
        case("7.3.1", &[close("")], &[Heard::Close(None, String::new())]),
        case("7.3.2", &[close("a")], &[failed(Violation::CloseCutShort)]),
        case("7.3.3", &[end()], &[ended]),
        case("7.3.4", &[coded(1000, b"Hello World!")], &[Heard::Close(Some(1000), "Hello World!".into())]),
        case("7.3.5", &[coded(1000, stars.as_bytes())], &[Heard::Close(Some(1000), stars)]),
        case("7.3.6", &[coded(1000, &[b'*'; 124])], &[failed(Violation::ControlTooLong)]),
        case("7.5.1", &[coded(1000, &bad_reason)], &[failed(Violation::NotUtf8)]),
        case("7.13.1", &[coded(5000, b"")], &[failed(Violation::CloseCode)]),
        case("7.13.2", &[coded(65_535, b"")], &[failed(Violation::CloseCode)]),
    ];
    let good = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999];
    for (i, code) in (1..).zip(good) {
        cases.push(case(&format!("7.7.{i}"), &[coded(code, b"")], &[Heard::Close(Some(code), String::new())]));
    }
    for (i, code) in (1..).zip([0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999]) {
        cases.push(case(&format!("7.9.{i}"), &[coded(code, b"")], &[failed(Violation::CloseCode)]));
    }
    cases
}

/// 9: sizes, a sixteenth of the suite's 64 KiB to 16 MiB in one frame, in fragments and in chops; then many messages, a
/// tenth of the suite's thousand.
fn group_9() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut both = |groups: [u8; 2], i: usize, send: &dyn Fn(u8) -> Vec<Sent>| {
        for (group, opcode) in groups.into_iter().zip([0x1, 0x2]) {
            let frames = send(opcode);
            let heard = assemble(&frames);
            cases.push((format!("9.{group}.{i}"), frames, heard));
        }
    };
    for (i, kib) in (1..).zip([4, 16, 64, 256, 512, 1_024]) {
        both([1, 2], i, &|opcode| vec![Sent::new(opcode, vec![b'x'; kib << 10])]);
    }
    for i in 1..=9 {
        // Fragments of 64 bytes, four times more in each case, of 256 KiB; the last has one only.
        both([3, 4], i, &|opcode| {
            let size = (64 << (2 * (i - 1))).min(256 << 10);
            let mut frames = vec![next(vec![b'x'; size]).more(); (256 << 10) / size];
            frames[0].opcode = opcode;
            frames.last_mut().expect("a message has fragments").fin = true;
            frames
        });
    }
    for i in 1..=6 {
        both([5, 6], i, &|opcode| vec![Sent::new(opcode, vec![b'x'; 64 << 10])]);
    }
    for (i, size) in (1..).zip([0, 16, 64, 256, 1_024, 4_096]) {
        both([7, 8], i, &|opcode| vec![Sent::new(opcode, vec![b'x'; size]); 100]);
    }
    cases
}

/// The messages in frames that are all in order.
fn assemble(frames: &[Sent]) -> Vec<Heard> {
    let mut heard = Vec::new();
    let mut message = Vec::new();
    let mut opcode = 0;
    for frame in frames {
        opcode = if frame.opcode == 0 { opcode } else { frame.opcode };
        message.extend_from_slice(&frame.payload);
        if frame.fin {
            let message = std::mem::take(&mut message);
            heard.push(if opcode == 1 { Heard::Text(message) } else { Heard::Binary(message) });
        }
    }
    heard
}

/// 10: fragments of 1,300 bytes, as a library would make them by itself.
fn group_10() -> Vec<Case> {
    let stars = vec![b'*'; 65_536];
    let mut frames = stars.chunks(1_300).map(|chunk| next(chunk).more()).collect::<Vec<_>>();
    frames[0].opcode = 0x1;
    frames.last_mut().expect("a message has fragments").fin = true;
    vec![case("10.1.1", &frames, &[Heard::Text(stars)])]
}
