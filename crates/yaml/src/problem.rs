//! What is wrong with a text, and at which place.

use super::tree::Position;

/// The number of problems of a text from which on further ones are left out.
pub const MOST_PROBLEMS: usize = 50;
/// The number of characters of a text from elsewhere that a message has.
const MOST_SHOWN: usize = 80;

/// What is wrong at a place of a text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{}:{}: {text}", position.line, position.column)]
pub struct Problem {
    /// The place.
    pub position: Position,
    /// The key, the value and the next step.
    pub text: String,
}

impl Problem {
    /// A problem at this place.
    pub fn at(position: Position, text: impl Into<String>) -> Self {
        Self { position, text: text.into() }
    }
}

/// A text from elsewhere as a message has it: on one line, without control characters, cut where it is long.
pub fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(MOST_SHOWN).flat_map(escaped).collect();
    if text.chars().nth(MOST_SHOWN).is_some() {
        shown.push_str("...");
    }
    shown
}

fn escaped(letter: char) -> impl Iterator<Item = char> {
    let plain = !letter.is_control();
    let (as_it_is, escaped) = (plain.then_some(letter), (!plain).then(|| letter.escape_default()));
    as_it_is.into_iter().chain(escaped.into_iter().flatten())
}

/// The end of a message about an unknown word: the known one that it is likely to be meant for, or all of them.
pub fn near<T: AsRef<str>>(word: &str, known: &[T]) -> String {
    // Long words are no slips, and comparing them would take long.
    let short: String = word.chars().take(MOST_SHOWN).collect();
    let distance = |known: &str| strsim::damerau_levenshtein(&short.to_lowercase(), &known.to_lowercase());
    let nearest = known.iter().map(AsRef::as_ref).min_by_key(|known| distance(known));
    match nearest.filter(|nearest| distance(nearest) <= 1 + nearest.len() / 4) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("known here: {}", known.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ")),
    }
}
