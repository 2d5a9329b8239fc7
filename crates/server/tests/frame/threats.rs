//! THREATS T11 and T12: what a hostile client may cost, and with which code it is sent away.

use std::ops::ControlFlow;

use server::frame::{Decoder, FRAGMENTS_MAX, Limits, Progress, Violation};

use crate::heard::{Chop, Heard, LIMITS, Sent, binary, close, hear, next, ping, text, wire};

/// A header that promises a payload and brings none of it.
fn promise(opcode: u8, bytes: u64) -> Vec<u8> {
    let mut out = vec![0x80 | opcode, 0xFF];
    out.extend(bytes.to_be_bytes());
    out.extend([1, 2, 3, 4]);
    out
}

/// Pushes, and says what went wrong and what is held afterwards.
fn push(decoder: &mut Decoder, bytes: &[u8], limits: &Limits) -> (Result<Progress, Violation>, usize) {
    let result = decoder.push(&mut bytes.to_vec(), limits, &mut |_| ControlFlow::Continue(()));
    (result, decoder.held_bytes())
}

#[test]
fn a_promised_length_is_refused_with_its_header() {
    let over = LIMITS.message_bytes_max as u64 + 1;
    for (bytes, violation, code) in [
        (64 << 20, Violation::MessageTooLong, 1009),
        (over, Violation::MessageTooLong, 1009),
        (u64::MAX >> 1, Violation::MessageTooLong, 1009),
        (1 << 63, Violation::LengthTopBit, 1002),
        (u64::MAX, Violation::LengthTopBit, 1002),
    ] {
        assert_eq!(violation.close_code(), code);
        for opcode in [1, 2] {
            let mut decoder = Decoder::default();
            assert_eq!(push(&mut decoder, &promise(opcode, bytes), &LIMITS), (Err(violation), 0));
        }
    }
}

#[test]
fn memory_grows_by_what_came() {
    let limits = Limits { message_bytes_max: 64 << 20, ..LIMITS };
    let mut decoder = Decoder::default();
    let (result, held) = push(&mut decoder, &promise(2, 64 << 20), &limits);
    assert_eq!(result, Ok(Progress::All));
    assert!(held <= 512, "a header alone holds {held}");
    let mut came = 0;
    for size in [1, 10, 100, 1_000, 60_000] {
        came += size;
        let (_, held) = push(&mut decoder, &vec![0; size], &limits);
        assert!(held <= 512 + 2 * came, "{held} held for {came}");
    }
}

#[test]
fn a_message_may_have_the_limit_and_not_a_byte_more() {
    let limits = Limits { message_bytes_max: 1_000, ..LIMITS };
    let too_long = [Heard::Failed(Violation::MessageTooLong)];
    for chop in [Chop::Whole, Chop::Every(1)] {
        let at = |frames: &[Sent]| hear(&wire(frames), chop, &limits).0;
        assert_eq!(at(&[binary([0; 1_000])]), [Heard::Binary(vec![0; 1_000])]);
        assert_eq!(at(&[binary([0; 1_001])]), too_long);
        assert_eq!(at(&[binary([0; 600]).more(), next([0; 400])]), [Heard::Binary(vec![0; 1_000])]);
        assert_eq!(at(&[binary([0; 600]).more(), next([0; 401])]), too_long);
        assert_eq!(at(&[binary([0; 1_000]).more(), next("").more(), next("")]), [Heard::Binary(vec![0; 1_000])]);
    }
}

#[test]
fn a_frame_may_have_its_own_limit_and_not_a_byte_more() {
    let limits = Limits { message_bytes_max: 1_000, frame_bytes_max: 300, ..LIMITS };
    let too_long = [Heard::Failed(Violation::MessageTooLong)];
    for chop in [Chop::Whole, Chop::Every(1)] {
        let at = |frames: &[Sent]| hear(&wire(frames), chop, &limits).0;
        assert_eq!(at(&[binary([0; 300])]), [Heard::Binary(vec![0; 300])]);
        assert_eq!(at(&[binary([0; 301])]), too_long);
        assert_eq!(at(&[binary([0; 300]).more(), next([0; 300])]), [Heard::Binary(vec![0; 600])]);
        assert_eq!(at(&[binary([0; 300]).more(), next([0; 301])]), too_long);
        let four = [binary([0; 300]).more(), next([0; 300]).more(), next([0; 300]).more(), next([0; 101])];
        assert_eq!(at(&four), too_long, "the whole message is over its own");
    }
}

/// CVE-2026-48779: tiny fragments held far more memory than the limit on bytes counted.
#[test]
fn a_flood_of_fragments_is_cut_off() {
    for payload in ["", "x"] {
        let mut frames = vec![next(payload).more(); 300_000];
        frames[0].opcode = 0x1;
        let mut decoder = Decoder::default();
        let mut pushed = 0;
        let end = wire(&frames).chunks(64 << 10).find_map(|chunk| {
            pushed += 1;
            push(&mut decoder, chunk, &LIMITS).0.err()
        });
        assert_eq!((end, pushed), (Some(Violation::TooManyFragments), 1));
        assert_eq!(decoder.held_bytes(), 0);
    }
    assert_eq!(Violation::TooManyFragments.close_code(), 1008);
}

#[test]
fn a_message_may_have_the_limit_of_fragments_and_not_one_more() {
    let fragments = |count: u32| {
        let mut frames = vec![next("x").more(); usize::try_from(count).unwrap()];
        frames[0].opcode = 0x1;
        frames.last_mut().unwrap().fin = true;
        hear(&wire(&frames), Chop::Whole, &LIMITS).0
    };
    assert_eq!(fragments(FRAGMENTS_MAX), [Heard::Text(vec![b'x'; 1_024])]);
    assert_eq!(fragments(FRAGMENTS_MAX + 1), [Heard::Failed(Violation::TooManyFragments)]);
}

#[test]
fn a_frame_without_a_mask_is_refused_with_its_second_byte() {
    for opcode in [0x1, 0x2, 0x8, 0x9, 0xA] {
        let (heard, given) = hear(&[0x80 | opcode, 5, b'H'], Chop::Every(1), &LIMITS);
        assert_eq!((heard, given), (vec![Heard::Failed(Violation::Unmasked)], 2));
    }
    assert_eq!(Violation::Unmasked.close_code(), 1002);
}

#[test]
fn codes_tell_what_was_wrong() {
    let cases: [(Vec<Sent>, u16); 6] = [
        (vec![text(b"\xff")], 1007),
        (vec![close(b"\x03\xe8\xff")], 1007),
        (vec![close([0x03])], 1002),
        (vec![ping([0; 126])], 1002),
        (vec![text("x").reserved(4)], 1002),
        (vec![next("x")], 1002),
    ];
    for (frames, code) in cases {
        let (heard, _) = hear(&wire(&frames), Chop::Whole, &LIMITS);
        let [Heard::Failed(violation)] = &heard[..] else { panic!("{heard:?}") };
        assert_eq!(violation.close_code(), code);
        assert!(!violation.reason().is_empty() && violation.reason().len() <= 123);
    }
}

#[test]
fn an_idle_connection_owns_no_buffer() {
    assert_eq!(size_of::<Decoder>(), 16);
    let frames = [text("one"), ping("two"), text("thr").more(), ping("four"), next("ee"), binary([0; 200])];
    let mut decoder = Decoder::default();
    assert_eq!(decoder.held_bytes(), 0);
    assert_eq!(push(&mut decoder, &wire(&frames), &LIMITS), (Ok(Progress::All), 0));
    // And when every read ends in the middle of something, nothing is held once that is complete.
    for frame in [text("one"), ping("two"), binary([0; 200]), text("")] {
        let bytes = wire(&[frame]);
        let (last, before) = bytes.split_last().unwrap();
        for byte in before {
            assert!(push(&mut decoder, &[*byte], &LIMITS).1 > 0);
        }
        assert_eq!(push(&mut decoder, &[*last], &LIMITS), (Ok(Progress::All), 0));
    }
    for byte in wire(&frames) {
        push(&mut decoder, &[byte], &LIMITS).0.unwrap();
    }
    assert_eq!(decoder.held_bytes(), 0);
}

#[test]
fn after_the_end_there_is_silence() {
    let mut decoder = Decoder::default();
    let bytes = wire(&[text("x").more(), close(""), next("y"), text("z")]);
    assert_eq!(push(&mut decoder, &bytes, &LIMITS), (Ok(Progress::Closed), 0));
    let mut heard = 0;
    let mut count = |_: server::frame::Incoming<'_>| {
        heard += 1;
        ControlFlow::Continue(())
    };
    assert_eq!(decoder.push(&mut wire(&[text("z")]), &LIMITS, &mut count), Ok(Progress::Closed));
    let mut decoder = Decoder::default();
    assert_eq!(decoder.push(&mut [0xFF], &LIMITS, &mut count), Err(Violation::ReservedBits));
    assert_eq!(decoder.push(&mut wire(&[text("z")]), &LIMITS, &mut count), Ok(Progress::Closed));
    assert_eq!(heard, 0);
}
