//! Masking, which is its own inverse: every byte of a client's payload is combined with one of four key bytes in turn.

/// Masks or unmasks `bytes` in place, the first of them with `key[0]`.
///
/// Eight bytes at a time over fixed-size chunks, so that the compiler makes vector instructions of it without `unsafe`.
pub fn mask(bytes: &mut [u8], key: [u8; 4]) {
    let [a, b, c, d] = key;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (chunks, rest) = bytes.as_chunks_mut::<8>();
    for chunk in chunks {
        *chunk = (u64::from_ne_bytes(*chunk) ^ wide).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}
