//! The style of the text report: the width, colour and Unicode that its output supports.

use std::env;
use std::io::{IsTerminal, stdout};
use std::os::fd::AsFd;

use rustix::termios::tcgetwinsize;

use lapse_report::text::{Colour, Glyphs, Look};

/// The width of an output that is no terminal, in columns.
const WIDTH: usize = 80;

/// The style for the report on stdout.
pub(super) fn of_stdout() -> Look {
    Look { width: width(&stdout()), colour: colour(&stdout()), glyphs: glyphs() }
}

/// The style for a report in a file.
pub(super) const fn of_a_file() -> Look {
    Look { width: WIDTH, colour: Colour::Plain, glyphs: Glyphs::Unicode }
}

/// The terminal's width, or `COLUMNS` where there is no terminal.
fn width(to: &impl AsFd) -> usize {
    let terminal = tcgetwinsize(to).ok().map(|size| usize::from(size.ws_col));
    let told = || env::var("COLUMNS").ok()?.parse().ok();
    terminal.or_else(told).filter(|columns| (20..=1000).contains(columns)).unwrap_or(WIDTH)
}

/// Colour, if the output is a terminal with colours and the user wants it (no-color.org).
fn colour(to: &impl IsTerminal) -> Colour {
    let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
    if to.is_terminal() && !refused && !dumb { Colour::Ansi } else { Colour::Plain }
}

/// Unicode or ASCII, by the first locale variable that is set and not empty, as in POSIX.
fn glyphs() -> Glyphs {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(env::var_os).find(|value| !value.is_empty());
    let locale = set.map(|value| value.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    if locale.contains("utf-8") || locale.contains("utf8") { Glyphs::Unicode } else { Glyphs::Ascii }
}
