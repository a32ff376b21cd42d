//! Copies the command's output to its sink at once and unchanged, and records it by line.
//!
//! Each stream has a thread, so that a stopped terminal (Ctrl-S) blocks only the command.

use std::io::{self, PipeReader, Read, Write};
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::ioctl_fionread;
use tokio::sync::mpsc::UnboundedSender;

use super::lines::{Line, Lines};
use lapse_measure::time::Offset;
use lapse_record::event::{Event, EventKind, Source};

const CHUNK: usize = 64 << 10;

/// An output stream of the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    Stdout,
    Stderr,
}

impl Stream {
    const fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }

    const fn line(self) -> EventKind {
        match self {
            Self::Stdout => EventKind::Stdout,
            Self::Stderr => EventKind::Stderr,
        }
    }

    const fn closed(self) -> EventKind {
        match self {
            Self::Stdout => EventKind::StdoutClosed,
            Self::Stderr => EventKind::StderrClosed,
        }
    }
}

/// One output stream of the command, passed on and recorded.
pub(super) struct OutputTee<Now> {
    /// The stream: stdout or stderr.
    pub(super) stream: Stream,
    /// The read end of the command's pipe.
    pub(super) from: PipeReader,
    /// The sink.
    pub(super) to: Box<dyn Write + Send>,
    /// A pipe that reads as ended once the command has exited.
    pub(super) exited: PipeReader,
    /// The clock.
    pub(super) now: Now,
    /// The channel for the events of lines; its content is bounded by what [`Lines`] keeps.
    pub(super) tell: UnboundedSender<Event>,
}

impl<Now: Fn() -> Offset + Send + 'static> OutputTee<Now> {
    /// Starts the thread, which ends with the stream, or after the command's exit once all that it printed is written.
    pub(super) fn start(self) -> io::Result<()> {
        thread::Builder::new().name(self.stream.name().to_owned()).spawn(|| self.carry()).map(drop)
    }

    fn carry(mut self) {
        let (mut lines, mut chunk) = (Lines::default(), vec![0; CHUNK]);
        let (mut open, mut rest) = (true, None);
        while let Ok(length @ 1..) = self.read(&mut chunk, &mut rest) {
            let (bytes, at) = (&chunk[..length], (self.now)());
            if open && let Err(error) = self.to.write_all(bytes).and_then(|()| self.to.flush()) {
                open = false;
                self.tell_closed(&error, at);
            }
            lines.feed(bytes, at, |line| self.tell_line(line));
        }
        lines.finish(|line| self.tell_line(line));
        if lines.dropped() > 0 {
            self.tell_dropped(&lines);
        }
    }

    /// Waits for bytes. After the command's exit it does not wait, and reads no more than the pipe held at that moment:
    /// the command's own output. A background process may keep the pipe open, or even full, for ever.
    fn read(&mut self, chunk: &mut [u8], rest: &mut Option<usize>) -> io::Result<usize> {
        if rest.is_none() && exited_before_bytes(&self.from, &self.exited)? {
            *rest = Some(usize::try_from(ioctl_fionread(&self.from)?).unwrap_or(usize::MAX));
        }
        let Some(rest) = rest else { return self.from.read(chunk) };
        let most = chunk.len().min(*rest);
        let length = self.from.read(&mut chunk[..most])?;
        *rest -= length;
        Ok(length)
    }

    fn tell_line(&self, line: Line) {
        let _ = self.tell.send(Event::new(line.at, Source::Command, self.stream.line(), line.text));
    }

    fn tell_dropped(&self, lines: &Lines) {
        let (stream, dropped, kept) = (self.stream.name(), lines.dropped(), lines.kept());
        let all = dropped + kept;
        let text = format!("{dropped} of {all} lines of the command's {stream} were passed through but not recorded");
        let _ = self.tell.send(Event::new((self.now)(), Source::Prober, EventKind::LinesDropped, text));
    }

    fn tell_closed(&self, error: &io::Error, at: Offset) {
        let text =
            format!("{} of lapse: {error}; what the command prints from here on is only recorded", self.stream.name());
        let _ = self.tell.send(Event::new(at, Source::Prober, self.stream.closed(), text));
    }
}

/// Waits for bytes or for the command's exit; true if the exit came first.
fn exited_before_bytes(from: &PipeReader, exited: &PipeReader) -> io::Result<bool> {
    let mut fds = [PollFd::new(from, PollFlags::IN), PollFd::new(exited, PollFlags::IN)];
    while let Err(error) = poll(&mut fds, None) {
        if error != rustix::io::Errno::INTR {
            return Err(error.into());
        }
    }
    Ok(!fds[1].revents().is_empty())
}
