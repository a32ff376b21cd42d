//! The table "room | may use" of `ARCHITECTURE.md`.

use std::collections::BTreeMap;

/// What one room may use beside itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Leave {
    Everything,
    /// These modules and what is in them.
    Modules(Vec<Vec<String>>),
}

/// Every room's leave.
#[derive(Clone, Debug)]
pub(crate) struct Table(BTreeMap<String, Leave>);

impl Table {
    /// Reads the table out of the document.
    pub(crate) fn parse(document: &str) -> Result<Self, String> {
        let rows = document.lines().map(cells).skip_while(|cells| *cells != ["room", "may use"]).skip(2);
        let mut table = BTreeMap::new();
        for cells in rows.take_while(|cells| !cells.is_empty()) {
            let [rooms, uses] = &cells[..] else { return Err(format!("a row of two cells was expected: {cells:?}")) };
            let leave = leave(uses);
            table.extend(split(rooms).map(|room| (room.to_owned(), leave.clone())));
        }
        if table.is_empty() { Err("no table `| room | may use |` was found".to_owned()) } else { Ok(Self(table)) }
    }

    pub(crate) fn rooms(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Why code in `room` may not use `path`, if so.
    pub(crate) fn objection(&self, room: &str, path: &[String]) -> Option<String> {
        let used = path.first()?;
        if used == room || !self.0.contains_key(used) {
            return None;
        }
        match self.0.get(room) {
            None => Some(format!("{room} is in no row of the table")),
            Some(Leave::Everything) => None,
            Some(Leave::Modules(modules)) => {
                let allowed = modules.iter().any(|module| path.starts_with(module));
                (!allowed).then(|| format!("{room} may not use {}", path.join("::")))
            }
        }
    }
}

fn cells(line: &str) -> Vec<&str> {
    let inner = line.trim().strip_prefix('|').and_then(|line| line.strip_suffix('|'));
    inner.map(|line| line.split('|').map(str::trim).collect()).unwrap_or_default()
}

fn split(cell: &str) -> impl Iterator<Item = &str> {
    cell.split(',').map(|entry| entry.trim().trim_matches('`')).filter(|entry| !entry.is_empty() && *entry != "-")
}

fn leave(cell: &str) -> Leave {
    if cell.trim() == "everything" { Leave::Everything } else { Leave::Modules(split(cell).map(module).collect()) }
}

/// `measure`, `run::record`, `measure (time only)`; `events (the type only)` is the noun after which the room is named.
fn module(entry: &str) -> Vec<String> {
    let (path, only) = entry.split_once('(').unwrap_or((entry, ""));
    let mut module: Vec<String> = path.trim().trim_matches('`').split("::").map(str::to_owned).collect();
    match only.trim_end_matches(')').trim().strip_suffix("only").map(str::trim) {
        Some("the type") => module.push(path.trim().trim_end_matches('s').to_owned()),
        Some(part) => module.push(part.trim_matches('`').to_owned()),
        None => {}
    }
    module
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "\
| other | table |
|---|---|
| a | b |

| room | may use |
|---|---|
| measure | - |
| lab | measure (time only), events (the type only) |
| explain | measure, `run::record` |
| cli, main | everything |
| events, run | measure |

| and | more |";

    fn check(room: &str, path: &str, allowed: bool) {
        let path: Vec<_> = path.split("::").map(str::to_owned).collect();
        let objection = Table::parse(DOCUMENT).unwrap().objection(room, &path);
        assert_eq!(objection.is_none(), allowed, "{room} -> {path:?}: {objection:?}");
    }

    #[test]
    fn a_row_says_what_a_room_may_use() {
        check("measure", "run", false);
        check("measure", "measure::time", true);
        check("lab", "measure::time::Offset", true);
        check("lab", "measure::outage", false);
        check("lab", "measure", false);
        check("lab", "events::event::Event", true);
        check("lab", "events::command", false);
        check("explain", "run::record::Record", true);
        check("explain", "run::session", false);
        check("main", "lab", true);
        check("stranger", "measure", false);
    }

    #[test]
    fn a_document_without_the_table_is_refused() {
        assert!(Table::parse("| a | b |").is_err());
    }
}
