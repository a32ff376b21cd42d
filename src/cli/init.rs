//! `lapse init`: writes a plan for a chart, for manifests, for a release of the cluster, or for a URL.

mod plan_text;

use std::fs::{self, OpenOptions};
use std::io::{self, Write, stderr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use self::plan_text::{Origin, PlanText, Release};
use super::lint::input::Texts;
use super::{manifests, output, plan, plan_file};

pub(super) const EXAMPLE: &str = "\
Examples: a plan for a chart; for a release that the cluster has; for a URL; to look at it first
  lapse init ./chart --release shop -n prod
  lapse init --release shop -n prod
  lapse init --url https://shop.example.com/health
  helm template shop ./chart --values prod.yaml | lapse init - --out -";

/// The arguments of `lapse init`.
#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// The folder of a chart, to be rendered by `helm template` with its own values; rendered manifests: a file or a folder
    /// of YAML or JSON, or - for standard input.
    #[arg(value_name = "CHART|FILE|FOLDER|-")]
    what: Option<String>,
    /// The Helm release: alone, one of the cluster, as `helm get manifest` prints it; with a chart, the name that the chart
    /// is rendered with [default: the folder's name; e.g. shop].
    #[arg(long, value_name = "NAME")]
    release: Option<String>,
    /// The namespace of the release [default: the context's; e.g. prod].
    #[arg(short, long, value_name = "NAME", requires = "release")]
    namespace: Option<String>,
    /// A URL to measure, instead of those that the manifests name [repeatable; e.g. that of a health check].
    #[arg(long = "url", value_name = "URL")]
    urls: Vec<String>,
    /// The file to write, or - to print it.
    #[arg(short, long, value_name = "FILE", default_value = plan_file::FILE)]
    out: PathBuf,
    /// Write over a file that is there.
    #[arg(long)]
    force: bool,
}

/// Writes the plan.
pub(super) fn execute(args: &InitArgs) -> Result<ExitCode> {
    ensure!(
        args.what.is_some() || args.release.is_some() || !args.urls.is_empty(),
        "there is nothing to make a plan of: name a chart, rendered manifests, a --release of the cluster, or a --url"
    );
    for url in &args.urls {
        plan::check_target(&format!("shop={url}"))?;
    }
    let mut texts = Texts::default();
    let origin = read(args, &mut texts)?;
    let rollouts = match origin {
        Origin::Url => Vec::new(),
        _ => manifests::readable(&texts)?.all,
    };
    let plan = PlanText { origin, urls: &args.urls, rollouts: &rollouts, sources: &texts.sources() };
    let text = plan.write();
    if args.out == Path::new("-") {
        return output::print("the plan", |out| out.write_all(text.as_bytes())).map(|()| ExitCode::SUCCESS);
    }
    write(&args.out, text.as_bytes(), args.force)?;
    let said = format!("lapse: {} is written; `lapse plan check {0}` says what it amounts to", args.out.display());
    let _ = writeln!(stderr(), "{said}");
    Ok(ExitCode::SUCCESS)
}

/// Reads the manifests that are named, if any are.
fn read(args: &InitArgs, texts: &mut Texts) -> Result<Origin> {
    let named = |name: &str| Release { name: name.to_owned(), namespace: args.namespace.clone() };
    let Some(what) = args.what.as_deref() else {
        let Some(release) = &args.release else { return Ok(Origin::Url) };
        texts.read_release(release, args.namespace.as_deref())?;
        return Ok(Origin::Release(named(release)));
    };
    let path = Path::new(what);
    if path.join("Chart.yaml").is_file() {
        let folder = path.canonicalize().ok().and_then(|path| Some(path.file_name()?.to_str()?.to_owned()));
        let release = args.release.clone().or(folder).unwrap_or_else(|| "release".to_owned());
        texts.render_as(&release, path)?;
        return Ok(Origin::Chart { path: what.to_owned(), release: named(&release) });
    }
    ensure!(
        args.release.is_none(),
        "--release names a release of the cluster or of a chart, and {what} is manifests: leave one out"
    );
    manifests::read(texts, what)?;
    Ok(Origin::Manifests(if what == "-" { "standard input".to_owned() } else { what.to_owned() }))
}

/// Writes the file, whole or not at all.
fn write(path: &Path, text: &[u8], force: bool) -> Result<()> {
    let cannot = || format!("cannot write the plan to {}", path.display());
    if force {
        return fs::write(path, text).with_context(cannot);
    }
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(mut file) => file.write_all(text).with_context(cannot),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => bail!(
            "{} is there already: choose another file with --out, print the plan with --out -, or add --force to write over it",
            path.display()
        ),
        Err(error) => Err(error).with_context(cannot),
    }
}
