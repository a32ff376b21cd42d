//! How a page looks: its width, whether it has colour, and which glyphs it may use.

/// How a text report is to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Columns; at least 40 are used, and lines are wrapped at it.
    pub width: usize,
    /// Whether to use colour.
    pub colour: Colour,
    /// Which glyphs may be used.
    pub glyphs: Glyphs,
}

/// Whether a page has colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// For files and pipes: no escape sequence at all.
    Plain,
    /// For terminals: ANSI escape sequences.
    Ansi,
}

/// Which glyphs a page may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyphs {
    /// All of Unicode.
    Unicode,
    /// ASCII only; what else stands in names is replaced.
    Ascii,
}

/// What a piece of text says by its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    Good,
    Bad,
    Unsure,
    Heading,
}

impl Look {
    const NARROWEST: usize = 40;

    /// Columns to fill.
    pub(super) fn columns(&self) -> usize {
        self.width.max(Self::NARROWEST)
    }

    /// Columns that the name of a lane may take of a line on which there is more to say.
    pub(super) fn name(&self) -> usize {
        (self.columns() / 4).clamp(20, 40)
    }

    /// `text` in its colour, if there is colour.
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

    /// `text` without what a terminal would obey, and with nothing but ASCII where that is wanted:
    /// names, commands and their output are written by others.
    pub(crate) fn sanitize(&self, text: &str) -> String {
        let harmless = |letter: char| match letter {
            '\t' | '\n' => ' ',
            letter if letter.is_control() || is_unseen(letter) => '?',
            // Ours, where a name was cut.
            '…' if self.glyphs == Glyphs::Ascii => '~',
            letter if self.glyphs == Glyphs::Ascii && !letter.is_ascii() => '?',
            letter => letter,
        };
        text.chars().map(harmless).collect()
    }
}

/// Marks that have no shape of their own and turn or hide what stands beside them.
const fn is_unseen(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_cannot_command_the_terminal() {
        let look = Look { width: 80, colour: Colour::Ansi, glyphs: Glyphs::Ascii };
        assert_eq!(look.sanitize("a\u{1b}[2Jb\u{9b}c\tü"), "a?[2Jb?c ?");
        let look = Look { glyphs: Glyphs::Unicode, ..look };
        assert_eq!(look.sanitize("ü\u{202e}gpj"), "ü?gpj");
    }
}
