//! Splits a stream of bytes into lines for the record, with limits on their length and number.
//!
//! The limits hold for the record only: the terminal gets the bytes by another way.

use lapse_measure::time::Offset;

/// The longest line that is kept whole, in bytes.
const LONGEST: usize = 4096;
/// The number of lines kept of one stream.
const MOST_LINES: u64 = 10_000;
/// The number of bytes kept of one stream.
const MOST_BYTES: usize = 8 << 20;

/// A recorded line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// The time at which the line's first byte was read.
    pub(super) at: Offset,
    /// The line without its end; `\u{fffd}` stands for what is not UTF-8.
    pub(super) text: String,
}

/// The current line and the counts so far.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// The first bytes of the current line, at most [`LONGEST`].
    held: Vec<u8>,
    /// The number of bytes of the current line beyond those.
    beyond: usize,
    /// The time of the current line's first byte; `None` between lines.
    since: Option<Offset>,
    kept: u64,
    bytes: usize,
    dropped: u64,
}

impl Lines {
    /// Adds bytes that were read at `at`, and calls `keep` for each line that they complete.
    pub(super) fn feed(&mut self, mut bytes: &[u8], at: Offset, mut keep: impl FnMut(Line)) {
        while let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
            self.gather(&bytes[..end], at);
            self.close(&mut keep);
            bytes = &bytes[end + 1..];
        }
        if !bytes.is_empty() {
            self.gather(bytes, at);
        }
    }

    /// Ends the stream: calls `keep` for a last line without a line end.
    pub(super) fn finish(&mut self, mut keep: impl FnMut(Line)) {
        self.close(&mut keep);
    }

    /// The number of lines kept.
    pub(super) const fn kept(&self) -> u64 {
        self.kept
    }

    /// The number of lines seen but not kept.
    pub(super) const fn dropped(&self) -> u64 {
        self.dropped
    }

    fn gather(&mut self, bytes: &[u8], at: Offset) {
        self.since.get_or_insert(at);
        let held = bytes.len().min(LONGEST - self.held.len());
        self.held.extend_from_slice(&bytes[..held]);
        self.beyond += bytes.len() - held;
    }

    fn close(&mut self, keep: &mut impl FnMut(Line)) {
        let Some(at) = self.since.take() else { return };
        if self.kept < MOST_LINES && self.bytes + self.held.len() <= MOST_BYTES {
            self.kept += 1;
            self.bytes += self.held.len();
            keep(Line { at, text: self.text() });
        } else {
            self.dropped += 1;
        }
        self.held.clear();
        self.beyond = 0;
    }

    fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.held);
        match self.beyond {
            0 => text.strip_suffix('\r').unwrap_or(&text).to_owned(),
            beyond => format!("{text} [cut: {beyond} bytes more]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(chunks: &[&[u8]]) -> Vec<(u64, String)> {
        let (mut lines, mut kept) = (Lines::default(), Vec::new());
        for (at, chunk) in (0..).zip(chunks) {
            lines.feed(chunk, Offset::from_nanos(at), |line| kept.push((line.at.as_nanos(), line.text)));
        }
        lines.finish(|line| kept.push((line.at.as_nanos(), line.text)));
        kept
    }

    fn check(chunks: &[&str], expected: &[(u64, &str)]) {
        let chunks: Vec<_> = chunks.iter().map(|chunk| chunk.as_bytes()).collect();
        let expected: Vec<_> = expected.iter().map(|(at, text)| (*at, (*text).to_owned())).collect();
        assert_eq!(lines(&chunks), expected);
    }

    #[test]
    fn a_line_carries_the_moment_of_its_first_byte() {
        check(&["one\ntw", "o", "\n", "three"], &[(0, "one"), (0, "two"), (3, "three")]);
        check(&["\n\nx\r\n"], &[(0, ""), (0, ""), (0, "x")]);
        check(&[""], &[]);
    }

    #[test]
    fn a_long_line_is_cut_and_says_by_how_much() {
        let long = "x".repeat(LONGEST + 5);
        let cut = format!("{} [cut: 6 bytes more]", "x".repeat(LONGEST));
        check(&[&long, "y\nz\n"], &[(0, &cut), (1, "z")]);
    }

    #[test]
    fn bytes_that_are_not_utf8_are_recorded_lossily() {
        assert_eq!(lines(&[b"a\xffb\n"]), [(0, "a\u{fffd}b".to_owned())]);
    }

    #[test]
    fn what_is_kept_is_bounded_and_the_rest_is_counted() {
        let (mut lines, mut kept) = (Lines::default(), 0);
        for _ in 0..MOST_LINES + 7 {
            lines.feed(b"x\n", Offset::ZERO, |_| kept += 1);
        }
        assert_eq!((kept, lines.dropped()), (MOST_LINES, 7));

        let (mut lines, mut bytes) = (Lines::default(), 0);
        let wide = [b"x".repeat(LONGEST), b"\n".to_vec()].concat();
        for _ in 0..MOST_LINES {
            lines.feed(&wide, Offset::ZERO, |line| bytes += line.text.len());
        }
        assert!(bytes <= MOST_BYTES && lines.dropped() > 0);
    }
}
