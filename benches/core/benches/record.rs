//! From probes to a report: the fold that a run and its journal share, the journal, and the formats.
#![expect(clippy::unwrap_used, reason = "a benchmark may end at once")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use lapse_benches::MadeUp;
use lapse_measure::time::Offset;
use lapse_record::entry::Entry;
use lapse_record::journal;
use lapse_record::record::Recorder;
use lapse_report::format::{Format, Named, Options};
use lapse_report::text::{Colour, Glyphs, Look};

/// The length of the run, in seconds.
const LENGTH: u32 = 60;

fn fold(criterion: &mut Criterion) {
    let run = MadeUp::lasting(LENGTH);
    let lanes = run.header().lanes();
    let batches: Vec<_> = (0..25).map(|nth| run.batch(&lanes, Offset::from_millis(nth * 40))).collect();
    let mut group = criterion.benchmark_group("fold");
    group.throughput(Throughput::Elements(run.rate.into()));
    group.bench_function("a second", |bencher| {
        let begin = || (Recorder::new(run.header()), batches.clone());
        let record = |(mut recorder, batches): (Recorder, Vec<_>)| {
            for batch in batches {
                recorder.take(Entry::Batch(batch)).unwrap();
            }
            recorder
        };
        bencher.iter_batched(begin, record, BatchSize::LargeInput);
    });
    group.finish();
}

fn journal_to_report(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let run = MadeUp::lasting(LENGTH);
    run.write(folder.path()).unwrap();
    let mut group = criterion.benchmark_group("a journal of a minute");
    group.throughput(Throughput::Elements(u64::from(run.rate * LENGTH))).sample_size(10);
    group.bench_function("read", |bencher| bencher.iter(|| journal::read(black_box(folder.path())).unwrap()));
    group.finish();
    let record = journal::read(folder.path()).unwrap();
    let mut group = criterion.benchmark_group("report");
    group.sample_size(10);
    for format in [Format::Text, Format::Json, Format::Html] {
        let look = Look { width: 80, colour: Colour::Plain, glyphs: Glyphs::Unicode };
        let options = Options { look, bin: Duration::from_millis(100) };
        group.bench_function(format.name(), |bencher| {
            bencher.iter(|| format.write(black_box(&record), options, &mut Vec::new()).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, fold, journal_to_report);
criterion_main!(benches);
