//! The bottom of the screen: whose turn it is there, the command's or ours.
//!
//! Ours only while the cursor stands at the start of a line: neither a prompt nor our line is ever torn.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Write};

/// Goes to the start of the line and erases it.
const CLEAR: &str = "\r\x1b[K";
/// How many plain lines wait for the command's line to end; older ones are given up.
const MOST_WAITING: usize = 100;

/// Where progress and the command's output meet.
pub(super) struct Screen {
    out: Box<dyn Write + Send>,
    /// The bar that is to be seen, whenever there is room.
    bar: String,
    /// Whether it is on the screen.
    drawn: bool,
    /// The command's last line is unfinished: the cursor is the command's.
    unfinished: bool,
    /// Plain lines to be printed when it is finished.
    waiting: VecDeque<String>,
}

impl Screen {
    pub(super) fn new(out: impl Write + Send + 'static) -> Self {
        Self { out: Box::new(out), bar: String::new(), drawn: false, unfinished: false, waiting: VecDeque::new() }
    }

    /// Replaces the bar.
    pub(super) fn draw(&mut self, bar: String) {
        if self.drawn && self.bar == bar {
            return;
        }
        self.bar = bar;
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

    /// Makes room for the command's `bytes` while `write` writes them.
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

    /// Takes the bar away, and lets go of the lines that still wait.
    pub(super) fn finish(&mut self) {
        self.clear();
        self.bar.clear();
        if !self.waiting.is_empty() {
            self.put("\n");
            self.unfinished = false;
            self.release();
        }
    }

    fn release(&mut self) {
        if !self.unfinished && !self.waiting.is_empty() {
            let lines: String = self.waiting.drain(..).collect();
            self.put(&lines);
        }
    }

    fn redraw(&mut self) {
        if !self.unfinished && !self.bar.is_empty() {
            self.put(&format!("{CLEAR}{}", self.bar));
            self.drawn = true;
        }
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.drawn) {
            self.put(CLEAR);
        }
    }

    fn put(&mut self, text: &str) {
        // In one write, so that a terminal never shows half of it. Without a reader, nobody misses it.
        let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
    }
}

impl fmt::Debug for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Screen").field("bar", &self.bar).field("unfinished", &self.unfinished).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Terminal(Arc<Mutex<Vec<u8>>>);

    impl Write for Terminal {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Terminal {
        fn pass(&self, screen: &mut Screen, text: &str) {
            screen.pass(text.as_bytes(), || self.clone().write_all(text.as_bytes())).unwrap();
        }

        /// What was written since the last call, with `<` for the erasing of a line.
        fn seen(&self) -> String {
            String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap().replace(CLEAR, "<")
        }
    }

    fn screen() -> (Terminal, Screen) {
        let terminal = Terminal::default();
        (terminal.clone(), Screen::new(terminal))
    }

    #[test]
    fn whole_lines_go_above_the_bar() {
        let (terminal, mut screen) = screen();
        screen.draw("bar".to_owned());
        terminal.pass(&mut screen, "one\n");
        screen.draw("bar".to_owned());
        assert_eq!(terminal.seen(), "<bar<one\n<bar");
    }

    #[test]
    fn the_bar_stays_away_from_an_unfinished_line() {
        let (terminal, mut screen) = screen();
        screen.draw("bar".to_owned());
        terminal.pass(&mut screen, "sure? ");
        screen.draw("bar 2".to_owned());
        terminal.pass(&mut screen, "really? ");
        assert_eq!(terminal.seen(), "<bar<sure? really? ");
        terminal.pass(&mut screen, "\n");
        assert_eq!(terminal.seen(), "\n<bar 2");
    }

    #[test]
    fn nothing_of_the_bar_is_left_at_the_end() {
        let (terminal, mut screen) = screen();
        screen.draw("bar".to_owned());
        screen.finish();
        terminal.pass(&mut screen, "bye\n");
        assert_eq!(terminal.seen(), "<bar<bye\n");
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
        assert_eq!(terminal.seen(), "...\ndown\n..\nup\n");
    }
}
