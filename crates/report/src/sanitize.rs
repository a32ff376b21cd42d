//! Text from outside made harmless: what is no printable text becomes a sign that says so.

use std::borrow::Cow;

/// `text` without control characters, and without those that turn the direction of what follows.
pub(super) fn sanitize(text: &str) -> Cow<'_, str> {
    if text.contains(is_harmful) { text.replace(is_harmful, "\u{fffd}").into() } else { text.into() }
}

fn is_harmful(letter: char) -> bool {
    let turns = matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    // XML 1.0 has no place for the last two, in whatever spelling.
    turns || letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}')
}
