//! How text is laid out: width, colour, letters.

/// Whether to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// With the terminal's own palette.
    On,
    /// Not at all.
    Off,
}

/// Which characters to draw with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyphs {
    /// Unicode's block elements.
    Unicode,
    /// Nothing beyond ASCII.
    Ascii,
}

/// What the place where the report is read can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Columns.
    pub width: usize,
    /// Whether to colour.
    pub colour: Colour,
    /// Which characters to draw with.
    pub glyphs: Glyphs,
}

/// What a colour says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    Good,
    Bad,
    Odd,
    Faint,
    Strong,
}

/// Where the texts of items begin.
const INDENT: usize = 14;

/// The report as it grows.
#[derive(Debug)]
pub(super) struct Page {
    look: Look,
    text: String,
}

impl Page {
    pub(super) const fn new(look: Look) -> Self {
        Self { look, text: String::new() }
    }

    pub(super) fn text(self) -> String {
        self.text
    }

    pub(super) const fn look(&self) -> Look {
        self.look
    }

    /// An empty line, unless there is one.
    pub(super) fn gap(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// The line above all others.
    pub(super) fn verdict(&mut self, word: &str, ink: Ink, text: &str) {
        let word = self.paint(word, ink);
        self.line(&format!("{word}  {text}"));
    }

    /// A heading.
    pub(super) fn heading(&mut self, name: &str, rest: &str) {
        let (name, rest) = (self.paint(name, Ink::Strong), self.paint(rest, Ink::Faint));
        self.line(&format!("{name}  {rest}"));
    }

    /// A point of a list, wrapped.
    pub(super) fn point(&mut self, text: &str) {
        self.wrapped("  - ", text);
    }

    /// A text with its name before it, wrapped.
    pub(super) fn item(&mut self, name: &str, text: &str) {
        self.wrapped(&format!("{:INDENT$}", format!("  {name}")), text);
    }

    /// A name and a text that matters, in colour.
    pub(super) fn row(&mut self, name: &str, text: &str, ink: Ink) {
        let text = self.paint(text, ink);
        self.line(&format!("  {name:18} {text}"));
    }

    /// A line as it is.
    pub(super) fn line(&mut self, text: &str) {
        self.text.push_str(text.trim_end());
        self.text.push('\n');
    }

    /// `text` in colour, if there is to be any.
    pub(super) fn paint(&self, text: &str, ink: Ink) -> String {
        let code = match ink {
            Ink::Good => "1;32",
            Ink::Bad => "1;31",
            Ink::Odd => "1;33",
            Ink::Faint => "2",
            Ink::Strong => "1",
        };
        match self.look.colour {
            Colour::On if !text.is_empty() => format!("\x1b[{code}m{text}\x1b[0m"),
            _ => text.to_owned(),
        }
    }

    fn wrapped(&mut self, before: &str, text: &str) {
        let (mut line, indent) = (before.to_owned(), before.chars().count());
        let mut empty = true;
        for word in text.split_whitespace() {
            let long = line.chars().count() + usize::from(!empty) + word.chars().count() > self.look.width;
            if long && !empty {
                self.line(&line);
                line = " ".repeat(indent);
                empty = true;
            }
            if !empty {
                line.push(' ');
            }
            line.push_str(word);
            empty = false;
        }
        self.line(&line);
    }
}
