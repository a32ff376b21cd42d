//! A drawing surface that is filled from top to bottom.

use maud::{Markup, html};

/// Width of the picture, in pixels.
pub(super) const WIDTH: usize = 1200;
/// Margin on each side, in pixels.
pub(super) const MARGIN: usize = 32;

/// The look of a text: its font size in pixels, its colour as `#rrggbb`, and its weight.
#[derive(Clone, Copy, Debug)]
pub(super) struct TextStyle {
    pub size: usize,
    pub colour: &'static str,
    pub bold: bool,
}

/// Body text.
pub(super) const BODY: TextStyle = TextStyle { size: 13, colour: "#1b1d20", bold: false };
/// Labels and remarks: body text in grey.
pub(super) const LABEL: TextStyle = TextStyle { colour: "#646a73", ..BODY };
/// The sentence below the verdict.
pub(super) const LEAD: TextStyle = TextStyle { size: 15, ..BODY };
/// The heading of a section.
pub(super) const TITLE: TextStyle = TextStyle { bold: true, ..LEAD };
/// A figure of a target.
pub(super) const FIGURE: TextStyle = TextStyle { size: 20, ..TITLE };

/// The parts drawn so far, and the current line's y coordinate.
#[derive(Debug)]
pub(super) struct Scene {
    parts: Vec<Markup>,
    at: usize,
}

impl Default for Scene {
    fn default() -> Self {
        Self { parts: Vec::new(), at: MARGIN / 2 }
    }
}

impl Scene {
    /// Moves the current line down by `pixels`.
    pub(super) const fn down(&mut self, pixels: usize) {
        self.at += pixels;
    }

    /// The y coordinate of the current line, in pixels.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// Adds a part that has its own coordinates.
    pub(super) fn add(&mut self, part: Markup) {
        self.parts.push(part);
    }

    /// Writes text on the current line, `x` pixels right of the margin.
    pub(super) fn say(&mut self, x: usize, style: TextStyle, text: &str) {
        let TextStyle { size, colour, bold } = style;
        let (x, y, weight) = (MARGIN + x, self.at, if bold { "700" } else { "400" });
        self.parts.push(html! { text x=(x) y=(y) font-size=(size) fill=(colour) font-weight=(weight) { (text) } });
    }

    /// Writes text one line below, without moving the current line.
    pub(super) fn say_below(&mut self, x: usize, style: TextStyle, text: &str) {
        self.at += style.size + 4;
        self.say(x, style, text);
        self.at -= style.size + 4;
    }

    /// The height of the picture with its bottom margin, in pixels.
    pub(super) const fn height(&self) -> usize {
        self.at + MARGIN
    }

    /// The markup of all parts, in the order in which they were added.
    pub(super) fn markup(&self) -> Markup {
        html! { @for part in &self.parts { (part) } }
    }
}
