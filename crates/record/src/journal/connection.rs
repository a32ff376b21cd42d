//! The frames of a journal over a connection, between a prober and the run that it measures for.
//!
//! The prober writes what a journal has after its first line: a header, then entries. Between these come messages, which
//! only the two ends understand, and which no journal on disk has.

use std::io;

use super::frames::Frames;
use super::{HEADER, MAX_PAYLOAD, append, frame, replay, wire};
use crate::entry::{Entry, RunHeader};
use lapse_measure::lane::Lane;
use lapse_measure::schedule::Schedule;

/// The kind of a message's frame, far from those of a journal.
const MESSAGE: u8 = 64;
/// The bytes of a frame around its payload: length and kind before it, the checksum after it.
const AROUND: usize = 9;

/// A frame that arrived.
#[derive(Debug)]
pub enum Frame {
    /// A header of a run.
    Header(Box<RunHeader>),
    /// A message, whose bytes only the two ends understand.
    Message(Vec<u8>),
    /// An entry, which can be decoded once the lanes of the run are known.
    Entry(EncodedEntry),
}

/// An entry as it arrived.
#[derive(Debug)]
pub struct EncodedEntry {
    kind: u8,
    payload: Vec<u8>,
}

/// Bytes that are no frame, as text for the user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Damaged(String);

/// The bytes of a connection that have arrived and are still to be read.
#[derive(Debug, Default)]
pub struct Arrived {
    bytes: Vec<u8>,
    read: usize,
}

impl EncodedEntry {
    /// The entry of a run that has these lanes and this schedule of the control lane.
    pub fn decode(&self, lanes: (&[Lane], Schedule)) -> Result<Entry, Damaged> {
        replay::decode(self.kind, &self.payload, lanes)
            .map_err(|why| Damaged(format!("an entry cannot be read: {why}")))
    }
}

impl Arrived {
    /// Adds the bytes that arrived next.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.read);
        self.read = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole frame; `None` if more bytes must arrive first.
    pub fn take(&mut self) -> Result<Option<Frame>, Damaged> {
        let rest = self.bytes.get(self.read..).unwrap_or_default();
        let Some((head, _)) = rest.split_first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_le_bytes(*head);
        if length > MAX_PAYLOAD {
            return Err(not_a_frame(rest));
        }
        let Some(whole) = rest.get(..length as usize + AROUND) else { return Ok(None) };
        let (kind, payload) = Frames::of(whole).next().map_err(|_| not_a_frame(rest))?;
        self.read += whole.len();
        Ok(Some(match kind {
            HEADER => {
                let header = wire::about::read(&payload);
                Frame::Header(Box::new(header.map_err(|why| Damaged(format!("a header cannot be read: {why}")))?))
            }
            MESSAGE => Frame::Message(payload),
            kind => Frame::Entry(EncodedEntry { kind, payload }),
        }))
    }
}

/// Says what came in place of a frame: often it is an error of a shell or of another program.
fn not_a_frame(bytes: &[u8]) -> Damaged {
    let text: String = String::from_utf8_lossy(bytes.get(..bytes.len().min(200)).unwrap_or_default())
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    Damaged(format!("what came is not of a prober: {:?}", text.trim()))
}

/// Appends a header to `out`.
pub fn write_header(header: &RunHeader, out: &mut Vec<u8>) -> io::Result<()> {
    frame(HEADER, out, |payload| wire::about::write(header, payload))
}

/// Appends an entry to `out`.
pub fn write_entry(entry: &Entry, out: &mut Vec<u8>) -> io::Result<()> {
    append(entry, out)
}

/// Appends a message to `out`.
pub fn write_message(message: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    frame(MESSAGE, out, |payload| {
        payload.extend_from_slice(message);
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, EventKind, Source};
    use crate::sample::Sample;
    use lapse_measure::time::Offset;

    fn written() -> Vec<u8> {
        let mut bytes = Vec::new();
        write_header(&Sample::of(&["shop"]).about, &mut bytes).unwrap();
        write_message(b"now", &mut bytes).unwrap();
        let event = Event::new(Offset::from_millis(3), Source::Prober, EventKind::Warning, "held up");
        write_entry(&Entry::Event(event), &mut bytes).unwrap();
        bytes
    }

    /// What is read if the bytes arrive in pieces of this length.
    fn read(bytes: &[u8], piece: usize) -> Result<Vec<String>, Damaged> {
        let about = Sample::of(&["shop"]).about;
        let (mut arrived, mut all) = (Arrived::default(), Vec::new());
        for piece in bytes.chunks(piece) {
            arrived.push(piece);
            while let Some(frame) = arrived.take()? {
                all.push(match frame {
                    Frame::Header(header) => header.name,
                    Frame::Message(message) => String::from_utf8(message).unwrap(),
                    Frame::Entry(entry) => match entry.decode((&about.lanes(), about.control()))? {
                        Entry::Event(event) => event.text,
                        other => format!("{other:?}"),
                    },
                });
            }
        }
        Ok(all)
    }

    #[test]
    fn frames_are_read_however_their_bytes_arrive() {
        let name = Sample::of(&["shop"]).about.name;
        for piece in [1, 2, 7, 100, 10_000] {
            assert_eq!(read(&written(), piece).unwrap(), [&name, "now", "held up"], "pieces of {piece}");
        }
    }

    #[test]
    fn damage_and_the_words_of_another_program_are_named() {
        let said = read(b"Permission denied (publickey).\r\n", 100).unwrap_err().to_string();
        assert_eq!(said, "what came is not of a prober: \"Permission denied (publickey).\"");
        for index in (0..written().len()).step_by(3) {
            let mut damaged = written();
            damaged[index] ^= 0x20;
            // A length that grew may wait for bytes that never come.
            assert!(read(&damaged, 64).map_or(true, |all| all.len() < 3), "byte {index}");
        }
    }
}
