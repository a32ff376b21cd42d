//! Messages within the body of an answer: the events of an event stream, the pieces of any other.

/// The most digits of an id that are read: those of the greatest number.
const MAX_DIGITS: usize = 20;

/// Finds messages in bytes as they arrive, in bounded memory.
#[derive(Debug)]
pub(super) enum Messages {
    /// `text/event-stream`: a block of lines that ends with an empty one, comments included.
    Events(EventReader),
    /// Anything else: each piece that is read.
    Pieces,
}

impl Messages {
    /// What finds messages in a body of this `Content-Type`.
    pub(super) fn of(content_type: Option<&[u8]>) -> Self {
        let is_events = content_type.is_some_and(|value| {
            let name = value.split(|byte| *byte == b';').next().unwrap_or_default();
            name.trim_ascii().eq_ignore_ascii_case(b"text/event-stream")
        });
        if is_events { Self::Events(EventReader::default()) } else { Self::Pieces }
    }

    /// Reads the next bytes, and calls `found` for each message that they complete, with its number if it has one.
    pub(super) fn read(&mut self, bytes: &[u8], mut found: impl FnMut(Option<u64>)) {
        match self {
            Self::Events(reader) => bytes.iter().for_each(|byte| reader.byte(*byte, &mut found)),
            Self::Pieces if bytes.is_empty() => {}
            Self::Pieces => found(None),
        }
    }
}

/// Reads an event stream (HTML, section 9.2.6) byte by byte. Of a line it keeps what an `id` field with a number needs.
#[derive(Debug, Default)]
pub(super) struct EventReader {
    /// The beginning of the line.
    line: Vec<u8>,
    /// Whether the line is longer than that.
    is_long: bool,
    /// Whether the byte before was a carriage return, which a line feed may follow.
    after_cr: bool,
    /// Whether the block has a line.
    has_lines: bool,
    /// The number of the block.
    number: Option<u64>,
}

impl EventReader {
    fn byte(&mut self, byte: u8, found: &mut impl FnMut(Option<u64>)) {
        let follows_cr = std::mem::replace(&mut self.after_cr, byte == b'\r');
        match byte {
            b'\n' if follows_cr => {}
            b'\n' | b'\r' => self.line_ends(found),
            _ if self.line.len() < "id: ".len() + MAX_DIGITS => self.line.push(byte),
            _ => self.is_long = true,
        }
    }

    fn line_ends(&mut self, found: &mut impl FnMut(Option<u64>)) {
        if self.line.is_empty() {
            if std::mem::take(&mut self.has_lines) {
                found(self.number.take());
            }
            return;
        }
        self.has_lines = true;
        if let Some(value) = self.line.strip_prefix(b"id:").filter(|_| !self.is_long) {
            let value = value.strip_prefix(b" ").unwrap_or(value);
            let digits = std::str::from_utf8(value).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
            self.number = digits.and_then(|digits| digits.parse().ok());
        }
        self.line.clear();
        self.is_long = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(pieces: &[&str]) -> Vec<Option<u64>> {
        let (mut messages, mut all) = (Messages::of(Some(b"Text/Event-Stream; charset=utf-8")), Vec::new());
        for piece in pieces {
            messages.read(piece.as_bytes(), |number| all.push(number));
        }
        all
    }

    #[test]
    fn events_end_with_an_empty_line_however_lines_end_and_wherever_they_are_cut() {
        assert_eq!(events(&["id: 7\ndata: x\n\n"]), [Some(7)]);
        assert_eq!(events(&["id:7\r", "\ndata: x\r\n\r", "\nid: 8\rdata\r\r"]), [Some(7), Some(8)]);
        assert_eq!(events(&["i", "d", ":", " 1", "8\n", "\n"]), [Some(18)]);
        assert_eq!(events(&[": ping\n\n\n\n", "data: y\n\n", "data: cut"]), [None, None]);
    }

    #[test]
    fn ids_that_are_no_whole_numbers_are_none() {
        for odd in ["id: +7", "id: seven", "id: 99999999999999999999", "id: 000000000000000000000000007", "id", "id: "]
        {
            assert_eq!(events(&[odd, "\n\n"]), [None], "{odd}");
        }
        assert_eq!(events(&["id: 18446744073709551615\n\n"]), [Some(u64::MAX)]);
    }

    #[test]
    fn each_piece_of_another_answer_is_a_message() {
        let (mut messages, mut found) = (Messages::of(Some(b"text/plain")), 0);
        for piece in [&b"a"[..], b"", b"bc\n\n"] {
            messages.read(piece, |_| found += 1);
        }
        assert_eq!(found, 2);
    }
}
