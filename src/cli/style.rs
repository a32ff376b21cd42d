//! What the place that we print to can show: width, colour, letters.

use std::env;
use std::io::{IsTerminal, stdout};
use std::os::fd::AsFd;

use rustix::termios::tcgetwinsize;

use lapse_report::text::{Colour, Glyphs, Look};

/// The width of what is no terminal.
const WIDTH: usize = 80;

/// The look of the report on stdout.
pub(super) fn of_stdout() -> Look {
    Look { width: width(&stdout()), colour: colour(&stdout()), glyphs: glyphs() }
}

/// The look of a report in a file, wherever that is read.
pub(super) const fn of_a_file() -> Look {
    Look { width: WIDTH, colour: Colour::Plain, glyphs: Glyphs::Unicode }
}

/// As wide as the terminal; elsewhere as `COLUMNS` says.
fn width(to: &impl AsFd) -> usize {
    let terminal = tcgetwinsize(to).ok().map(|size| usize::from(size.ws_col));
    let told = || env::var("COLUMNS").ok()?.parse().ok();
    terminal.or_else(told).filter(|columns| (20..=1000).contains(columns)).unwrap_or(WIDTH)
}

/// Colour only on a terminal that has it, and whose user wants it: see no-color.org.
fn colour(to: &impl IsTerminal) -> Colour {
    let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
    if to.is_terminal() && !refused && !dumb { Colour::Ansi } else { Colour::Plain }
}

/// The first of these that is set and not empty decides, as in POSIX.
fn glyphs() -> Glyphs {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(env::var_os).find(|value| !value.is_empty());
    let locale = set.map(|value| value.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    if locale.contains("utf-8") || locale.contains("utf8") { Glyphs::Unicode } else { Glyphs::Ascii }
}
