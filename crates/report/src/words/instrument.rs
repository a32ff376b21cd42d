//! The prober's own performance: probes sent, send delay, blind time and detection limit.

use std::collections::BTreeMap;

use super::phrase::{Count, some, tail};
use lapse_measure::answer::{Class, Unsent};
use lapse_measure::observations::LaneObservations;
use lapse_measure::time::{Discipline, Human, Offset};
use lapse_record::entry::Precedence;
use lapse_record::record::Record;

/// A header row, then a row for each lane. Lane names are cut to `room` columns.
pub(crate) fn rows(record: &Record, room: usize) -> Vec<Vec<String>> {
    let header = ["lane", "offered", "sent", "not sent", "late", "late p99", "blind", "floor"];
    let row = |lane: &LaneObservations| row(tail(&record.summary.lane(lane.id).name, room), lane);
    let rows = record.seen.lanes.iter().map(row);
    [header.map(str::to_owned).to_vec()].into_iter().chain(rows).collect()
}

/// Sentences on the prober and its machine: unsent slots by reason, probes without a result, reconnects, the control
/// lane, CPU pressure and clock synchronisation.
pub(crate) fn remarks(record: &Record) -> Vec<String> {
    let not_sent = |(why, slots)| format!("{} not sent: {}", some(slots, "slot"), reason(why));
    let mut remarks: Vec<_> = unsent(record).into_iter().map(not_sent).collect();
    let unanswered: u64 =
        record.seen.lanes.iter().map(|lane| lane.counts.sent.saturating_sub(lane.counts.resolved)).sum();
    if unanswered > 0 {
        remarks.push(format!("of {} the record does not say how they ended", some(unanswered, "probe")));
    }
    let reconnects: u64 = record.seen.lanes.iter().map(|lane| lane.counts.reconnects).sum();
    if reconnects > 0 {
        let what = some(reconnects, "pooled connection");
        remarks.push(format!("{what} closed before a request was written, and replaced: no failure"));
    }
    remarks.push(control(record));
    if let Some(pressure) = record.end.and_then(|end| end.pressure).filter(|pressure| *pressure >= NOTABLE_PRESSURE) {
        remarks.push(format!("something waited for a processor in {:.1} % of the time", pressure * 100.0));
    }
    remarks.extend(record.about.precedence.map(|precedence| scheduling(record, precedence)));
    remarks.extend(record.about.discipline.map(dates));
    remarks
}

/// From this share of the run on, what waited for a processor is worth a line.
const NOTABLE_PRESSURE: f64 = 0.05;

/// How the threads that send probes were scheduled, and since when no longer.
fn scheduling(record: &Record, precedence: Precedence) -> String {
    let how = match precedence {
        Precedence::None => return "the prober ran with normal scheduling".to_owned(),
        Precedence::Slice(slice) => format!("with a short time slice ({})", Human(slice)),
        Precedence::Nice(nice) => format!("with nice {nice}"),
        Precedence::Fifo => "with real-time priority (SCHED_FIFO 1)".to_owned(),
    };
    match record.end.and_then(|end| end.precedence_until) {
        None => format!("the prober ran {how}"),
        Some(until) => format!(
            "the prober ran {how} until {}, when it used over 80 % of a core: from then on with normal scheduling",
            Human(until.since(Offset::ZERO))
        ),
    }
}

/// How well the report's dates compare with those of other machines.
fn dates(discipline: Discipline) -> String {
    if discipline.synchronised {
        return format!("the wall clock was synchronised, to within {}", Human(discipline.maximum_error));
    }
    "nothing synchronised the wall clock: dates may be off".to_owned()
}

/// The number of unsent slots over all lanes, by reason.
fn unsent(record: &Record) -> BTreeMap<Unsent, u64> {
    let mut all = BTreeMap::new();
    for (class, slots) in record.seen.lanes.iter().flat_map(|lane| &lane.classes) {
        if let Class::NotSent(why) = class {
            *all.entry(*why).or_insert(0) += slots;
        }
    }
    all
}

const fn reason(why: Unsent) -> &'static str {
    match why {
        Unsent::NoPort => "no local port was free; see net.ipv4.ip_local_port_range",
        Unsent::NoDescriptor => "no file descriptor was free; raise `ulimit -n`",
        Unsent::InFlightLimit => "as many probes were under way as descriptors allow; raise `ulimit -n`",
        Unsent::Stall => "the prober itself did not run in time",
        Unsent::Concurrency => {
            "the server was so slow that they would have added more than 5 probes under way a millisecond"
        }
        Unsent::GoAway => "the server was closing their HTTP/2 connection and did not process them",
    }
}

fn row(name: String, seen: &LaneObservations) -> Vec<String> {
    let counts = seen.counts;
    let late_by = seen.lateness.quantile(0.99).map_or_else(|| "-".to_owned(), |late| Human(late).to_string());
    let [offered, sent, not_sent, late] =
        [counts.offered, counts.sent, counts.not_sent, counts.late].map(|count| Count(count).to_string());
    let (blind, detection_limit) = (Human(seen.blind.length()).to_string(), Human(seen.detection_limit()).to_string());
    vec![name, offered, sent, not_sent, late, late_by, blind, detection_limit]
}

fn control(record: &Record) -> String {
    let held_up = record.seen.held_up.length();
    match record.seen.controls {
        0 => "the prober did not watch itself".to_owned(),
        probes if held_up.is_zero() => format!("the prober reached itself without delay: {}", some(probes, "probe")),
        probes => format!("the prober was held up for {}, by {} to itself", Human(held_up), some(probes, "probe")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use lapse_record::entry::End;
    use lapse_record::sample::healthy;

    #[test]
    fn the_scheduling_of_the_prober_is_reported_if_the_journal_has_it() {
        let mut record = healthy();
        let mut remark = |precedence, until| {
            record.about.precedence = precedence;
            record.end = record.end.map(|end| End { precedence_until: until, ..end });
            remarks(&record).into_iter().find(|remark| remark.starts_with("the prober ran")).unwrap_or_default()
        };
        assert_eq!(remark(None, None), "");
        assert_eq!(remark(Some(Precedence::None), None), "the prober ran with normal scheduling");
        let slice = Precedence::Slice(Duration::from_micros(100));
        assert_eq!(remark(Some(slice), None), "the prober ran with a short time slice (0.10 ms)");
        assert_eq!(remark(Some(Precedence::Nice(-20)), None), "the prober ran with nice -20");
        let until = Some(Offset::from_millis(2300));
        let expected = "the prober ran with real-time priority (SCHED_FIFO 1) until 2.30 s, when it used over 80 % of a \
                        core: from then on with normal scheduling";
        assert_eq!(remark(Some(Precedence::Fifo), until), expected);
    }
}
