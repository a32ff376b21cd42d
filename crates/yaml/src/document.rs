//! The only document of a text that people write for lapse.

use std::sync::Arc;

use super::problem::{Problem, shown};
use super::tree::{self, Node, Position, Why};

/// The size from which on a text is refused, in bytes.
pub const MOST_BYTES: usize = 1 << 20;
/// The number of values from which on a text is refused.
pub const MOST_VALUES: usize = 2_000;

/// The tree of a text; `None` for an empty one. `what` it is (`plan`) is said in errors.
pub fn document(what: &str, text: &[u8]) -> Result<Option<Arc<Node>>, Problem> {
    if text.len() > MOST_BYTES {
        let most = MOST_BYTES >> 20;
        return Err(Problem::at(Position::START, format!("a {what} has {most} MiB at the most: is this one?")));
    }
    let text = str::from_utf8(text).map_err(|error| {
        let before = String::from_utf8_lossy(text.get(..error.valid_up_to()).unwrap_or_default());
        let line = before.rsplit('\n').next().unwrap_or_default();
        let position = Position { line: before.matches('\n').count() + 1, column: line.chars().count() + 1 };
        Problem::at(position, "this is not UTF-8: save the file in that encoding")
    })?;
    let mut values = MOST_VALUES;
    let mut roots = tree::read(text.strip_prefix('\u{feff}').unwrap_or(text), 1, &mut values)
        .map_err(|error| Problem::at(error.position, unreadable(what, &error.why)))?;
    match roots.get(1) {
        Some(second) => {
            let text = format!("a second document begins here: a {what} is one, leave out the `---`");
            Err(Problem::at(second.position, text))
        }
        None => Ok(roots.pop().filter(|root| !root.is_null())),
    }
}

fn unreadable(what: &str, why: &Why) -> String {
    match why {
        Why::Syntax(found) => format!("this is not YAML: {}", shown(found)),
        Why::KeyIsNoText => "a list or a map cannot be a key: put `{{ ... }}` and the like into quotes".to_owned(),
        Why::Depth => format!("this is nested too deeply for a {what}: leave out the inner levels"),
        Why::Nodes => format!(
            "a {what} has {MOST_VALUES} values at the most, an alias counts as all that it stands for: leave some out"
        ),
        Why::Cycle => "this alias stands for a value that contains the alias: leave it out".to_owned(),
    }
}
