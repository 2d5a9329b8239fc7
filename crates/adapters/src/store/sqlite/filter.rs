//! What makes "this client id was never seen" cheap: a blocked Bloom filter per run of 2^20 offsets, at 12 bits an id, so
//! that one cache line answers and six in a thousand unseen ids are looked up for nothing. A filter never forgets what it
//! was told; it is derived, like the index, and its loss costs time only.

use std::collections::BTreeMap;

/// Offsets in a run, as a power of two.
const RUN_BITS: u32 = 20;
/// A block is one cache line.
const BLOCK_WORDS: usize = 8;
/// Blocks in a run's filter: 12 bits for each of its 2^20 ids, 1.5 MiB.
const BLOCKS: usize = (12 << RUN_BITS) / 512;
/// Filters kept in memory, of the newest runs: 256 of them are 384 MiB and cover 268 million messages. Runs older than
/// that are looked up in the index for every new id, a few microseconds each.
pub(super) const FILTERS_MAX: usize = 256;

/// The run that an offset belongs to.
pub(super) fn run_of(offset: u64) -> u64 {
    offset >> RUN_BITS
}

/// One run's filter.
pub(super) struct Filter {
    words: Vec<u64>,
}

impl Filter {
    pub(super) fn new() -> Self {
        Self { words: vec![0; BLOCKS * BLOCK_WORDS] }
    }

    /// From its kept form; none when that is not one.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let words = bytes.chunks_exact(8).filter_map(|word| word.try_into().ok().map(u64::from_le_bytes)).collect();
        (bytes.len() == BLOCKS * BLOCK_WORDS * 8).then_some(Self { words })
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    /// The word and the bit of each probe: the high half of the hash picks the block, and the low half one bit in each
    /// of the block's eight words.
    fn probes(hash: u64) -> impl Iterator<Item = (usize, u64)> {
        let (high, low) = (hash >> 32, hash & 0xffff_ffff);
        let block = usize::try_from((high * BLOCKS as u64) >> 32).expect("fewer blocks than that") * BLOCK_WORDS;
        let mixed = low.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (0..BLOCK_WORDS).map(move |word| (block + word, 1 << ((mixed >> (word * 6 + 16)) & 63)))
    }

    pub(super) fn add(&mut self, hash: u64) {
        Self::probes(hash).for_each(|(word, bit)| self.words[word] |= bit);
    }

    pub(super) fn may_have(&self, hash: u64) -> bool {
        Self::probes(hash).all(|(word, bit)| self.words[word] & bit != 0)
    }
}

/// The filters of a store.
#[derive(Default)]
pub(super) struct Filters {
    /// Private: no more than [`FILTERS_MAX`], the newest.
    by_run: BTreeMap<u64, Filter>,
    /// Runs below this have ids in the index and no filter in memory.
    unfiltered_below: u64,
}

impl Filters {
    pub(super) fn put(&mut self, run: u64, filter: Filter) {
        self.by_run.insert(run, filter);
        self.bound();
    }

    fn bound(&mut self) {
        while self.by_run.len() > FILTERS_MAX
            && let Some((run, _)) = self.by_run.pop_first()
        {
            self.unfiltered_below = run + 1;
        }
    }

    pub(super) fn get(&self, run: u64) -> Option<&Filter> {
        self.by_run.get(&run)
    }

    /// Adds ids that are in the index now.
    pub(super) fn add(&mut self, run: u64, hash: u64) {
        if run >= self.unfiltered_below {
            self.by_run.entry(run).or_insert_with(Filter::new).add(hash);
            self.bound();
        }
    }

    /// The runs that an id may be in, the newest first.
    pub(super) fn runs(&self, hash: u64) -> impl Iterator<Item = u64> {
        let filtered = self.by_run.iter().rev().filter(move |(_, filter)| filter.may_have(hash)).map(|(run, _)| *run);
        filtered.chain((0..self.unfiltered_below).rev())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xxhash_rust::xxh3::xxh3_64;

    #[test]
    fn what_was_added_is_found_and_little_else() {
        let mut filters = Filters::default();
        let hash = |n: u64| xxh3_64(&n.to_le_bytes());
        (0..1 << RUN_BITS).for_each(|n| filters.add(3, hash(n)));
        assert!((0..1 << RUN_BITS).all(|n| filters.runs(hash(n)).next() == Some(3)), "a filter never forgets");
        let wrong = (1 << RUN_BITS..2 << RUN_BITS).filter(|n| filters.runs(hash(*n)).next().is_some()).count();
        assert!(wrong < (1 << RUN_BITS) / 100, "{wrong} of a full run's worth of unseen ids");
        let kept = filters.get(3).unwrap().to_bytes();
        assert!(Filter::from_bytes(&kept).unwrap().words == filters.get(3).unwrap().words);
        assert!(Filter::from_bytes(&kept[8..]).is_none());
    }

    #[test]
    fn runs_without_a_filter_are_always_looked_up() {
        let mut filters = Filters::default();
        (0..FILTERS_MAX as u64 + 2).for_each(|run| filters.add(run, 7));
        assert_eq!(filters.runs(8).collect::<Vec<_>>(), [1, 0]);
        assert_eq!(filters.runs(7).count(), FILTERS_MAX + 2);
    }
}
