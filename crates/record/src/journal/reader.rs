//! Reads a journal, from a folder or from wherever else its bytes come.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use lapse_measure::lane::Lane;
use lapse_measure::schedule::Schedule;

use super::frames::{Frames, NoFrame};
use super::{Error, FILE, HEADER, MAGIC, replay, wire};
use crate::entry::{Entry, RunHeader};
use crate::record::{Record, Recorder};

/// A journal whose header has been read, and whose entries are still to be read.
#[derive(Debug)]
pub struct Reader<R> {
    frames: Frames<R>,
    header: RunHeader,
    lanes: Vec<Lane>,
    control: Schedule,
    /// The note on the journal's end, once that is reached.
    damage: Option<String>,
}

/// Reads the journal in `folder` into a record, up to where the journal ends or is damaged; a note says where and why.
pub fn read(folder: &Path) -> Result<Record, Error> {
    Ok(Reader::of(folder)?.record())
}

/// Reads only the run header of the journal in `folder`.
pub fn header(folder: &Path) -> Result<RunHeader, Error> {
    Ok(Reader::of(folder)?.header)
}

/// Reads the journal in `folder` as [`read`] does, but with another header, such as one with other budgets.
pub fn read_with(folder: &Path, header: RunHeader) -> Result<Record, Error> {
    Ok(Reader::of(folder)?.record_with(header))
}

/// Reads the journal in `folder` as [`read_with`] does, and shows each entry to `observe` before it is recorded: a record
/// does not hold every probe, the journal does.
pub fn read_observed(folder: &Path, header: RunHeader, observe: impl FnMut(&Entry)) -> Result<Record, Error> {
    Ok(Reader::of(folder)?.record_observed(header, observe))
}

impl Reader<BufReader<File>> {
    /// Begins to read the journal in `folder`.
    pub fn of(folder: &Path) -> Result<Self, Error> {
        let (path, input) = open(folder)?;
        Self::new(&path, input)
    }
}

impl<R: Read + Send> Reader<R> {
    /// Begins to read a journal from `input`, at its first byte; errors call it `path`.
    pub fn new(path: &Path, input: R) -> Result<Self, Error> {
        let (frames, header) = begin(path, input)?;
        let (lanes, control) = (header.lanes(), header.control());
        Ok(Self { frames, header, lanes, control, damage: None })
    }

    /// The run header.
    pub const fn header(&self) -> &RunHeader {
        &self.header
    }

    /// The next entry; `None` where the journal ends or is damaged.
    pub fn next_entry(&mut self) -> Option<Entry> {
        match replay::next(&mut self.frames, (&self.lanes, self.control)) {
            _ if self.damage.is_some() => None,
            Ok(entry) => Some(entry),
            Err(ending) => {
                self.damage = ending;
                None
            }
        }
    }

    /// After the last entry: a note on where and why the journal is damaged, if it is.
    pub fn damage(&self) -> Option<&str> {
        self.damage.as_deref()
    }

    /// The record of all entries that are still to be read.
    pub fn record(self) -> Record {
        let header = self.header.clone();
        self.record_with(header)
    }

    /// The record of all entries that are still to be read, with another header, such as one with other budgets.
    pub fn record_with(self, header: RunHeader) -> Record {
        self.record_observed(header, |_| {})
    }

    fn record_observed(mut self, header: RunHeader, observe: impl FnMut(&Entry)) -> Record {
        let mut recorder = Recorder::new(header);
        let damage = replay::all(&mut self.frames, &mut recorder, observe);
        let mut record = recorder.finish();
        record.summary.notes.extend(damage);
        record
    }
}

/// Opens the journal in `folder`; its path too.
pub(super) fn open(folder: &Path) -> Result<(PathBuf, BufReader<File>), Error> {
    let path = folder.join(FILE);
    match File::open(&path) {
        Ok(file) => Ok((path, BufReader::new(file))),
        Err(source) => Err(Error::Read { path, source }),
    }
}

/// Reads the header of a journal; the frames after that are still to be read.
pub(super) fn begin<R: Read>(path: &Path, input: R) -> Result<(Frames<R>, RunHeader), Error> {
    let path = path.to_owned();
    let mut frames = Frames::of(input);
    let mut magic = vec![0; MAGIC.len()];
    match frames.fill(&mut magic) {
        Ok(()) if magic == MAGIC => {}
        Err(NoFrame::End | NoFrame::Torn) if MAGIC.starts_with(&magic[..frames.at]) => {
            return Err(Error::Empty { path });
        }
        Err(NoFrame::Read(source)) => return Err(Error::Read { path, source }),
        Ok(()) | Err(NoFrame::End | NoFrame::Torn) => return Err(Error::Foreign { path }),
    }
    match frames.next() {
        Ok((HEADER, payload)) => match wire::about::read(&payload) {
            Ok(header) => Ok((frames, header)),
            Err(why) => Err(Error::RunHeader { path, why }),
        },
        Ok((kind, _)) => {
            Err(Error::RunHeader { path, why: format!("it is an entry of kind {kind}, not a run header") })
        }
        Err(NoFrame::Read(source)) => Err(Error::Read { path, source }),
        Err(NoFrame::End | NoFrame::Torn) => Err(Error::Empty { path }),
    }
}
