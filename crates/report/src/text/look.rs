//! The appearance of the text report: width, colour and glyphs.

/// Settings for the appearance of a text report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Columns at which lines are wrapped; less than 40 counts as 40.
    pub width: usize,
    /// ANSI colours or none.
    pub colour: Colour,
    /// The character set.
    pub glyphs: Glyphs,
}

/// ANSI colours or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// For files and pipes: no escape sequences.
    Plain,
    /// For terminals: ANSI escape sequences.
    Ansi,
}

/// The character set of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyphs {
    /// All of Unicode.
    Unicode,
    /// ASCII only; other characters in names are replaced by `?`.
    Ascii,
}

/// The role of a piece of text, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// A verdict that is good.
    Good,
    /// A verdict that is bad, or an error.
    Bad,
    /// A verdict that is open, or a warning.
    Unsure,
    /// A heading, or a name that stands out.
    Heading,
}

impl Look {
    const MIN_COLUMNS: usize = 40;

    /// The width to lay out for, at least 40 columns.
    pub(super) fn columns(&self) -> usize {
        self.width.max(Self::MIN_COLUMNS)
    }

    /// Maximum width of a lane's name at the start of a line, in columns.
    pub(super) fn name(&self) -> usize {
        (self.columns() / 4).clamp(20, 40)
    }

    /// `text` in the colour of its role; unchanged if the page has no colour.
    pub(super) fn paint(&self, ink: Ink, text: &str) -> String {
        let code = match (self.colour, ink) {
            (Colour::Plain, _) => return text.to_owned(),
            (Colour::Ansi, Ink::Good) => "1;32",
            (Colour::Ansi, Ink::Bad) => "1;31",
            (Colour::Ansi, Ink::Unsure) => "1;33",
            (Colour::Ansi, Ink::Heading) => "1",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// `text` with tabs and line ends as spaces, and with `?` for control characters, invisible characters and, on an
    /// ASCII page, all others that are not ASCII. Names, commands and their output are untrusted.
    pub(crate) fn sanitize(&self, text: &str) -> String {
        let harmless = |character: char| match character {
            '\t' | '\n' => ' ',
            character if character.is_control() || is_invisible(character) => '?',
            // The report's own mark for a cut name.
            '…' if self.glyphs == Glyphs::Ascii => '~',
            character if self.glyphs == Glyphs::Ascii && !character.is_ascii() => '?',
            character => character,
        };
        text.chars().map(harmless).collect()
    }
}

/// Zero-width characters and bidirectional controls, which hide or reorder the text around them.
const fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn untrusted_text_cannot_send_escape_sequences() {
        let look = Look { width: 80, colour: Colour::Ansi, glyphs: Glyphs::Ascii };
        assert_eq!(look.sanitize("a\u{1b}[2Jb\u{9b}c\tü"), "a?[2Jb?c ?");
        let look = Look { glyphs: Glyphs::Unicode, ..look };
        assert_eq!(look.sanitize("ü\u{202e}gpj"), "ü?gpj");
    }
}
