//! Texts of requests with placeholders, which each probe fills in with values of its own.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;

use super::fresh::FreshValue;
use lapse_measure::lane::LaneId;
use lapse_measure::probe_id::{IdSeed, ProbeId};
use lapse_measure::time::{Anchor, Offset, UnixTime};

/// The words that are placeholders between braces. All others are text: bodies of JSON have braces too.
const WORDS: [(&[u8], Word); 3] = [(b"slot", Word::Slot), (b"uuid", Word::Uuid), (b"time", Word::Time)];
/// Braces, as they are typed.
const BRACES: (&[u8], &[u8]) = (b"{", b"}");
/// Braces, as they stand in the path of a URL.
const ESCAPED_BRACES: (&[u8], &[u8]) = (b"%7B", b"%7D");

/// A text with placeholders: `{slot}`, `{uuid}`, `{time}`. One in two pairs of braces stands for itself in one pair.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(Bytes),
    Word(Word),
    Traceparent,
    Fresh(FreshValue),
}

/// What a placeholder stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    /// The number of the slot in its lane.
    Slot,
    /// The id of the probe.
    Uuid,
    /// The date at which the slot was due, in milliseconds since the Unix epoch.
    Time,
}

/// What the values of a run's placeholders are computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filling {
    /// The seed of the ids.
    pub seed: IdSeed,
    /// The date of the run's offsets.
    pub anchor: Anchor,
}

/// The slot that a request is sent for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    /// Its number in its lane.
    pub(super) slot: u64,
    pub(super) due: Offset,
}

/// The values of one probe.
#[derive(Clone, Copy, Debug)]
pub(super) struct Values {
    pub(super) slot: u64,
    id: ProbeId,
    due: UnixTime,
}

/// Texts that the slots of a lane send in turn; empty for none. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Lines(Arc<[Template]>);

// === impl Lines ===

impl Lines {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The one whose turn it is at this slot.
    pub(super) fn at(&self, slot: u64) -> Option<&Template> {
        let place = slot.checked_rem(self.0.len() as u64)?;
        self.0.get(usize::try_from(place).ok()?)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Template> {
        self.0.iter()
    }
}

impl FromIterator<Template> for Lines {
    fn from_iter<T: IntoIterator<Item = Template>>(lines: T) -> Self {
        Self(lines.into_iter().collect())
    }
}

// === impl Filling ===

impl Filling {
    /// The values of the probe of this slot.
    pub(super) fn values(&self, lane: LaneId, turn: Turn) -> Values {
        Values { slot: turn.slot, id: self.seed.id(lane, turn.slot), due: self.anchor.date_at(turn.due) }
    }
}

// === impl Template ===

impl Template {
    /// Reads the text of a header or a body.
    pub fn of_text(text: &Bytes) -> Self {
        Self::read(text, &[BRACES])
    }

    /// Reads the path and the query of a URL as a client sends them: in the path, braces are percent-encoded.
    pub fn of_path(path: &str) -> Self {
        Self::read(&Bytes::copy_from_slice(path.as_bytes()), &[BRACES, ESCAPED_BRACES])
    }

    /// A text without placeholders.
    pub(super) fn plain(text: Bytes) -> Self {
        Self(vec![Piece::Text(text)])
    }

    /// The value of the header `traceparent`.
    pub(super) fn traceparent() -> Self {
        Self(vec![Piece::Traceparent])
    }

    /// The value of a header that is read anew, after `before`.
    pub fn fresh(before: Bytes, value: FreshValue) -> Self {
        Self(vec![Piece::Text(before), Piece::Fresh(value)])
    }

    fn read(text: &Bytes, braces: &[(&[u8], &[u8])]) -> Self {
        let (mut pieces, mut from, mut at) = (Vec::new(), 0, 0);
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let Some(found) = braces.iter().find_map(|braces| Found::at(rest, *braces)) else {
                at += 1;
                continue;
            };
            push_text(&mut pieces, text, from..at);
            match found.word {
                Some(word) => pieces.push(Piece::Word(word)),
                None => push_text(&mut pieces, text, at + found.kept.start..at + found.kept.end),
            }
            at += found.length;
            from = at;
        }
        push_text(&mut pieces, text, from..text.len());
        Self(pieces)
    }

    /// Whether nothing in it differs from probe to probe.
    pub(super) fn is_plain(&self) -> bool {
        self.0.iter().all(|piece| matches!(piece, Piece::Text(_)))
    }

    /// Whether it has the id of its probe as a UUID.
    pub(super) fn has_uuid(&self) -> bool {
        self.0.contains(&Piece::Word(Word::Uuid))
    }

    /// Appends the text with these values to `out`.
    pub(super) fn fill(&self, values: &Values, out: &mut Vec<u8>) {
        for piece in &self.0 {
            // Writing to memory does not fail.
            let _ = match piece {
                Piece::Text(text) => out.write_all(text),
                Piece::Word(Word::Slot) => write!(out, "{}", values.slot),
                Piece::Word(Word::Uuid) => write!(out, "{}", values.id),
                Piece::Word(Word::Time) => write!(out, "{}", values.due.as_nanos() / 1_000_000),
                Piece::Traceparent => out.write_all(values.id.traceparent().as_bytes()),
                Piece::Fresh(value) => out.write_all(&value.get()),
            };
        }
    }

    /// The text with these values.
    pub(super) fn filled(&self, values: &Values) -> Vec<u8> {
        let mut out = Vec::new();
        self.fill(values, &mut out);
        out
    }
}

fn push_text(pieces: &mut Vec<Piece>, text: &Bytes, part: std::ops::Range<usize>) {
    if !part.is_empty() {
        pieces.push(Piece::Text(text.slice(part)));
    }
}

/// A word between braces at the beginning of a text.
struct Found {
    /// What it stands for; `None` in two pairs of braces: then `kept` is what stays.
    word: Option<Word>,
    kept: std::ops::Range<usize>,
    length: usize,
}

impl Found {
    fn at(text: &[u8], (open, close): (&[u8], &[u8])) -> Option<Self> {
        let inner = text.strip_prefix(open)?;
        let word = |inner: &[u8]| {
            let found =
                WORDS.iter().find(|(word, _)| inner.strip_prefix(*word).is_some_and(|rest| rest.starts_with(close)));
            found.map(|(text, word)| (text.len(), *word))
        };
        if let Some((length, word)) = word(inner) {
            return Some(Self { word: Some(word), kept: 0..0, length: open.len() + length + close.len() });
        }
        let (length, _) = word(inner.strip_prefix(open)?)?;
        let whole = 2 * open.len() + length + 2 * close.len();
        let is_doubled = text.get(whole - close.len()..whole) == Some(close);
        is_doubled.then(|| Self { word: None, kept: open.len()..whole - close.len(), length: whole })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values() -> Values {
        let anchor = Anchor { date: UnixTime::from_nanos(1_700_000_000_123_456_789), offset: Offset::ZERO };
        let filling = Filling { seed: IdSeed::new(3), anchor };
        filling.values(LaneId(1), Turn { slot: 42, due: Offset::from_millis(1000) })
    }

    fn filled(template: &Template) -> String {
        String::from_utf8(template.filled(&values())).unwrap()
    }

    fn text(text: &str) -> String {
        filled(&Template::of_text(&Bytes::copy_from_slice(text.as_bytes())))
    }

    #[test]
    fn placeholders_are_filled_in_and_every_other_brace_stays() {
        let id = values().id.to_string();
        assert_eq!(text("{slot}{time}"), "421700000001123");
        assert_eq!(text(r#"{"n":{slot},"id":"{uuid}"}"#), format!(r#"{{"n":42,"id":"{id}"}}"#));
        for same in
            ["", "{", "}", "{}", "{{}}", "{Slot}", "{ slot }", "{slots}", "{slot", "{word}", r#"{"a":{"b":{}}}"#]
        {
            assert_eq!(text(same), same);
        }
    }

    #[test]
    fn a_placeholder_in_two_pairs_of_braces_stands_for_itself() {
        assert_eq!(text("{{slot}} {{{slot}}} {{uuid}"), format!("{{slot}} {{{{slot}}}} {{{}", values().id));
        assert_eq!(filled(&Template::of_path("/%7B%7Bslot%7D%7D")), "/%7Bslot%7D");
    }

    #[test]
    fn in_the_path_of_a_url_braces_are_percent_encoded() {
        assert_eq!(filled(&Template::of_path("/cellar/%7Bslot%7D?n={slot}&x=%7B1%7D")), "/cellar/42?n=42&x=%7B1%7D");
    }

    proptest! {
        #[test]
        fn a_text_without_a_placeholder_is_sent_as_it_is(typed in r"[{}a-z%7BD]{0,20}") {
            let has_word = ["slot", "uuid", "time"].iter().any(|word| typed.contains(word));
            prop_assume!(!has_word);
            prop_assert!(Template::of_text(&Bytes::copy_from_slice(typed.as_bytes())).is_plain());
            prop_assert_eq!(text(&typed), typed);
        }
    }
}
