//! Records the entries of a journal.
//!
//! Reading a frame, checking and decoding it takes about as long as recording it, so a journal is read in parts, the next
//! one while the one before is recorded.

use std::io::Read;
use std::panic::resume_unwind;

use lapse_measure::lane::Lane;
use lapse_measure::schedule::Schedule;

use super::frames::{Frames, NoFrame};
use super::{BATCH, BATCH_WITH_VERSIONS, ENTRY, batch, wire};
use crate::batch::Batch;
use crate::entry::Entry;
use crate::record::Recorder;

/// How many bytes of payload make up a part: enough that threads are started seldom, and few enough for the cache.
const PART: usize = 1 << 19;

/// Entries that follow each other in a journal, each with the byte at which it begins.
struct Part {
    entries: Vec<(usize, Entry)>,
    /// How the journal ends after these entries; `None` if another part follows.
    ending: Option<Ending>,
}

/// How a journal ends, with a note on where and why if it does not end in order.
pub(super) type Ending = Option<String>;

/// Records entries until the journal ends or is damaged, and shows each to `observe` before. Returns a note on where and
/// why if the journal does not end in order.
pub(super) fn all<R: Read + Send>(
    frames: &mut Frames<R>,
    recorder: &mut Recorder,
    mut observe: impl FnMut(&Entry),
) -> Option<String> {
    let (lanes, control) = recorder.lanes();
    let lanes = lanes.to_vec();
    let mut part = Part::read(frames, (&lanes, control));
    while part.ending.is_none() {
        let (outcome, next) = std::thread::scope(|scope| {
            let next = scope.spawn(|| Part::read(frames, (&lanes, control)));
            let outcome = record_all(part.entries, recorder, &mut observe);
            (outcome, next.join().unwrap_or_else(|panic| resume_unwind(panic)))
        });
        if let Err(note) = outcome {
            return Some(note);
        }
        part = next;
    }
    let outcome = record_all(part.entries, recorder, &mut observe);
    outcome.err().or(part.ending.flatten())
}

impl Part {
    fn read<R: Read>(frames: &mut Frames<R>, lanes: (&[Lane], Schedule)) -> Self {
        let (mut entries, mut bytes) = (Vec::new(), 0);
        while bytes < PART {
            let at = frames.at;
            match next(frames, lanes) {
                Ok(entry) => entries.push((at, entry)),
                Err(ending) => return Self { entries, ending: Some(ending) },
            }
            bytes += frames.at - at;
        }
        Self { entries, ending: None }
    }
}

/// The next entry of a journal of a run that has these lanes and this schedule of the control lane.
pub(super) fn next<R: Read>(frames: &mut Frames<R>, lanes: (&[Lane], Schedule)) -> Result<Entry, Ending> {
    let at = frames.at;
    match frames.next() {
        Ok((kind, payload)) => decode(kind, &payload, lanes).map_err(|why| Some(damaged(at, &why))),
        Err(NoFrame::End) => Err(None),
        Err(NoFrame::Torn) => Err(Some(format!("the journal ends within an entry, at byte {at}"))),
        Err(NoFrame::Read(source)) => Err(Some(damaged(at, &source.to_string()))),
    }
}

/// Decodes the entry of one frame of a run that has these lanes and this schedule of the control lane; the error says
/// why the frame holds no valid entry.
pub(super) fn decode(kind: u8, payload: &[u8], lanes: (&[Lane], Schedule)) -> Result<Entry, String> {
    match kind {
        BATCH => batch::read(payload, lanes).map(Entry::Batch),
        BATCH_WITH_VERSIONS => batch::read_with_versions(payload, lanes).map(Entry::Batch),
        ENTRY => wire::read_entry(payload),
        kind => Err(format!("an entry of unknown kind {kind}")),
    }
}

/// Records entries, batches that follow each other at once; the error is a note on the entry that cannot be recorded.
fn record_all(
    entries: Vec<(usize, Entry)>,
    recorder: &mut Recorder,
    observe: &mut impl FnMut(&Entry),
) -> Result<(), String> {
    let mut batches = Batches::default();
    for (at, entry) in entries {
        observe(&entry);
        match entry {
            Entry::Batch(batch) => batches.add(at, batch),
            entry => {
                batches.record(recorder)?;
                recorder.take(entry).map_err(|invalid| damaged(at, &invalid.to_string()))?;
            }
        }
    }
    batches.record(recorder)
}

/// Batches that follow each other, and the bytes at which they begin.
#[derive(Default)]
struct Batches {
    at: Vec<usize>,
    all: Vec<Batch>,
}

impl Batches {
    fn add(&mut self, at: usize, batch: Batch) {
        self.at.push(at);
        self.all.push(batch);
    }

    /// Records all batches, and has none afterwards.
    fn record(&mut self, recorder: &mut Recorder) -> Result<(), String> {
        let at = std::mem::take(&mut self.at);
        let outcome = recorder.take_batches(std::mem::take(&mut self.all));
        outcome.map_err(|(nth, invalid)| damaged(at.get(nth).copied().unwrap_or_default(), &invalid.to_string()))
    }
}

fn damaged(at: usize, why: &str) -> String {
    format!("the journal is damaged at byte {at} ({why}): what follows is left out")
}
