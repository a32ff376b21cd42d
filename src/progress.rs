//! What a person sees while a run goes on, on stderr: stdout belongs to the command and to the report.
//!
//! Knows no runtime and no clock: it shows the snapshots that it is given, and keeps its line clear of what the
//! command prints. A terminal that is held (Ctrl-S) is skipped, never waited for.

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

/// Columns of a terminal that does not say how many it has.
const USUAL_WIDTH: usize = 80;

/// How the run stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Snapshot {
    /// The phase's name: `baseline`, `event`, `settle`.
    pub phase: &'static str,
    /// Now.
    pub at: Offset,
    /// How long the phase has lasted.
    pub phase_at: Duration,
    /// How long it is to last, if that is known.
    pub phase_of: Option<Duration>,
    /// Probes per second that are due.
    pub offered: f64,
    /// Probes per second that were sent.
    pub achieved: f64,
    /// What the service looks like now.
    pub state: State,
    /// Downtime so far.
    pub downtime: Duration,
    /// Failed probes so far.
    pub failed: u64,
    /// The last seconds, one state for each 100 ms, the newest last.
    pub spark: Vec<State>,
}

/// The way in which progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// One line at the bottom of a terminal, redrawn in place.
    Bar,
    /// Plain lines, for pipes and files: on a change of phase or state, and every ten seconds.
    Lines,
    /// Nothing.
    Quiet,
}

/// The one that shows it.
#[derive(Debug)]
pub(crate) struct Progress {
    style: Style,
    look: Look,
    log: Log,
    screen: Arc<Mutex<Screen>>,
    /// The command left its last line on our stdout unfinished.
    mid_line: Arc<AtomicBool>,
}

/// A way for the command's output past the progress: see [`Progress::above_stdout`].
#[derive(Debug)]
pub(crate) struct Above<W> {
    to: W,
    /// The screen, if what is written here appears on it.
    screen: Option<Arc<Mutex<Screen>>>,
    /// Whether its last line is unfinished.
    mid_line: Arc<AtomicBool>,
}

// === impl Style ===

impl Style {
    /// The style that suits our stderr.
    pub(crate) fn fitting() -> Self {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        if io::stderr().is_terminal() && !dumb { Self::Bar } else { Self::Lines }
    }
}

// === impl Progress ===

impl Progress {
    /// Progress on our stderr.
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

    /// Shows how the run stands. A bar is drawn at each call: ten a second are enough.
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

    /// Says something that should not be missed, on a line of its own.
    pub(crate) fn say(&mut self, text: &str) {
        if self.style != Style::Quiet {
            lock(&self.screen).print(&format!("lapse: {text}"));
        }
    }

    /// A way to our stdout that keeps clear of the progress. Bytes pass untouched and at once; while the command's last
    /// line is unfinished (a prompt), the bar stays away and plain lines wait.
    pub(crate) fn above_stdout(&self) -> Above<io::Stdout> {
        let screen = same_place().then(|| Arc::clone(&self.screen));
        Above { to: io::stdout(), screen, mid_line: Arc::clone(&self.mid_line) }
    }

    /// The same for our stderr.
    pub(crate) fn above_stderr(&self) -> Above<io::Stderr> {
        Above { to: io::stderr(), screen: Some(Arc::clone(&self.screen)), mid_line: Arc::default() }
    }

    /// Whether the last line on our stdout is unfinished: whoever prints next begins a new one.
    pub(crate) fn is_mid_line(&self) -> bool {
        if same_place() { lock(&self.screen).is_mid_line() } else { self.mid_line.load(Ordering::Relaxed) }
    }

    /// Takes the bar away for good. What the command still prints passes as before.
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

/// A panic elsewhere leaves the screen as good as it was.
fn lock(screen: &Mutex<Screen>) -> MutexGuard<'_, Screen> {
    screen.lock().unwrap_or_else(PoisonError::into_inner)
}

fn width() -> usize {
    let columns = tcgetwinsize(io::stderr()).map_or(0, |size| usize::from(size.ws_col));
    if columns == 0 { USUAL_WIDTH } else { columns }
}

/// Whether stderr would take bytes without making us wait.
fn takes_bytes() -> bool {
    let stderr = io::stderr();
    let mut fds = [PollFd::new(&stderr, PollFlags::OUT)];
    poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|ready| ready > 0)
}

/// Whether stdout and stderr are one terminal or file.
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
