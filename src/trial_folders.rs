//! The folder of several trials: a folder for each, `trial-1` and so on, which is a run. They are all created before the
//! first trial, so that those that were never made can be told later.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use lapse_compare::Run;
use lapse_compare::trials::{Missing, Trial, Trials};
use lapse_record::entry::RunHeader;
use lapse_record::journal;

/// The most trials in a folder.
pub(crate) const MOST: u16 = 1_000;

/// The name of the folder of the trial of this number.
pub(crate) fn name(number: u16) -> String {
    format!("trial-{number}")
}

/// The folders of trials in `folder`, with their numbers and in their order; none if `folder` is a run itself.
pub(crate) fn find(folder: &Path) -> io::Result<Vec<(u16, PathBuf)>> {
    if folder.join(journal::FILE).exists() {
        return Ok(Vec::new());
    }
    let numbered = |path: PathBuf| {
        let called = path.file_name()?.to_str()?;
        let number = called.strip_prefix("trial-")?.parse().ok().filter(|number| (1..=MOST).contains(number))?;
        (called == name(number) && path.is_dir()).then_some((number, path))
    };
    let mut found: Vec<_> = fs::read_dir(folder)?.filter_map(|entry| numbered(entry.ok()?.path())).collect();
    found.sort();
    Ok(found)
}

/// What these trials came to, each judged by the header that `judge` leaves. One record is held at a time.
pub(crate) fn read(
    folders: &[(u16, PathBuf)],
    judge: impl Fn(&mut RunHeader) -> anyhow::Result<()>,
) -> anyhow::Result<Trials> {
    let (mut trials, mut missing) = (Vec::new(), Vec::new());
    for (number, folder) in folders {
        let mut leave_out = |why| missing.push(Missing { number: *number, why });
        if !folder.join(journal::FILE).exists() {
            leave_out(None);
            continue;
        }
        let header = journal::header(folder);
        let read = match header {
            Ok(mut header) => judge(&mut header).map(|()| journal::read_with(folder, header))?,
            Err(error) => Err(error),
        };
        match read {
            Ok(record) => trials.push(Trial::of(*number, &Run { name: name(*number), record })),
            Err(error) => leave_out(Some(format!("{:#}", anyhow::Error::new(error)))),
        }
    }
    Ok(Trials::of(trials, missing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_that_are_called_as_lapse_calls_them_are_trials_in_the_order_of_their_numbers() {
        let folder = tempfile::tempdir().unwrap();
        for name in
            ["trial-10", "trial-2", "trial-02", "trial-+3", "trial-0", "trial-1001", "trial-", "trials", "trial-x"]
        {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        fs::write(folder.path().join("trial-7"), "a file").unwrap();
        let numbers = || find(folder.path()).unwrap().into_iter().map(|(number, _)| number).collect::<Vec<_>>();
        assert_eq!(numbers(), [2, 10]);
        fs::write(folder.path().join(journal::FILE), "").unwrap();
        assert!(numbers().is_empty(), "a run is no folder of trials");
    }
}
