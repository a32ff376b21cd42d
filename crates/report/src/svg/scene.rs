//! A sheet that is filled from top to bottom.

use maud::{Markup, html};

/// How wide the picture is, in pixels.
pub(super) const WIDTH: usize = 1200;
/// What stays free on each side.
pub(super) const MARGIN: usize = 32;

/// What is drawn so far, and how far down.
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
    /// Goes on so many pixels further down.
    pub(super) const fn down(&mut self, pixels: usize) {
        self.at += pixels;
    }

    /// How far down it is.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// Adds a part that says itself where it stands.
    pub(super) fn add(&mut self, part: Markup) {
        self.parts.push(part);
    }

    /// Text on the line that it has come to: so far to the right, of this size and colour.
    pub(super) fn say(&mut self, (x, size, colour): (usize, usize, &str), bold: bool, text: &str) {
        let (x, y, weight) = (MARGIN + x, self.at, if bold { "700" } else { "400" });
        self.parts.push(html! { text x=(x) y=(y) font-size=(size) fill=(colour) font-weight=(weight) { (text) } });
    }

    /// Text on the line below.
    pub(super) fn say_below(&mut self, (x, size, colour): (usize, usize, &str), text: &str) {
        self.at += size + 4;
        self.say((x, size, colour), true, text);
        self.at -= size + 4;
    }

    /// How high the picture is.
    pub(super) const fn height(&self) -> usize {
        self.at + MARGIN
    }

    /// All of it.
    pub(super) fn markup(&self) -> Markup {
        html! { @for part in &self.parts { (part) } }
    }
}
