//! Follows a journal while it is being written, and gives the record so far.
//!
//! Reader and writer share only the file, so following costs the writer nothing.

use std::fs::File;
use std::io::{self, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::frames::{Frames, NoFrame};
use super::reader::{begin, open};
use super::{Error, replay};
use crate::record::{Record, Recorder};

/// A journal that is being followed.
#[derive(Debug)]
pub struct Tail {
    folder: PathBuf,
    /// `None` until the journal has its run header.
    opened: Option<(Frames<BufReader<File>>, Recorder)>,
    /// Whether a frame held no valid entry; nothing after it is read.
    damaged: bool,
}

impl Tail {
    /// Follows the journal in `folder`, which need not exist yet.
    pub fn of(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), opened: None, damaged: false }
    }

    /// Reads the entries that have been written since the last call.
    pub fn advance(&mut self) -> Result<(), Error> {
        if self.opened.is_none() {
            match open(&self.folder).and_then(|(path, input)| begin(&path, input)) {
                Ok((frames, header)) => self.opened = Some((frames, Recorder::new(header))),
                Err(error) if has_not_begun(&error) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        let Some((frames, recorder)) = &mut self.opened else { return Ok(()) };
        while !self.damaged {
            let at = frames.at;
            match frames.next() {
                Ok((kind, payload)) => {
                    let entry = replay::decode(kind, &payload, recorder.lanes());
                    self.damaged = !entry.is_ok_and(|entry| recorder.take(entry).is_ok());
                }
                // The frame is not complete yet: read it again next time.
                Err(NoFrame::End | NoFrame::Torn) => {
                    return frames.seek_back(at).map_err(|source| self.unreadable(source));
                }
                Err(NoFrame::Read(source)) => return Err(self.unreadable(source)),
            }
        }
        Ok(())
    }

    /// The record up to the last entry read; `None` if the run has not begun.
    pub fn record(&self) -> Option<Record> {
        self.opened.as_ref().map(|(_, recorder)| recorder.clone().finish())
    }

    fn unreadable(&self, source: io::Error) -> Error {
        Error::Read { path: self.folder.join(super::FILE), source }
    }
}

impl Frames<BufReader<File>> {
    fn seek_back(&mut self, at: usize) -> io::Result<()> {
        self.at = at;
        self.input.seek(SeekFrom::Start(at as u64)).map(drop)
    }
}

/// Whether the error only means that the run has not begun: the journal is missing, or has no header yet.
fn has_not_begun(error: &Error) -> bool {
    match error {
        Error::Empty { .. } => true,
        Error::Read { source, .. } => source.kind() == io::ErrorKind::NotFound,
        Error::Foreign { .. } | Error::RunHeader { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};
    use std::io::Write;

    use super::super::{FILE, Journal};
    use super::*;
    use crate::entry::Entry;
    use crate::event::{Event, EventKind, Source};
    use crate::sample::Sample;
    use lapse_measure::phase::Phase;
    use lapse_measure::time::Offset;

    #[test]
    fn a_frame_written_in_pieces_is_read_once_it_is_complete() {
        let (written, read) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut journal = Journal::create(written.path(), &Sample::of(&["shop"]).about).unwrap();
        journal.append(&Entry::Phase(Phase::Baseline, Offset::ZERO)).unwrap();
        for ms in 1..4 {
            let event = Event::new(Offset::from_millis(ms), Source::Command, EventKind::Stdout, "a line");
            journal.append(&Entry::Event(event)).unwrap();
        }
        let mut tail = Tail::of(read.path());
        tail.advance().unwrap();
        assert!(tail.record().is_none(), "there is no journal yet");
        let mut file = OpenOptions::new().create(true).append(true).open(read.path().join(FILE)).unwrap();
        let mut events = 0;
        for piece in fs::read(written.path().join(FILE)).unwrap().chunks(5) {
            file.write_all(piece).unwrap();
            tail.advance().unwrap();
            let seen = tail.record().map_or(0, |record| record.events.len());
            assert!(seen == events || seen == events + 1);
            events = seen;
        }
        assert_eq!(events, 3);
    }
}
