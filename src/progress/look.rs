//! The characters and colours of the progress display, as far as its output supports them.

use std::ffi::OsString;

use lapse_measure::timeline::State;

/// The characters and colours to draw with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// The set of characters.
    pub letters: Letters,
    /// The set of colours.
    pub ink: Ink,
}

/// A set of characters to draw with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Letters {
    /// Unicode's block elements.
    Blocks,
    /// ASCII characters only.
    Ascii,
}

/// A set of colours to draw with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    /// The terminal's own palette.
    Colour,
    /// No colours.
    Plain,
}

// === impl Look ===

impl Look {
    /// The look that the environment asks for, on a terminal or elsewhere.
    pub(crate) fn new(environment: impl Fn(&str) -> Option<OsString>, terminal: bool) -> Self {
        let set = |name: &str| environment(name).filter(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).unwrap_or_default();
        let locale = locale.to_string_lossy().to_ascii_lowercase();
        let utf8 = locale.contains("utf-8") || locale.contains("utf8");
        let dumb = set("TERM").is_none_or(|term| term == "dumb");
        let colour = terminal && !dumb && set("NO_COLOR").is_none();
        Self {
            letters: if utf8 { Letters::Blocks } else { Letters::Ascii },
            ink: if colour { Ink::Colour } else { Ink::Plain },
        }
    }

    /// The character for a state, readable without colour: the worse, the taller.
    pub(super) const fn letter(self, state: State) -> char {
        let (block, ascii) = match state {
            State::Up => ('▁', '.'),
            State::Slow => ('▃', 's'),
            State::Degraded => ('▅', 'x'),
            State::Down => ('█', 'X'),
            State::Blind => ('░', '?'),
            State::Unobserved => (' ', ' '),
        };
        match self.letters {
            Letters::Blocks => block,
            Letters::Ascii => ascii,
        }
    }

    /// Paints `text` in the colour of `state`.
    pub(super) fn paint(self, text: &str, state: State) -> String {
        let code = match state {
            State::Up => "32",
            State::Slow => "33",
            State::Degraded => "35",
            State::Down => "31",
            State::Blind | State::Unobserved => "2",
        };
        match self.ink {
            Ink::Colour if !text.is_empty() => format!("\x1b[{code}m{text}\x1b[0m"),
            _ => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(variables: &[(&str, &str)]) -> (Letters, Ink) {
        let find = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value));
        let look = Look::new(find, true);
        (look.letters, look.ink)
    }

    #[test]
    fn blocks_need_a_utf8_locale_and_colour_a_terminal_that_wants_it() {
        assert_eq!(look(&[("LANG", "de_DE.UTF-8"), ("TERM", "xterm")]), (Letters::Blocks, Ink::Colour));
        assert_eq!(look(&[("LC_ALL", "C"), ("LANG", "C.utf8"), ("TERM", "xterm")]), (Letters::Ascii, Ink::Colour));
        assert_eq!(look(&[("TERM", "xterm"), ("NO_COLOR", "1")]), (Letters::Ascii, Ink::Plain));
        assert_eq!(look(&[("TERM", "dumb")]), (Letters::Ascii, Ink::Plain));
        assert_eq!(Look::new(|_| Some("xterm".into()), false).ink, Ink::Plain);
    }
}
