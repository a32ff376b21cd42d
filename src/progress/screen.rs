//! The bottom of the screen, shared by the command's output and the progress display.
//!
//! The display draws only while the cursor is at the start of a line, so that neither a prompt nor its own line is
//! torn.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The number of plain lines that may wait for the command's line to end; older ones are dropped.
const MOST_WAITING: usize = 100;

/// The shared screen.
pub(super) struct Screen {
    /// The writer for plain lines.
    out: Box<dyn Write + Send>,
    bar: ProgressBar,
    /// The bar's text, drawn whenever there is room.
    text: String,
    /// Whether the bar is on the screen.
    drawn: bool,
    /// Whether the command's last line is unfinished, so that the cursor belongs to it.
    unfinished: bool,
    /// Plain lines to print once that line is finished.
    waiting: VecDeque<String>,
}

impl Screen {
    /// A screen with its bar on `target`; plain lines go to `out`, which must be the same terminal.
    pub(super) fn new(target: ProgressDrawTarget, out: impl Write + Send + 'static) -> Self {
        let bar = ProgressBar::with_draw_target(None, target);
        // The text is formatted by the caller, to the width of the terminal.
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        let (text, waiting) = (String::new(), VecDeque::new());
        Self { out: Box::new(out), bar, text, drawn: false, unfinished: false, waiting }
    }

    /// Replaces the bar's text.
    pub(super) fn draw(&mut self, text: String) {
        if self.drawn && self.text == text {
            return;
        }
        self.text = text;
        self.redraw();
    }

    /// Prints a plain line.
    pub(super) fn print(&mut self, line: &str) {
        self.waiting.push_back(format!("{line}\n"));
        if self.waiting.len() > MOST_WAITING {
            self.waiting.pop_front();
        }
        self.release();
    }

    /// Hides the bar while `write` writes the command's `bytes`.
    pub(super) fn pass(&mut self, bytes: &[u8], write: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        self.clear();
        let written = write();
        if let (Some(last), Ok(())) = (bytes.last(), &written) {
            self.unfinished = *last != b'\n';
        }
        self.release();
        self.redraw();
        written
    }

    pub(super) const fn is_mid_line(&self) -> bool {
        self.unfinished
    }

    /// Removes the bar, and prints the lines that still wait.
    pub(super) fn finish(&mut self) {
        self.clear();
        self.text.clear();
        if !self.waiting.is_empty() {
            self.put("\n");
            self.unfinished = false;
            self.release();
        }
    }

    fn release(&mut self) {
        if !self.unfinished && !self.waiting.is_empty() {
            self.clear();
            let lines: String = self.waiting.drain(..).collect();
            self.put(&lines);
        }
    }

    fn redraw(&mut self) {
        if !self.unfinished && !self.text.is_empty() {
            if !self.drawn {
                self.bar.reset();
            }
            self.bar.set_message(self.text.clone());
            self.bar.force_draw();
            self.drawn = true;
        }
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.drawn) {
            self.bar.finish_and_clear();
        }
    }

    fn put(&mut self, text: &str) {
        // In one write, so that a terminal never shows half of it. An error means that there is no reader.
        let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
    }
}

impl fmt::Debug for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Screen").field("text", &self.text).field("unfinished", &self.unfinished).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use indicatif::{InMemoryTerm, TermLike};

    use super::*;

    /// A terminal in memory, whose content can be read.
    #[derive(Clone, Debug)]
    struct Terminal(InMemoryTerm);

    impl Write for Terminal {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.write_str(&String::from_utf8_lossy(bytes).replace('\n', "\r\n"))?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            self.0.flush()
        }
    }

    impl Terminal {
        fn pass(&self, screen: &mut Screen, text: &str) {
            screen.pass(text.as_bytes(), || self.clone().write_all(text.as_bytes())).unwrap();
        }

        fn shows(&self) -> String {
            self.0.contents()
        }
    }

    fn screen() -> (Terminal, Screen) {
        let terminal = Terminal(InMemoryTerm::new(10, 80));
        let target = ProgressDrawTarget::term_like(Box::new(terminal.0.clone()));
        (terminal.clone(), Screen::new(target, terminal))
    }

    #[test]
    fn whole_lines_go_above_the_bar() {
        let (terminal, mut screen) = screen();
        screen.draw("bar".to_owned());
        terminal.pass(&mut screen, "one\n");
        assert_eq!(terminal.shows(), "one\nbar");
        screen.draw("bar 2".to_owned());
        terminal.pass(&mut screen, "two\n");
        assert_eq!(terminal.shows(), "one\ntwo\nbar 2");
    }

    #[test]
    fn the_bar_stays_away_from_an_unfinished_line() {
        let (terminal, mut screen) = screen();
        screen.draw("bar".to_owned());
        terminal.pass(&mut screen, "sure? ");
        screen.draw("bar 2".to_owned());
        terminal.pass(&mut screen, "really?");
        assert_eq!(terminal.shows(), "sure? really?");
        terminal.pass(&mut screen, "\n");
        assert_eq!(terminal.shows(), "sure? really?\nbar 2");
    }

    #[test]
    fn nothing_of_the_bar_is_left_at_the_end() {
        let (terminal, mut screen) = screen();
        screen.draw("bar".to_owned());
        screen.finish();
        terminal.pass(&mut screen, "bye\n");
        assert_eq!(terminal.shows(), "bye");
    }

    #[test]
    fn plain_lines_wait_for_the_commands_line_to_end() {
        let (terminal, mut screen) = screen();
        terminal.pass(&mut screen, "..");
        screen.print("down");
        terminal.pass(&mut screen, ".\n");
        terminal.pass(&mut screen, "..");
        screen.print("up");
        screen.finish();
        assert_eq!(terminal.shows(), "...\ndown\n..\nup");
    }
}
