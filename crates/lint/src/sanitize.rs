//! Text from manifests, made harmless for terminals and for the lines of other formats.

/// A name or a value: with control characters, invisible characters and bidirectional controls as U+FFFD, cut after 200
/// characters.
pub(crate) fn sanitize(text: &str) -> String {
    harmless(text, 200)
}

/// As [`sanitize`], with room for a sentence.
pub(crate) fn sentence(text: &str) -> String {
    harmless(text, 1000)
}

fn harmless(text: &str, most: usize) -> String {
    let harmless = |character| if is_harmful(character) { '\u{fffd}' } else { character };
    let mut kept: String = text.chars().take(most).map(harmless).collect();
    if text.chars().nth(most).is_some() {
        kept.push('…');
    }
    kept
}

fn is_harmful(character: char) -> bool {
    let invisible =
        matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    invisible || character.is_control() || matches!(character, '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}')
}
