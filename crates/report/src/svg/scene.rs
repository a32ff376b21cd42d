//! A drawing surface that is filled from top to bottom.

use maud::{Markup, html};

/// Width of the picture, in pixels.
pub(super) const WIDTH: usize = 1200;
/// Margin on each side, in pixels.
pub(super) const MARGIN: usize = 32;

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

    /// Writes text on the current line, `x` pixels right of the margin, in this font size and colour.
    pub(super) fn say(&mut self, (x, size, colour): (usize, usize, &str), bold: bool, text: &str) {
        let (x, y, weight) = (MARGIN + x, self.at, if bold { "700" } else { "400" });
        self.parts.push(html! { text x=(x) y=(y) font-size=(size) fill=(colour) font-weight=(weight) { (text) } });
    }

    /// Writes bold text one line below, without moving the current line.
    pub(super) fn say_below(&mut self, (x, size, colour): (usize, usize, &str), text: &str) {
        self.at += size + 4;
        self.say((x, size, colour), true, text);
        self.at -= size + 4;
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
