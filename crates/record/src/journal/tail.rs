//! Follows a journal while it is being written: what has come since, and the record so far.
//!
//! Costs whoever writes nothing: the file is all that the two share.

use std::io::{self, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::{Broken, Error, Frames, open, take};
use crate::record::{Record, Recorder};

/// A journal that is being followed.
#[derive(Debug)]
pub struct Tail {
    folder: PathBuf,
    /// Nothing until the journal has its first entry.
    opened: Option<(Frames, Recorder)>,
    /// What follows cannot be read.
    damaged: bool,
}

impl Tail {
    /// The journal in `folder`, which need not be there yet.
    pub fn of(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), opened: None, damaged: false }
    }

    /// Reads what has been written since.
    pub fn advance(&mut self) -> Result<(), Error> {
        if self.opened.is_none() {
            match open(&self.folder) {
                Ok((frames, header)) => self.opened = Some((frames, Recorder::new(header))),
                Err(error) if is_early(&error) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        let Some((frames, recorder)) = &mut self.opened else { return Ok(()) };
        while !self.damaged {
            let at = frames.at;
            match frames.next() {
                Ok((kind, payload)) => self.damaged = take(kind, &payload, recorder).is_err(),
                // The rest of it is still to come.
                Err(Broken::End | Broken::Torn) => return frames.back_to(at).map_err(|source| self.unreadable(source)),
                Err(Broken::Read(source)) => return Err(self.unreadable(source)),
            }
        }
        Ok(())
    }

    /// All that is known so far; nothing if the run has not begun.
    pub fn record(&self) -> Option<Record> {
        self.opened.as_ref().map(|(_, recorder)| recorder.clone().finish())
    }

    fn unreadable(&self, source: io::Error) -> Error {
        Error::Read { path: self.folder.join(super::FILE), source }
    }
}

impl Frames {
    fn back_to(&mut self, at: usize) -> io::Result<()> {
        self.at = at;
        self.file.seek(SeekFrom::Start(at as u64)).map(drop)
    }
}

/// Whether the journal is not there, or has nothing to tell, because the run has not begun.
fn is_early(error: &Error) -> bool {
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
    fn what_is_written_in_pieces_is_read_when_it_is_whole() {
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
