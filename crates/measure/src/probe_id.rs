//! The ids of probes, computed from the seed of their run: the id of any slot can be worked out again, and none is kept.

use std::fmt;
use std::str::FromStr;

use super::lane::LaneId;

/// The first bit above the number of a slot; the index of its lane lies above.
const SLOT_BITS: u32 = 48;
/// An odd number without a pattern, so that neighbouring slots begin far apart: 2^64 divided by the golden ratio.
const APART: u64 = 0x9e37_79b9_7f4a_7c15;

/// The seed of a run's probe ids: 128 bits, drawn anew for each run, so that no two runs send the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdSeed(u128);

/// The id of a probe: a UUID of version 4 (RFC 9562). The same digits are the trace id of its `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProbeId(u128);

impl IdSeed {
    /// The seed with these bits.
    pub const fn new(bits: u128) -> Self {
        Self(bits)
    }

    /// The id of the probe of a slot.
    pub const fn id(self, lane: LaneId, slot: u64) -> ProbeId {
        let nth = ((lane.0 as u64) << SLOT_BITS).wrapping_add(slot);
        let [high, low] = [(self.0 >> 64) as u64, low_half(self.0)];
        // Of different slots the lower halves differ, before the two bits of the variant are set.
        let low = mixed(low.wrapping_add(nth.wrapping_mul(APART)));
        let high = mixed(high ^ low);
        ProbeId::of_halves(high, low)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is asked for")]
const fn low_half(bits: u128) -> u64 {
    bits as u64
}

/// Each bit of the result depends on all bits of `bits`, and no two numbers have the same result: the finalizer of
/// `SplitMix64` (Steele, Lea and Flood, *Fast Splittable Pseudorandom Number Generators*, OOPSLA 2014).
const fn mixed(bits: u64) -> u64 {
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

impl ProbeId {
    /// The two halves with the version and the variant of a random UUID set.
    const fn of_halves(high: u64, low: u64) -> Self {
        const VERSION: u64 = 0xf000;
        const VARIANT: u64 = 0xc000_0000_0000_0000;
        let high = (high & !VERSION) | 0x4000;
        let low = (low & !VARIANT) | 0x8000_0000_0000_0000;
        Self(((high as u128) << 64) | low as u128)
    }

    /// The header `traceparent` of the probe (W3C Trace Context): version, trace id, the id of the one span, sampled.
    pub fn traceparent(self) -> String {
        // Never zero, which would be no span: only zero is mixed to zero, and the variant is not zero.
        format!("00-{:032x}-{:016x}-01", self.0, mixed(low_half(self.0)))
    }
}

/// Writes the id as a UUID, `f81d4fae-7dec-41d0-a765-00a0c91e6bf6`.
impl fmt::Display for ProbeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |from: u32| (self.0 >> from) & 0xffff;
        let (first, last) = (self.0 >> 96, self.0 & 0xffff_ffff_ffff);
        write!(f, "{first:08x}-{:04x}-{:04x}-{:04x}-{last:012x}", part(80), part(64), part(48))
    }
}

/// Writes the seed as 32 hexadecimal digits.
impl fmt::Display for IdSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for IdSeed {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let is_seed = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let bits = is_seed.then(|| u128::from_str_radix(text, 16).ok()).flatten();
        bits.map(Self).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_slot_has_an_id_of_its_own_and_the_same_one_each_time() {
        let seed = IdSeed::new(7);
        let all = (0..4).flat_map(|lane| (0..50_000).map(move |slot| seed.id(LaneId(lane), slot)));
        assert_eq!(all.collect::<BTreeSet<_>>().len(), 200_000);
        assert_eq!(seed.id(LaneId(1), 9), IdSeed::new(7).id(LaneId(1), 9));
        assert_ne!(seed.id(LaneId(1), 9), IdSeed::new(8).id(LaneId(1), 9));
        assert_ne!(seed.id(LaneId(1), 9), IdSeed::new(7 + (1 << 64)).id(LaneId(1), 9));
    }

    /// The page of the report computes the same in its script: these are the values that both are held against.
    #[test]
    fn an_id_is_a_uuid_and_the_trace_id_of_its_traceparent() {
        let seed: IdSeed = "0123456789abcdeffedcba9876543210".parse().unwrap();
        assert_eq!(seed.to_string(), "0123456789abcdeffedcba9876543210");
        let id = seed.id(LaneId(1), 4_000_000_000);
        let (uuid, traceparent) = (id.to_string(), id.traceparent());
        assert_eq!(uuid, "3a0bd178-f9fc-470c-a299-5830868782b4");
        assert_eq!(traceparent, "00-3a0bd178f9fc470ca2995830868782b4-f4a9db88339dbb0c-01");
        assert_eq!((uuid.len(), &uuid[14..15]), (36, "4"), "{uuid}");
        assert!("89ab".contains(&uuid[19..20]), "{uuid}");
        let parts: Vec<_> = traceparent.split('-').collect();
        assert_eq!((parts[0], parts[1], parts[3]), ("00", &*uuid.replace('-', ""), "01"));
        assert_eq!(parts[2].len(), 16);
    }

    #[test]
    fn a_text_of_another_form_is_no_seed() {
        for odd in ["", "12", "+123456789abcdeffedcba9876543210", "0123456789abcdeffedcba98765432100"] {
            assert!(odd.parse::<IdSeed>().is_err(), "{odd:?}");
        }
    }
}
