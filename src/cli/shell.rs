//! `lapse completions` and `lapse man`: what shells and `man` are told of the command line.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use super::{Cli, output};

pub(super) const COMPLETIONS_EXAMPLE: &str = "\
Example: completions for the bash of this user, from the next shell on
  lapse completions bash >~/.local/share/bash-completion/completions/lapse";

pub(super) const MAN_EXAMPLE: &str = "\
Examples: read the page of `lapse run`; install all pages for this user
  lapse man run | man -l -
  lapse man --out ~/.local/share/man/man1";

/// The arguments of `lapse completions`.
#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

/// The arguments of `lapse man`.
#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// The subcommand whose page to print; without one that of lapse itself [e.g. run].
    #[arg(value_name = "SUBCOMMAND", conflicts_with = "out")]
    of: Option<String>,
    /// A folder to write all pages to, a file each [e.g. man1].
    #[arg(short, long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// Prints the completions for a shell.
pub(super) fn completions(args: &CompletionsArgs) -> Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "lapse", &mut script);
    output::print("the completions", |out| out.write_all(&script))?;
    Ok(ExitCode::SUCCESS)
}

/// Prints a manual page, or writes all of them to a folder.
pub(super) fn man(args: &ManArgs) -> Result<ExitCode> {
    let mut all = pages(Cli::command())?;
    if let Some(folder) = &args.out {
        fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        for page in &all {
            page.write_to(folder)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let name = args.of.as_ref().map_or_else(|| "lapse".to_owned(), |of| format!("lapse-{of}"));
    let Some(nth) = all.iter().position(|page| page.name == name) else {
        let names: Vec<_> = all.iter().filter_map(|page| page.name.strip_prefix("lapse-")).collect();
        anyhow::bail!(
            "lapse has no subcommand {}: it has {}",
            args.of.as_deref().unwrap_or_default(),
            names.join(", ")
        );
    };
    let page = all.swap_remove(nth);
    output::print("the manual page", |out| out.write_all(&page.text))?;
    Ok(ExitCode::SUCCESS)
}

/// A manual page of section 1.
struct Page {
    /// The name that `man` knows it by.
    name: String,
    /// The page in roff.
    text: Vec<u8>,
}

impl Page {
    fn of(command: &Command) -> Result<Self> {
        let mut text = Vec::new();
        Man::new(command.clone()).render(&mut text).context("cannot write the manual page")?;
        let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
        Ok(Self { name, text })
    }

    fn write_to(&self, folder: &Path) -> Result<()> {
        let path = folder.join(OsString::from(format!("{}.1", self.name)));
        fs::write(&path, &self.text).with_context(|| format!("cannot write {}", path.display()))
    }
}

/// The pages of lapse and of each subcommand that the help lists.
fn pages(mut lapse: Command) -> Result<Vec<Page>> {
    // Fills in what subcommands inherit: the version, and their names as `lapse-run`.
    lapse.build();
    let shown = lapse.get_subcommands().filter(|one| !one.is_hide_set() && one.get_name() != "help");
    std::iter::once(&lapse).chain(shown).map(Page::of).collect()
}
