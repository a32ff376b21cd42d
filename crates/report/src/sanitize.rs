//! Replaces characters in untrusted text that could break a format or mislead a reader.

use std::borrow::Cow;

/// `text` with each control character, bidirectional control and XML noncharacter replaced by U+FFFD. Borrows if `text`
/// has none of them.
pub(super) fn sanitize(text: &str) -> Cow<'_, str> {
    if text.contains(is_harmful) { text.replace(is_harmful, "\u{fffd}").into() } else { text.into() }
}

fn is_harmful(character: char) -> bool {
    let bidirectional =
        matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    // XML 1.0 does not allow U+FFFE and U+FFFF, not even as character references.
    bidirectional || character.is_control() || matches!(character, '\u{fffe}' | '\u{ffff}')
}
