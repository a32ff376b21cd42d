//! The journal of a run: an append-only file that grows while the run goes on.
//!
//! Each entry is one frame with its own checksum, written in one call, so a run that is killed loses only the frame
//! that was being written. The file begins with a line of text that says, in an editor, how to read it. Then come the
//! frames: length of the payload (4 bytes, little-endian), kind (1), payload, and the CRC-32 of kind and payload (4).

mod batch;
mod class;
pub mod connection;
mod evidence;
mod frames;
mod reader;
mod replay;
mod tail;
mod wire;

pub use self::reader::{Reader, header, read, read_observed, read_with};
pub use self::tail::Tail;

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::entry::{Entry, RunHeader};

/// The file name of the journal in the run's folder.
pub const FILE: &str = "journal.lapse";

const MAGIC: &[u8] = b"lapse journal 1: read it with `lapse report FOLDER`\n";
/// The longest payload accepted, in bytes, far above any that lapse writes: a frame with a greater length is damaged.
const MAX_PAYLOAD: u32 = 64 << 20;

const HEADER: u8 = 1;
const ENTRY: u8 = 2;
const BATCH: u8 = 3;
/// A kind of its own, so that a lapse that knows no versions says so instead of reading nonsense.
const BATCH_WITH_VERSIONS: u8 = 4;

/// Why a journal cannot be read at all. Damage further on is no error but a note of the record.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be opened or read.
    #[error("cannot read {path}")]
    Read {
        /// The path of the journal.
        path: PathBuf,
        /// The error of the operating system.
        #[source]
        source: io::Error,
    },
    /// The file is no journal, or one of an incompatible version.
    #[error(
        "{path} is not a journal of lapse, or one of another version: it does not begin with {:?}",
        "lapse journal 1"
    )]
    Foreign {
        /// The path of the journal.
        path: PathBuf,
    },
    /// The file ends before the run header is complete.
    #[error("{path} ends before the run began: there is nothing to report")]
    Empty {
        /// The path of the journal.
        path: PathBuf,
    },
    /// The first entry is no valid run header.
    #[error("the first entry of {path} cannot be read: {why}")]
    RunHeader {
        /// The path of the journal.
        path: PathBuf,
        /// The defect of the header, as text for the user.
        why: String,
    },
}

/// A journal that is open for appending.
#[derive(Debug)]
pub struct Journal {
    file: File,
    /// The buffer of the frame that is being written, kept to save allocations.
    frame: Vec<u8>,
}

impl Journal {
    /// Creates the journal in `folder` and writes the header `about`; an error if there is a journal already.
    pub fn create(folder: &Path, about: &RunHeader) -> io::Result<Self> {
        let mut file = OpenOptions::new().write(true).create_new(true).open(folder.join(FILE))?;
        file.write_all(MAGIC)?;
        let mut journal = Self { file, frame: Vec::new() };
        frame(HEADER, &mut journal.frame, |payload| wire::about::write(about, payload))?;
        journal.file.write_all(&journal.frame)?;
        Ok(journal)
    }

    /// Appends an entry. Once this returns, the entry survives a kill of this process (not a crash of the machine).
    pub fn append(&mut self, entry: &Entry) -> io::Result<()> {
        self.frame.clear();
        append(entry, &mut self.frame)?;
        self.file.write_all(&self.frame)
    }
}

/// Appends the frame of an entry to `out`.
fn append(entry: &Entry, out: &mut Vec<u8>) -> io::Result<()> {
    match entry {
        Entry::Batch(all) if !all.versions.is_empty() => {
            frame(BATCH_WITH_VERSIONS, out, |payload| batch::write(all, payload))
        }
        Entry::Batch(all) => frame(BATCH, out, |payload| batch::write(all, payload)),
        other => frame(ENTRY, out, |payload| wire::write_entry(other, payload)),
    }
}

/// Appends a frame of this kind to `out`.
fn frame(kind: u8, out: &mut Vec<u8>, payload: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> io::Result<()> {
    let begin = out.len();
    out.extend_from_slice(&[0, 0, 0, 0, kind]);
    payload(out)?;
    let length = u32::try_from(out.len() - begin - 5).ok().filter(|length| *length <= MAX_PAYLOAD);
    let length = length.ok_or_else(|| io::Error::other("an entry is too long for the journal"))?;
    out[begin..begin + 4].copy_from_slice(&length.to_le_bytes());
    let checksum = crc32fast::hash(&out[begin + 4..]);
    out.extend_from_slice(&checksum.to_le_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::batch::{Batch, ProbeRecord as Resolved, Served};
    use crate::entry::Exit;
    use crate::entry::{CarriedIds, End, InjectedFault, Precedence, Target, Window};
    use crate::event::detail::{
        Container, ContainerExit, Detail, Notice, PreStop, Probe as KubeletProbe, Strategy, Workload,
    };
    use crate::event::{Event, EventKind, Object, ObjectKind, Source};
    use crate::record::{Record, Recorder};
    use lapse_measure::answer::{Class, Connection, Evidence, Probe};
    use lapse_measure::budget::{Budget, Limit, Scope};
    use lapse_measure::held::{Arrival, Drop, Stream};
    use lapse_measure::lane::{LaneId, Policy, Protocol, TargetId};
    use lapse_measure::phase::Phase;
    use lapse_measure::probe_id::IdSeed;
    use lapse_measure::schedule::Rate;
    use lapse_measure::time::{Anchor, Discipline, MonotonicTime, Offset, UnixTime};
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
            ids: CarriedIds { uuid: true, traceparent: false },
        };
        RunHeader {
            version: "1".into(),
            name: "shop".into(),
            anchor: Anchor { date: UnixTime::from_nanos(1_700_000_000_000_000_000), offset: Offset::ZERO },
            discipline: Some(Discipline {
                synchronised: true,
                estimated_error: Duration::from_micros(40),
                maximum_error: Duration::from_millis(12),
            }),
            began: MonotonicTime::from_nanos(5),
            rate,
            control_rate: rate,
            targets: vec![target],
            timeout: Duration::from_secs(6),
            slow: Duration::from_millis(500),
            command: Some(vec!["helm".into(), "upgrade".into()]),
            budgets: vec![(budget, Window::Judged)],
            rules: Rules::default(),
            gate: lapse_measure::disruption::GATE,
            precedence: Some(Precedence::Fifo),
            version_header: Some("x-version".into()),
            id_seed: Some(IdSeed::new(7)),
            held: Some(crate::held::HeldPlan {
                places: std::num::NonZeroU16::new(2).unwrap(),
                beat: Duration::from_secs(1),
                path: Some("/events".into()),
            }),
        }
    }

    /// A held stream, whole or as bare as one can be.
    fn stream(dropped: Option<Drop>) -> Stream {
        let mut stream = Stream::new(1, Offset::from_millis(3));
        if dropped.is_some() {
            let at = |ms| Arrival { after: Offset::from_millis(ms - 1), read: Offset::from_millis(ms) };
            (stream.opened, stream.failed, stream.failed_as) = (Some(at(4)), 2, Some("refused".into()));
            for ms in [5, 6, 9] {
                stream.message(at(ms), Some(ms));
            }
            (stream.end, stream.dropped, stream.backend) = (at(20), dropped, Some("shop-1".into()));
        }
        stream
    }

    /// Facts of each shape.
    fn details() -> Vec<Detail> {
        let container = |pre_stop| Container { name: "app".into(), pre_stop, readiness: true, ..Container::default() };
        let seconds = Duration::from_secs;
        let hooks = [PreStop::None, PreStop::Sleep(seconds(5)), PreStop::Command(seconds(9)), PreStop::Other];
        let rolling = Strategy::RollingUpdate { max_unavailable: 0, max_surge: 1 };
        let workload = |strategy| Workload {
            replicas: 2,
            strategy,
            min_ready: seconds(1),
            grace: seconds(30),
            containers: hooks.map(container).to_vec(),
            template: u64::MAX,
        };
        let workload = |strategy| Detail::Workload(Box::new(workload(strategy)));
        let probes = [None, Some(KubeletProbe::Readiness), Some(KubeletProbe::Liveness), Some(KubeletProbe::Startup)];
        let notice = |probe| Detail::Notice(Notice { reason: "Unhealthy".into(), probe });
        let exit = ContainerExit { container: "app".into(), code: Some(137), reason: "Error".into() };
        let mut all = vec![Detail::Exit(exit), Detail::PodTemplate("7f9".into())];
        all.extend([rolling, Strategy::Recreate, Strategy::BlueGreen, Strategy::OnDelete].map(workload));
        all.extend(probes.map(notice));
        all
    }

    /// The entries of a run of 100 ms in which lane 1 fails in the second half.
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
            let version = (slot % 2 == 0).then_some(u16::from(slot >= 25));
            let evidence = (probe.class != Class::Ok).then(|| Box::new(evidence));
            Resolved { lane: LaneId(lane), probe, evidence, version }
        };
        let batch = |from: u64| Batch {
            watermark: Offset::from_millis(2 * (from + 10)),
            records: (from..from + 10).flat_map(|slot| [record(0, slot), record(1, slot)]).collect(),
            controls: Vec::new(),
            served: vec![Served { backend: "wine-1".into(), times: from, last: Offset::from_millis(from) }],
            versions: if from < 40 { vec!["1".into(), "2".into()] } else { Vec::new() },
        };
        let mut all =
            vec![Entry::Phase(Phase::Baseline, Offset::ZERO), Entry::Batch(batch(0)), Entry::Batch(batch(10))];
        all.extend([Entry::Phase(Phase::Event, Offset::from_millis(40)), Entry::Started(Offset::from_millis(40))]);
        all.push(Entry::Event(Event::new(Offset::from_millis(41), Source::Command, EventKind::Stdout, "rolling")));
        let ready = Event::new(Offset::from_millis(42), Source::Kubernetes, EventKind::PodReady, "wine is ready");
        let ready = ready.to(Object::new(ObjectKind::Pod, "wine"));
        let address = Some([10, 244, 0, 7].into());
        let source_time = Some(UnixTime::from_nanos(1_700_000_000_000_000_000));
        all.push(Entry::Event(Event { source_time, address, ..ready }));
        all.extend(details().into_iter().map(|detail| {
            let event = Event::new(Offset::from_millis(43), Source::Lab, EventKind::ContainerExited, "facts");
            Entry::Event(event.with(detail))
        }));
        all.push(Entry::InjectedFault(InjectedFault {
            by: "service".to_owned(),
            what: "status 503".to_owned(),
            cause: "no pod is ready".to_owned(),
            times: 3,
            from: Offset::from_millis(40),
            to: Offset::from_millis(44),
            lasted: std::time::Duration::from_millis(2),
        }));
        all.extend([stream(None), stream(Some(Drop::Truncated))].map(|one| Entry::Stream(TargetId(0), one)));
        all.extend([20, 30].map(|from| Entry::Batch(batch(from))));
        all.push(Entry::Exit(Exit { at: Offset::from_millis(80), code: Some(0), signal: None }));
        all.push(Entry::Batch(batch(40)));
        let anchor = Anchor { date: UnixTime::from_nanos(1_700_000_000_100_000_000), offset: Offset::from_millis(100) };
        all.push(Entry::End(End {
            at: Offset::from_millis(100),
            anchor,
            pressure: None,
            precedence_until: Some(Offset::from_millis(90)),
        }));
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
    fn a_journal_is_read_into_the_same_record_as_the_live_run() {
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
        let [live, read] = [live.summary, read.summary].map(|mut summary| summary.targets.remove(0).versions.unwrap());
        assert_eq!(format!("{read:?}"), format!("{live:?}"));
        assert_eq!(read.all.iter().map(|one| one.answers).collect::<Vec<_>>(), [26, 14]);
    }

    #[test]
    fn a_truncated_journal_is_read_up_to_the_cut_and_its_record_says_so() {
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
    fn a_changed_byte_is_detected_and_earlier_entries_are_kept() {
        let (_folder, bytes) = written();
        for index in (0..bytes.len()).step_by(7) {
            let mut damaged = bytes.clone();
            damaged[index] ^= 0x10;
            match read_bytes(&damaged) {
                Ok(record) => assert!(record.cut && !record.summary.notes.is_empty(), "byte {index}"),
                Err(error) => assert!(error.to_string().contains(FILE), "byte {index}: {error}"),
            }
        }
    }
}
