//! The progress display on stderr; stdout belongs to the command and to the report.
//!
//! The display needs no runtime and no clock: it shows the snapshots it is given, and keeps its line clear of the
//! command's output. A stopped terminal (Ctrl-S) is skipped, never waited for.

mod line;
mod log;
mod look;
mod screen;

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::ProgressDrawTarget;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::fstat;
use rustix::termios::tcgetwinsize;

pub(crate) use self::line::line;
use self::log::Log;
pub(crate) use self::look::Look;
use self::screen::Screen;
use lapse_measure::time::Offset;
use lapse_measure::timeline::State;

/// The width of a terminal that does not report its own, in columns.
const USUAL_WIDTH: usize = 80;

/// The state of a run at one moment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Snapshot {
    /// The phase's name: `baseline`, `event`, `settle`.
    pub phase: &'static str,
    /// The time of the snapshot.
    pub at: Offset,
    /// The time since the phase began.
    pub phase_at: Duration,
    /// The planned length of the phase, if known.
    pub phase_of: Option<Duration>,
    /// Probes due per second.
    pub offered: f64,
    /// Probes sent per second.
    pub achieved: f64,
    /// The current state of the service.
    pub state: State,
    /// The downtime so far.
    pub downtime: Duration,
    /// The number of failed probes so far.
    pub failed: u64,
    /// The states of the last seconds, one per 100 ms, newest last.
    pub spark: Vec<State>,
}

/// The style of the progress display.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// One line at the bottom of a terminal, redrawn in place.
    Bar,
    /// Plain lines for pipes and files: on a change of phase or state, and every ten seconds.
    Lines,
    /// No display.
    Quiet,
}

/// The progress display.
#[derive(Debug)]
pub(crate) struct Progress {
    style: Style,
    look: Look,
    log: Log,
    screen: Arc<Mutex<Screen>>,
    /// Whether the command's last line on stdout is unfinished.
    mid_line: Arc<AtomicBool>,
}

/// A writer for the command's output that keeps clear of the display: see [`Progress::above_stdout`].
#[derive(Debug)]
pub(crate) struct Above<W> {
    to: W,
    /// The screen, if the output of this writer appears on it.
    screen: Option<Arc<Mutex<Screen>>>,
    /// Whether the last line is unfinished.
    mid_line: Arc<AtomicBool>,
}

// === impl Style ===

impl Style {
    /// The style that suits stderr: a bar on a terminal, else lines.
    pub(crate) fn fitting() -> Self {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        if io::stderr().is_terminal() && !dumb { Self::Bar } else { Self::Lines }
    }
}

// === impl Progress ===

impl Progress {
    /// Creates a display on stderr.
    pub(crate) fn new(style: Style) -> Self {
        let look = Look::new(|name| std::env::var_os(name), io::stderr().is_terminal());
        Self {
            style,
            look,
            log: Log::default(),
            screen: Arc::new(Mutex::new(Screen::new(ProgressDrawTarget::stderr(), io::stderr()))),
            mid_line: Arc::default(),
        }
    }

    /// Shows a snapshot. A bar is drawn at each call: ten a second are enough.
    pub(crate) fn show(&mut self, snapshot: &Snapshot) {
        match self.style {
            Style::Bar => {
                // One column stays free: some terminals wrap when the last one is written.
                let text = line(snapshot, width() - 1, self.look);
                if let Ok(mut screen) = self.screen.try_lock()
                    && takes_bytes()
                {
                    screen.draw(text);
                }
            }
            Style::Lines => {
                if let Some(text) = self.log.line(snapshot) {
                    lock(&self.screen).print(&text);
                }
            }
            Style::Quiet => {}
        }
    }

    /// Prints a message on a line of its own.
    pub(crate) fn say(&mut self, text: &str) {
        if self.style != Style::Quiet {
            lock(&self.screen).print(&format!("lapse: {text}"));
        }
    }

    /// A writer to stdout that keeps clear of the display. Bytes pass unchanged and at once; while the command's last
    /// line is unfinished (a prompt), the bar is hidden and plain lines wait.
    pub(crate) fn above_stdout(&self) -> Above<io::Stdout> {
        let screen = same_place().then(|| Arc::clone(&self.screen));
        Above { to: io::stdout(), screen, mid_line: Arc::clone(&self.mid_line) }
    }

    /// A writer to stderr that keeps clear of the display.
    pub(crate) fn above_stderr(&self) -> Above<io::Stderr> {
        Above { to: io::stderr(), screen: Some(Arc::clone(&self.screen)), mid_line: Arc::default() }
    }

    /// Whether the last line on stdout is unfinished, so that the next print has to begin a new one.
    pub(crate) fn is_mid_line(&self) -> bool {
        if same_place() { lock(&self.screen).is_mid_line() } else { self.mid_line.load(Ordering::Relaxed) }
    }

    /// Removes the bar for good. The command's output passes as before.
    pub(crate) fn finish(&mut self) {
        self.style = Style::Quiet;
        lock(&self.screen).finish();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}

/// Locks the screen, also after a panic elsewhere: its data stays valid.
fn lock(screen: &Mutex<Screen>) -> MutexGuard<'_, Screen> {
    screen.lock().unwrap_or_else(PoisonError::into_inner)
}

fn width() -> usize {
    let columns = tcgetwinsize(io::stderr()).map_or(0, |size| usize::from(size.ws_col));
    if columns == 0 { USUAL_WIDTH } else { columns }
}

/// Whether a write to stderr would not block.
fn takes_bytes() -> bool {
    let stderr = io::stderr();
    let mut fds = [PollFd::new(&stderr, PollFlags::OUT)];
    poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|ready| ready > 0)
}

/// Whether stdout and stderr are the same terminal or file.
fn same_place() -> bool {
    match (fstat(io::stdout()), fstat(io::stderr())) {
        (Ok(stdout), Ok(stderr)) => (stdout.st_dev, stdout.st_ino) == (stderr.st_dev, stderr.st_ino),
        _ => true,
    }
}

// === impl Above ===

impl<W: Write> Write for Above<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Self { to, screen, mid_line } = self;
        let pass = |to: &mut W| to.write_all(bytes).and_then(|()| to.flush());
        match screen {
            Some(screen) => lock(screen).pass(bytes, || pass(to))?,
            None => pass(to)?,
        }
        if let Some(last) = bytes.last() {
            mid_line.store(*last != b'\n', Ordering::Relaxed);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
