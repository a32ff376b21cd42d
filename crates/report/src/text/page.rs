//! Lays out a page of text: headings, wrapped sentences and aligned tables. Reports are such pages, and what other
//! subcommands print for people.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::look::{Ink, Look};
use crate::words::phrase::padded;

/// A page as far as it is laid out. Each method sanitises its text and appends whole lines.
#[derive(Debug)]
pub struct Page {
    look: Look,
    text: String,
}

impl Page {
    /// An empty page.
    pub const fn new(look: Look) -> Self {
        Self { look, text: String::new() }
    }

    /// The look of the page.
    pub const fn look(&self) -> Look {
        self.look
    }

    /// The text of the page, with a line end after each line.
    pub fn into_text(self) -> String {
        self.text
    }

    /// Starts a section with a heading, after a blank line unless it is the first.
    pub fn heading(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        let sanitize = self.look.sanitize(text);
        for line in wrap(&sanitize, self.look.columns(), 0, 2) {
            self.text.push_str(&self.look.paint(Ink::Heading, &line));
            self.text.push('\n');
        }
    }

    /// Appends `word` in colour, a colon and `text`, wrapped.
    pub fn lead(&mut self, ink: Ink, word: &str, text: &str) {
        self.text.push_str(&self.look.paint(ink, word));
        let all = format!("{word}: {}", self.look.sanitize(text));
        let lines = wrap(&all, self.look.columns(), 0, 2).join("\n");
        self.text.push_str(lines.strip_prefix(word).unwrap_or(&lines));
        self.text.push('\n');
    }

    /// Appends a sentence, indented by `indent` and wrapped with two more columns of indent.
    pub fn say(&mut self, indent: usize, text: &str) {
        self.hang(indent, indent + 2, text);
    }

    /// Appends a paragraph, indented by `indent` throughout and wrapped.
    pub fn paragraph(&mut self, indent: usize, text: &str) {
        self.hang(indent, indent, text);
    }

    /// Appends a line of pieces, some in colour, without wrapping it.
    pub fn pieces(&mut self, indent: usize, pieces: &[(Option<Ink>, &str)]) {
        self.text.push_str(&" ".repeat(indent));
        for (ink, piece) in pieces {
            let piece = self.look.sanitize(piece);
            self.text.push_str(&ink.map_or_else(|| piece.clone(), |ink| self.look.paint(ink, &piece)));
        }
        self.text.push('\n');
    }

    /// Appends a line without wrapping it; what exceeds the page width is cut off.
    pub fn draw(&mut self, line: &str) {
        let mut room = self.look.columns();
        let fits = |character: &char| {
            let left = room.checked_sub(character.width().unwrap_or(0));
            left.inspect(|left| room = *left).is_some()
        };
        let cut: String = self.look.sanitize(line).chars().take_while(fits).collect();
        self.text.push_str(cut.trim_end());
        self.text.push('\n');
    }

    /// Appends a line as it is, however wide: it is to be copied.
    pub fn copy(&mut self, line: &str) {
        self.text.push_str(self.look.sanitize(line).trim_end());
        self.text.push('\n');
    }

    /// Appends rows with aligned columns. The last cell of a row is wrapped within its column, the others are not.
    pub fn table(&mut self, indent: usize, rows: &[Vec<String>]) {
        let columns = rows.iter().map(|row| row.len().saturating_sub(1)).max().unwrap_or(0);
        let width_of = |column: usize| {
            let cells = rows.iter().filter(|row| column + 1 < row.len()).map(|row| row[column].width());
            cells.max().unwrap_or(0)
        };
        let widths: Vec<_> = (0..columns).map(width_of).collect();
        for row in rows {
            let Some((last, cells)) = row.split_last() else { continue };
            let start: String = cells.iter().zip(&widths).map(|(cell, width)| padded(cell, width + 2)).collect();
            let hang = (indent + start.width()).min(self.look.columns() / 2);
            self.hang(indent, hang, &format!("{start}{last}"));
        }
    }

    fn hang(&mut self, indent: usize, hang: usize, text: &str) {
        let sanitize = self.look.sanitize(text);
        for line in wrap(&sanitize, self.look.columns(), indent, hang) {
            self.text.push_str(&line);
            self.text.push('\n');
        }
    }
}

/// Breaks `text` at spaces into lines of at most `width` columns: the first is indented by `indent`, the others by
/// `hang`. A word longer than that gets a line of its own.
fn wrap(text: &str, width: usize, indent: usize, hang: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = " ".repeat(indent);
    let mut empty = true;
    for word in text.split(' ') {
        let grown = line.width() + usize::from(!empty) + word.width();
        if grown > width && !empty && !word.is_empty() {
            lines.push(line.trim_end().to_owned());
            line = " ".repeat(hang);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    lines.push(line.trim_end().to_owned());
    lines
}

#[cfg(test)]
mod tests {
    use super::super::look::{Colour, Glyphs};
    use super::*;

    #[test]
    fn long_sentences_are_wrapped_with_a_hanging_indent() {
        assert_eq!(wrap("one two three four", 12, 2, 4), ["  one two", "    three", "    four"]);
        assert_eq!(wrap("unbreakable", 5, 2, 4), ["  unbreakable"]);
        assert_eq!(wrap("a  table", 20, 0, 0), ["a  table"]);
    }

    #[test]
    fn table_columns_are_aligned() {
        let mut page = Page::new(Look { width: 80, colour: Colour::Plain, glyphs: Glyphs::Ascii });
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        page.table(2, &[row(["a", "bbb", "c"]), row(["aaaa", "b", "c"])]);
        assert_eq!(page.into_text(), "  a     bbb  c\n  aaaa  b    c\n");
    }
}
