//! Files whose lines are sent in turn: bodies (`--data-lines`), and paths or URLs of a target (`--url-lines`).

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use hyper::Uri;
use url::Url;

use super::plan::uri;
use lapse_hammer::template::{Lines, Template};

/// The largest file that is read, in MiB.
const MOST_MIB: u64 = 16;
/// The most lines of a file.
const MOST_LINES: usize = 100_000;

/// The bodies in the file that `--data-lines` names.
pub(super) fn bodies(path: &Path) -> Result<Lines> {
    let file = read("--data-lines", path)?;
    let template = |(_, line): (usize, Range<usize>)| Template::of_text(&file.slice(line));
    Ok(lines("--data-lines", path, &file)?.into_iter().map(template).collect())
}

/// The paths in the file that `--url-lines` names: each line is a path, or a URL of the target at `base`.
pub(super) fn paths(path: &Path, base: &Uri) -> Result<Lines> {
    let file = read("--url-lines", path)?;
    let base = Url::parse(&base.to_string()).with_context(|| format!("{base} is not a URL"))?;
    let template = |(number, line): (usize, Range<usize>)| {
        let line = file.get(line).unwrap_or_default();
        one_path(line, &base).with_context(|| format!("--url-lines {}:{number}", path.display()))
    };
    lines("--url-lines", path, &file)?.into_iter().map(template).collect()
}

/// The path of one line.
fn one_path(line: &[u8], base: &Url) -> Result<Template> {
    let line = std::str::from_utf8(line).context("the line is not UTF-8")?;
    ensure!(
        line.starts_with('/') || line.contains("://"),
        "{line:?} is neither a path nor a URL: a path begins with /, a URL with http:// or https://"
    );
    let url = base.join(line).with_context(|| format!("{line:?} is not a URL"))?;
    let server = |url: &Url| (url.scheme().to_owned(), url.host_str().map(str::to_owned), url.port_or_known_default());
    ensure!(
        server(&url) == server(base),
        "{line:?} is not on {}: one target is one server; name another with --target",
        base.origin().ascii_serialization()
    );
    let uri = uri(url.as_str())?;
    Ok(Template::of_path(uri.path_and_query().map_or("/", |path| path.as_str())))
}

fn read(flag: &str, path: &Path) -> Result<Bytes> {
    let shown = path.display();
    let cannot = || format!("cannot read {shown}, which {flag} names");
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take((MOST_MIB << 20) + 1).read_to_end(&mut bytes)).with_context(cannot)?;
    ensure!(bytes.len() as u64 <= MOST_MIB << 20, "{flag} {shown}: the file has more than {MOST_MIB} MiB: take a part");
    Ok(bytes.into())
}

/// The number and the place of each line, without its end.
fn lines(flag: &str, path: &Path, file: &[u8]) -> Result<Vec<(usize, Range<usize>)>> {
    let shown = path.display();
    let (mut lines, mut from) = (Vec::new(), 0);
    for (number, line) in (1..).zip(file.split_inclusive(|byte| *byte == b'\n')) {
        ensure!(number <= MOST_LINES, "{flag} {shown}: the file has more than {MOST_LINES} lines: take a part");
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        ensure!(!text.is_empty(), "{flag} {shown}:{number}: the line is empty: take it out");
        lines.push((number, from..from + text.len()));
        from += line.len();
    }
    ensure!(!lines.is_empty(), "{flag} {shown}: the file is empty: write a line for each request");
    Ok(lines)
}
