//! Notes beside the verdict: those of the record, and the failures and events that were dropped.

use super::phrase::{part, some};
use lapse_record::record::Record;

/// The notes in the order of the report, each a sentence.
pub(crate) fn notes(record: &Record) -> Vec<String> {
    let mut notes = record.summary.notes.clone();
    let (kept, dropped) = (record.failures.kept.len() as u64, record.failures.dropped);
    if dropped > 0 {
        let all = part(kept, kept.saturating_add(dropped), "failed probe");
        notes.push(format!("{all} were kept one by one; all of them count in outages and totals"));
    }
    let events = record.events.iter().filter(|event| event.kind.is_note());
    notes.extend(events.map(|event| event.text.clone()));
    if record.events_dropped > 0 {
        notes.push(format!("{} were not kept", some(record.events_dropped, "further event")));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapse_measure::time::Offset;
    use lapse_record::event::{Event, EventKind, Source};
    use lapse_record::sample::healthy;

    #[test]
    fn dropped_output_lines_appear_in_the_notes() {
        let mut record = healthy();
        let text = "7 of 9 lines of the command's stdout were passed through but not recorded";
        let event = |kind, text| Event::new(Offset::from_millis(5), Source::Prober, kind, text);
        record.events = vec![event(EventKind::LeftRunning, "no note"), event(EventKind::LinesDropped, text)];
        assert_eq!(notes(&record), [text]);
    }
}
