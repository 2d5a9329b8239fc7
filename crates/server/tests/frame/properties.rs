//! What holds for any bytes: chopping changes nothing, stopping loses nothing, nothing panics, nothing is held over the
//! limit, and what is encoded is decoded again.

use std::ops::ControlFlow;

use proptest::prelude::*;
use server::frame::{self, Decoder, Limits, Opcode, Progress};

use crate::heard::{Chop, Heard, LIMITS, Sent, hear, wire};

/// Frames that mostly keep the rules, so that a run of them comes far, and now and then break one.
fn frames() -> impl Strategy<Value = Vec<Sent>> {
    let payload = prop_oneof![
        4 => "[a-zµ€𤭢]{0,40}".prop_map(String::into_bytes),
        2 => prop::collection::vec(any::<u8>(), 0..140),
        1 => (0..3_000_usize).prop_map(|size| vec![b'x'; size]),
    ];
    let opcode =
        prop_oneof![4 => Just(0), 4 => Just(1), 4 => Just(2), 1 => Just(8), 4 => Just(9), 4 => Just(10), 1 => Just(5)];
    let reserved = prop_oneof![60 => Just(0), 1 => 1..8_u8];
    let frame = (prop::bool::weighted(0.7), reserved, opcode, payload)
        .prop_map(|(fin, reserved, opcode, payload)| Sent { fin, reserved, opcode, payload });
    (prop::collection::vec(frame, 0..30), prop::bool::weighted(0.9)).prop_map(|(mut frames, repair)| {
        if repair {
            self::repair(&mut frames);
        }
        frames
    })
}

/// Makes continuations follow what they may follow, and control frames what they have to be.
fn repair(frames: &mut [Sent]) {
    let mut open = false;
    for frame in frames {
        if frame.opcode >= 8 {
            frame.fin = true;
            frame.payload.truncate(125);
        } else {
            frame.opcode = if open { 0 } else { frame.opcode.max(1) };
            open = !frame.fin;
        }
    }
}

fn chop() -> impl Strategy<Value = Chop> {
    prop_oneof![Just(Chop::Every(1)), (any::<u64>(), 1..400_u64).prop_map(|(seed, max)| Chop::Random(seed, max))]
}

proptest! {
    #[test]
    fn chopping_changes_nothing(frames in frames(), chop in chop()) {
        let bytes = wire(&frames);
        let limits = Limits { message_bytes_max: 2_000, frame_bytes_max: usize::MAX, fragments_max: 8 };
        prop_assert_eq!(hear(&bytes, chop, &limits).0, hear(&bytes, Chop::Whole, &limits).0);
    }

    #[test]
    fn stopping_loses_nothing(frames in frames(), chop in 1..300_usize) {
        let bytes = wire(&frames);
        let (whole, _) = hear(&bytes, Chop::Whole, &LIMITS);
        let mut decoder = Decoder::default();
        let mut heard = Vec::new();
        let mut waiting = Vec::new();
        let mut chunks = bytes.chunks(chop);
        loop {
            // The rest of what was read before comes first, as a session that goes on reading finds it.
            if waiting.is_empty() {
                let Some(chunk) = chunks.next() else { break };
                waiting.extend_from_slice(chunk);
            }
            let before = heard.len();
            let result = decoder.push(&mut waiting, &LIMITS, &mut |incoming| {
                heard.push(Heard::from(incoming));
                ControlFlow::Break(())
            });
            prop_assert!(heard.len() <= before + 1);
            match result {
                Ok(Progress::All) => waiting.clear(),
                Ok(Progress::Stopped { consumed }) => drop(waiting.drain(..consumed)),
                Ok(Progress::Closed) => break,
                Err(violation) => {
                    heard.push(Heard::Failed(violation));
                    break;
                }
            }
        }
        prop_assert_eq!(heard, whole);
    }

    #[test]
    fn any_bytes_are_survived(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..20)) {
        survive(&chunks)?;
    }

    /// Random bytes seldom get past a second header; broken and cut frames do.
    #[test]
    fn any_frames_are_survived(frames in frames(), cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4)) {
        let mut bytes = wire(&frames);
        for (index, byte) in cuts {
            if !bytes.is_empty() {
                let at = index.index(bytes.len());
                bytes[at] = byte;
            }
        }
        survive(&bytes.chunks(37).map(<[u8]>::to_vec).collect::<Vec<_>>())?;
    }

    #[test]
    fn masking_is_what_the_standard_says(bytes in prop::collection::vec(any::<u8>(), 0..100), key in any::<[u8; 4]>(), from in 0..9_usize) {
        let from = from.min(bytes.len());
        let mut masked = bytes.clone();
        frame::mask(&mut masked[from..], key);
        for (i, (masked, byte)) in masked[from..].iter().zip(&bytes[from..]).enumerate() {
            prop_assert_eq!(*masked, byte ^ key[i % 4]);
        }
    }

    #[test]
    fn what_a_client_encodes_is_heard(payload in prop::collection::vec(any::<u8>(), 0..70_000), key in any::<[u8; 4]>()) {
        let mut bytes = Vec::new();
        let (one, two) = payload.split_at(payload.len() / 3);
        frame::encode_masked_into(&mut bytes, false, Opcode::Binary, one, key);
        frame::encode_masked_into(&mut bytes, true, Opcode::Ping, b"here", key);
        frame::encode_masked_into(&mut bytes, true, Opcode::Continuation, two, key);
        prop_assert_eq!(hear(&bytes, Chop::Whole, &LIMITS).0, vec![Heard::Ping(b"here".into()), Heard::Binary(payload)]);
    }
}

/// Nothing panics, and no more is held than came twice over, nor than the limit.
fn survive(chunks: &[Vec<u8>]) -> Result<(), TestCaseError> {
    let limits = Limits { message_bytes_max: 500, frame_bytes_max: usize::MAX, fragments_max: 8 };
    let mut decoder = Decoder::default();
    let mut came = 0;
    for chunk in chunks {
        came += chunk.len();
        let result = decoder.push(&mut chunk.clone(), &limits, &mut |incoming| {
            if let Heard::Text(bytes) | Heard::Binary(bytes) = Heard::from(incoming) {
                assert!(bytes.len() <= limits.message_bytes_max);
            }
            ControlFlow::Continue(())
        });
        let constant = 256;
        prop_assert!(decoder.held_bytes() <= constant + (2 * came).min(limits.message_bytes_max));
        if result.is_err() {
            prop_assert_eq!(decoder.held_bytes(), 0);
        }
    }
    Ok(())
}

#[test]
fn what_a_server_encodes_is_what_the_standard_shows() {
    let mut out = Vec::new();
    frame::encode_text_into(&mut out, "Hello");
    frame::encode_ping_into(&mut out, b"Hello");
    frame::encode_pong_into(&mut out, b"");
    frame::encode_close_into(&mut out, Some(1000), "bye");
    frame::encode_close_into(&mut out, None, "unsaid");
    // RFC 6455, 5.7, for the first two.
    assert_eq!(out, b"\x81\x05Hello\x89\x05Hello\x8a\x00\x88\x05\x03\xe8bye\x88\x00");
    // And its masked example.
    let mut out = Vec::new();
    frame::encode_masked_into(&mut out, true, Opcode::Text, b"Hello", [0x37, 0xfa, 0x21, 0x3d]);
    assert_eq!(out, [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
}

#[test]
fn headers_grow_with_the_payload() {
    for (bytes, header) in [
        (0, &b"\x82\x00"[..]),
        (125, b"\x82\x7d"),
        (126, b"\x82\x7e\x00\x7e"),
        (256, b"\x82\x7e\x01\x00"),
        (65_535, b"\x82\x7e\xff\xff"),
        (65_536, b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ] {
        assert_eq!(frame::header(Opcode::Binary, bytes).as_bytes(), header);
        let mut out = Vec::new();
        frame::encode_binary_into(&mut out, &vec![7; bytes]);
        assert_eq!((&out[..header.len()], out.len()), (header, header.len() + bytes));
    }
}

#[test]
fn a_long_reason_is_cut_at_a_letter() {
    let mut out = Vec::new();
    frame::encode_close_into(&mut out, Some(1008), &"€".repeat(50));
    assert_eq!((out[1], out.len()), (2 + 123, 2 + 2 + 123));
    frame::encode_close_into(&mut out, Some(1008), &format!("a{}", "€".repeat(50)));
    assert_eq!(out[127 + 1], 2 + 121);
}
