//! Packs whole numbers for the script: seven bits per byte, least significant first (LEB128), then base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A sequence of packed numbers.
#[derive(Debug, Default)]
pub(super) struct Pack(Vec<u8>);

impl Pack {
    /// Appends a number in one byte per seven bits.
    pub(super) fn push(&mut self, mut number: u64) {
        while number > 0x7f {
            self.0.push(u8::try_from(number & 0x7f).unwrap_or(0) | 0x80);
            number >>= 7;
        }
        self.0.push(u8::try_from(number).unwrap_or(0));
    }

    /// Appends the difference `to - from` in zigzag encoding, so that small differences of either sign are short.
    pub(super) fn push_step(&mut self, from: u64, to: u64) {
        let step = to.wrapping_sub(from).cast_signed();
        self.push(((step << 1) ^ (step >> 63)).cast_unsigned());
    }

    pub(super) fn into_base64(self) -> String {
        STANDARD.encode(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_numbers_and_small_steps_take_a_byte() {
        let bytes = |push: &dyn Fn(&mut Pack)| {
            let mut pack = Pack::default();
            push(&mut pack);
            pack.0
        };
        assert_eq!(bytes(&|pack| pack.push(127)), [127]);
        assert_eq!(bytes(&|pack| pack.push(300)), [0xac, 2]);
        assert_eq!(bytes(&|pack| pack.push_step(5, 4)), [1]);
        assert_eq!(bytes(&|pack| pack.push_step(5, 6)), [2]);
        assert_eq!(bytes(&|pack| pack.push(u64::MAX)).len(), 10);
    }
}
