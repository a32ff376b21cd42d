//! The run's journal: an append-only file that grows while the run goes on.
//!
//! Each entry is one frame, written at once and checked by a sum of its own, so a run that is killed
//! loses only the frame that was being written. A line of text comes first, for whoever opens the file
//! in an editor; then frames: length of the payload (4 bytes, little-endian), kind (1), payload, and
//! the CRC-32 of kind and payload (4).

mod batch;
mod class;
mod evidence;
mod tail;
mod wire;

pub use self::tail::Tail;

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use super::entry::{Entry, RunHeader};
use super::record::{Record, Recorder};

/// The journal's name in the run's folder.
pub const FILE: &str = "journal.lapse";

const MAGIC: &[u8] = b"lapse journal 1: read it with `lapse report FOLDER`\n";
/// No frame that lapse writes comes near this; what says it is longer is damaged.
const LONGEST: u32 = 64 << 20;

const ABOUT: u8 = 1;
const ENTRY: u8 = 2;
const BATCH: u8 = 3;

/// Why a journal cannot be read, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be opened or read.
    #[error("cannot read {path}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is something else.
    #[error(
        "{path} is not a journal of lapse, or one of another version: it does not begin with {:?}",
        "lapse journal 1"
    )]
    Foreign {
        /// Which file.
        path: PathBuf,
    },
    /// There is not even a first entry.
    #[error("{path} ends before the run began: there is nothing to report")]
    Empty {
        /// Which file.
        path: PathBuf,
    },
    /// The first entry is damaged or contradicts itself.
    #[error("the first entry of {path} cannot be read: {why}")]
    RunHeader {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// Appends to a journal.
#[derive(Debug)]
pub struct Journal {
    file: File,
    frame: Vec<u8>,
}

impl Journal {
    /// A new journal in `folder`, where there must be none yet, of the run that `about` tells of.
    pub fn create(folder: &Path, about: &RunHeader) -> io::Result<Self> {
        let mut file = OpenOptions::new().write(true).create_new(true).open(folder.join(FILE))?;
        file.write_all(MAGIC)?;
        let mut journal = Self { file, frame: Vec::new() };
        journal.write(ABOUT, |payload| wire::about::write(about, payload))?;
        Ok(journal)
    }

    /// Writes an entry. When this returns, the entry survives the end of this process.
    pub fn append(&mut self, entry: &Entry) -> io::Result<()> {
        match entry {
            Entry::Batch(all) => self.write(BATCH, |payload| batch::write(all, payload)),
            other => self.write(ENTRY, |payload| wire::write_entry(other, payload)),
        }
    }

    fn write(&mut self, kind: u8, payload: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> io::Result<()> {
        self.frame.clear();
        self.frame.extend_from_slice(&[0, 0, 0, 0, kind]);
        payload(&mut self.frame)?;
        let length = u32::try_from(self.frame.len() - 5).ok().filter(|length| *length <= LONGEST);
        let length = length.ok_or_else(|| io::Error::other("an entry is too long for the journal"))?;
        self.frame[..4].copy_from_slice(&length.to_le_bytes());
        let sum = crc32fast::hash(&self.frame[4..]);
        self.frame.extend_from_slice(&sum.to_le_bytes());
        self.file.write_all(&self.frame)
    }
}

/// What a journal's frames lead to: the record, up to where the journal can be read.
pub fn read(folder: &Path) -> Result<Record, Error> {
    let header = header(folder)?;
    read_with(folder, header)
}

/// What a journal has of its run before the first probe.
pub fn header(folder: &Path) -> Result<RunHeader, Error> {
    Ok(open(folder)?.1)
}

/// The same as [`read`], by a header that may differ from the journal's in what the run is judged by.
pub fn read_with(folder: &Path, header: RunHeader) -> Result<Record, Error> {
    let (mut frames, _) = open(folder)?;
    let mut recorder = Recorder::new(header);
    let damage = replay(&mut frames, &mut recorder)?;
    let mut record = recorder.finish();
    record.summary.notes.extend(damage);
    Ok(record)
}

/// Opens a journal and reads its header; the frames after that are still to be read.
fn open(folder: &Path) -> Result<(Frames, RunHeader), Error> {
    let path = folder.join(FILE);
    let failed = |source| Error::Read { path: path.clone(), source };
    let mut frames = Frames { file: BufReader::new(File::open(&path).map_err(failed)?), at: 0 };
    let mut magic = vec![0; MAGIC.len()];
    match frames.fill(&mut magic) {
        Ok(()) if magic == MAGIC => {}
        Err(Broken::End | Broken::Torn) if MAGIC.starts_with(&magic[..frames.at]) => return Err(Error::Empty { path }),
        Err(Broken::Read(source)) => return Err(Error::Read { path, source }),
        Ok(()) | Err(Broken::End | Broken::Torn) => return Err(Error::Foreign { path }),
    }
    let about = match frames.next() {
        Ok((ABOUT, payload)) => {
            wire::about::read(&payload).map_err(|why| Error::RunHeader { path: path.clone(), why })?
        }
        Ok((kind, _)) => return Err(Error::RunHeader { path, why: format!("it is of kind {kind}") }),
        Err(Broken::Read(source)) => return Err(Error::Read { path, source }),
        Err(Broken::End | Broken::Torn) => return Err(Error::Empty { path }),
    };
    Ok((frames, about))
}

/// Takes entries in for as long as they can be read; says where and why that ended, if not at the end.
fn replay(frames: &mut Frames, recorder: &mut Recorder) -> Result<Option<String>, Error> {
    loop {
        let at = frames.at;
        let damaged =
            |why: &str| Ok(Some(format!("the journal is damaged at byte {at} ({why}): what follows is left out")));
        let taken = match frames.next() {
            Ok((kind, payload)) => take(kind, &payload, recorder),
            Err(Broken::End) => return Ok(None),
            Err(Broken::Torn) => return Ok(Some(format!("the journal ends within an entry, at byte {at}"))),
            Err(Broken::Read(source)) => Err(source.to_string()),
        };
        if let Err(why) = taken {
            return damaged(&why);
        }
    }
}

/// Takes a frame in; says why it cannot be one, if so.
fn take(kind: u8, payload: &[u8], recorder: &mut Recorder) -> Result<(), String> {
    let entry = match kind {
        BATCH => Entry::Batch(batch::read(payload, recorder.lanes())?),
        ENTRY => wire::read_entry(payload)?,
        kind => return Err(format!("an entry of unknown kind {kind}")),
    };
    recorder.take(entry).map_err(|misfit| misfit.to_string())
}

/// Why there is no next frame.
enum Broken {
    /// The file ends between two frames.
    End,
    /// The file ends within a frame, or the frame's sum is wrong.
    Torn,
    /// It cannot be read.
    Read(io::Error),
}

#[derive(Debug)]
struct Frames {
    file: BufReader<File>,
    /// Bytes read so far.
    at: usize,
}

impl Frames {
    fn next(&mut self) -> Result<(u8, Vec<u8>), Broken> {
        let mut head = [0; 5];
        self.fill(&mut head)?;
        let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
        if length > LONGEST {
            return Err(Broken::Torn);
        }
        let within = |broken| if matches!(broken, Broken::End) { Broken::Torn } else { broken };
        let mut payload = Vec::new();
        let read = (&mut self.file).take(u64::from(length)).read_to_end(&mut payload).map_err(Broken::Read)?;
        self.at += read;
        let mut sum = [0; 4];
        self.fill(&mut sum).map_err(within)?;
        let mut hash = crc32fast::Hasher::new();
        hash.update(&head[4..]);
        hash.update(&payload);
        if payload.len() != length as usize || hash.finalize() != u32::from_le_bytes(sum) {
            return Err(Broken::Torn);
        }
        Ok((head[4], payload))
    }

    /// Fills `bytes`. Where the file ends before, what is left of it is in its first part.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Broken> {
        let mut filled = 0;
        while filled < bytes.len() {
            match self.file.read(&mut bytes[filled..]) {
                Ok(0) if filled == 0 => return Err(Broken::End),
                Ok(0) => return Err(Broken::Torn),
                Ok(read) => {
                    filled += read;
                    self.at += read;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Broken::Read(error)),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::batch::{Batch, ProbeRecord as Resolved, Served};
    use crate::entry::Exit;
    use crate::entry::{End, InjectedFault, Target, Window};
    use crate::event::{Event, EventKind, Object, ObjectKind, Source};
    use lapse_measure::answer::{Class, Connection, Evidence, Probe};
    use lapse_measure::budget::{Budget, Limit, Scope};
    use lapse_measure::lane::{LaneId, Policy, Protocol};
    use lapse_measure::phase::Phase;
    use lapse_measure::schedule::Rate;
    use lapse_measure::time::{Anchor, Discipline, Offset};
    use lapse_measure::verdict::{Conclusion, Rules};

    fn about() -> RunHeader {
        let rate = Rate::per_second(1000).unwrap();
        let budget = Budget {
            name: "max-outage".into(),
            scope: Scope::Lane(LaneId(1)),
            limit: Limit::Outage(Duration::from_secs(1)),
        };
        let target = Target {
            name: "shop".into(),
            url: "http://shop/".into(),
            protocol: Protocol::Http1,
            policies: vec![Policy::Reused, Policy::New],
            start: Offset::ZERO,
        };
        RunHeader {
            version: "1".into(),
            name: "shop".into(),
            anchor: Anchor { unix_ns: 1_700_000_000_000_000_000, offset: Offset::ZERO },
            discipline: Some(Discipline {
                synchronised: true,
                estimated_error: Duration::from_micros(40),
                maximum_error: Duration::from_millis(12),
            }),
            monotonic_ns: 5,
            rate,
            control_rate: rate,
            targets: vec![target],
            timeout: Duration::from_secs(6),
            slow: Duration::from_millis(500),
            command: Some(vec!["helm".into(), "upgrade".into()]),
            budgets: vec![(budget, Window::Judged)],
            rules: Rules::default(),
            gate: lapse_measure::disruption::GATE,
        }
    }

    /// A run of 100 ms whose second half fails on one lane.
    fn entries() -> Vec<Entry> {
        let lanes = about().lanes();
        let probe = |lane: usize, slot: u64| {
            let due = lanes[lane].schedule.due(slot);
            let class = if lane == 1 && slot >= 25 { Class::Refused } else { Class::Ok };
            let (connection, done) = (Connection::New, due + Duration::from_micros(300));
            Probe { slot, due, sent: due, done, class, timed_out: false, connection, reconnects: 0 }
        };
        let record = |lane, slot| {
            let probe = probe(lane, slot);
            let evidence = Evidence { detail: "connect".into(), ..Evidence::default() };
            Resolved { lane: LaneId(lane), probe, evidence: (probe.class != Class::Ok).then(|| Box::new(evidence)) }
        };
        let batch = |from: u64| Batch {
            watermark: Offset::from_millis(2 * (from + 10)),
            records: (from..from + 10).flat_map(|slot| [record(0, slot), record(1, slot)]).collect(),
            controls: Vec::new(),
            served: vec![Served { backend: "wine-1".into(), times: from, last: Offset::from_millis(from) }],
        };
        let mut all =
            vec![Entry::Phase(Phase::Baseline, Offset::ZERO), Entry::Batch(batch(0)), Entry::Batch(batch(10))];
        all.extend([Entry::Phase(Phase::Event, Offset::from_millis(40)), Entry::Started(Offset::from_millis(40))]);
        all.push(Entry::Event(Event::new(Offset::from_millis(41), Source::Command, EventKind::Stdout, "rolling")));
        let told = Event::new(Offset::from_millis(42), Source::Kubernetes, EventKind::PodReady, "wine is ready");
        let told = told.to(Object::new(ObjectKind::Pod, "wine"));
        let address = Some([10, 244, 0, 7].into());
        all.push(Entry::Event(Event { told_unix_ns: Some(1_700_000_000_000_000_000), address, ..told }));
        all.push(Entry::InjectedFault(InjectedFault {
            by: "service".to_owned(),
            what: "status 503".to_owned(),
            cause: "nobody is ready".to_owned(),
            times: 3,
            from: Offset::from_millis(40),
            to: Offset::from_millis(44),
            lasted: std::time::Duration::from_millis(2),
        }));
        all.extend([20, 30].map(|from| Entry::Batch(batch(from))));
        all.push(Entry::Exit(Exit { at: Offset::from_millis(80), code: Some(0), signal: None }));
        all.push(Entry::Batch(batch(40)));
        let anchor = Anchor { unix_ns: 1_700_000_000_100_000_000, offset: Offset::from_millis(100) };
        all.push(Entry::End(End { at: Offset::from_millis(100), anchor, pressure: None }));
        all
    }

    fn written() -> (tempfile::TempDir, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::create(folder.path(), &about()).unwrap();
        for entry in entries() {
            journal.append(&entry).unwrap();
        }
        let bytes = std::fs::read(folder.path().join(FILE)).unwrap();
        (folder, bytes)
    }

    fn read_bytes(bytes: &[u8]) -> Result<Record, Error> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), bytes).unwrap();
        read(folder.path())
    }

    #[test]
    fn a_journal_leads_to_the_record_of_the_live_run() {
        let mut live = Recorder::new(about());
        for entry in entries() {
            live.take(entry).unwrap();
        }
        let (live, read) = (live.finish(), read(written().0.path()).unwrap());
        assert_eq!((read.about, &read.events, &read.failures), (live.about, &live.events, &live.failures));
        assert_eq!((&read.summary.verdict, read.command), (&live.summary.verdict, live.command));
        assert_eq!(read.seen.lanes[1].outages, live.seen.lanes[1].outages);
        assert_eq!(
            (read.failures.kept.len(), read.cut, read.summary.verdict.conclusion),
            (25, false, Conclusion::Inconclusive)
        );
    }

    #[test]
    fn a_journal_that_was_cut_anywhere_says_so_and_keeps_what_came_before() {
        let (_folder, bytes) = written();
        let mut offered = 0;
        for length in 0..bytes.len() {
            match read_bytes(&bytes[..length]) {
                Ok(record) => {
                    assert!(record.cut, "cut at {length}");
                    assert!(record.seen.lanes[0].counts.offered >= offered, "cut at {length}");
                    offered = record.seen.lanes[0].counts.offered;
                }
                Err(Error::Empty { .. }) => assert_eq!(offered, 0, "cut at {length}"),
                Err(other) => panic!("cut at {length}: {other}"),
            }
        }
        assert_eq!(offered, 50);
    }

    #[test]
    fn a_byte_that_was_changed_is_noticed_and_what_came_before_is_kept() {
        let (_folder, bytes) = written();
        for place in (0..bytes.len()).step_by(7) {
            let mut damaged = bytes.clone();
            damaged[place] ^= 0x10;
            match read_bytes(&damaged) {
                Ok(record) => assert!(record.cut && !record.summary.notes.is_empty(), "byte {place}"),
                Err(error) => assert!(error.to_string().contains(FILE), "byte {place}: {error}"),
            }
        }
    }
}
