//! Headers whose values are read anew while a run goes on: tokens that expire.
//!
//! A value goes into requests and nowhere else: it is in no error, no event and no report, and neither is the command that
//! prints it.

use std::fs::File;
use std::future::pending;
use std::io::{self, Read};
use std::process::Stdio;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderName, HeaderValue, TE, TRANSFER_ENCODING, UPGRADE};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::{AbortHandle, spawn_blocking};
use tokio::time::{sleep, timeout};

use lapse_hammer::fresh::FreshValue;
use lapse_hammer::template::Template;
use lapse_record::event::EventKind;

/// The size up to which a value is read, in bytes.
const MOST_BYTES: u64 = 64 << 10;
/// The time that a command gets.
const PATIENCE: Duration = Duration::from_secs(30);
/// The headers that say how a request is sent, which cannot change between two requests.
const FIXED: [HeaderName; 6] = [HOST, CONNECTION, CONTENT_LENGTH, TE, TRANSFER_ENCODING, UPGRADE];

/// A header that is read anew, written as `Name: @FILE` or `Name: $(COMMAND)`, with text before the source if need be.
#[derive(Clone, Debug)]
pub(crate) struct FreshHeader {
    name: HeaderName,
    before: String,
    source: Source,
    value: FreshValue,
}

/// Where the value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    /// What this file holds.
    File(String),
    /// What this program prints with these arguments.
    Command(String, Vec<String>),
}

/// Why a text is no header that can be read anew.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoFreshHeader {
    /// It is no header at all.
    #[error("write it as 'Name: @FILE' or 'Name: $(COMMAND)'")]
    NoHeader,
    /// The name is none.
    #[error("{0:?} is no header name")]
    Name(String),
    /// The header says how the request is sent.
    #[error("{0} says how a request is sent, and cannot change: write it with -H, or leave it out")]
    Fixed(HeaderName),
    /// The value has no source.
    #[error("its value names no source: end it with @FILE or $(COMMAND), or write -H for a value that stays")]
    NoSource,
    /// The text before the source cannot be in a header.
    #[error("the text before its source has characters that no header may have")]
    Text,
    /// The command line has no end of a quote, or no program.
    #[error(
        "the command in $(...) is empty or has an open quote: write a program and its arguments; no shell reads them"
    )]
    Command,
}

/// Why a header could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the header {name} cannot be read: {why}")]
pub(crate) struct Unread {
    name: HeaderName,
    why: Why,
}

/// The kinds of failures to read a header.
#[derive(Debug, thiserror::Error)]
enum Why {
    #[error("the file {0}: {1}; name another after @")]
    File(String, io::Error),
    #[error("its command could not be started: {0}; check the program's name and PATH")]
    Start(io::Error),
    #[error("its command could not be waited for: {0}")]
    Wait(io::Error),
    #[error("its command did not end within {} s", PATIENCE.as_secs())]
    Late,
    #[error("its command ended with {0}; run it by hand to see why")]
    Ended(String),
    #[error("it is empty")]
    Empty,
    #[error("it is larger than {} KiB", MOST_BYTES >> 10)]
    Large,
    #[error("it has characters that no header may have, such as a line break")]
    NoValue,
}

/// What happens to the headers of a run, each time with the kind of event that it is.
#[derive(Debug, Default)]
pub(crate) struct FreshReader(Option<(UnboundedReceiver<(EventKind, String)>, AbortHandle)>);

// === impl FreshHeader ===

impl FromStr for FreshHeader {
    type Err = NoFreshHeader;

    fn from_str(text: &str) -> Result<Self, NoFreshHeader> {
        let (name, value) = text.split_once(':').ok_or(NoFreshHeader::NoHeader)?;
        let name: HeaderName = name.trim().parse().map_err(|_| NoFreshHeader::Name(name.trim().to_owned()))?;
        if FIXED.contains(&name) {
            return Err(NoFreshHeader::Fixed(name));
        }
        let value = value.trim();
        let (before, source) = match (value.split_once("$("), value.split_once('@')) {
            (Some((before, rest)), at) if at.is_none_or(|(text, _)| text.len() > before.len()) => {
                let words = rest.strip_suffix(')').ok_or(NoFreshHeader::NoSource)?;
                let mut words = shlex::split(words).ok_or(NoFreshHeader::Command)?.into_iter();
                let program = words.next().filter(|program| !program.is_empty()).ok_or(NoFreshHeader::Command)?;
                (before, Source::Command(program, words.collect()))
            }
            (_, Some((before, file))) if !file.is_empty() => (before, Source::File(file.to_owned())),
            _ => return Err(NoFreshHeader::NoSource),
        };
        HeaderValue::from_str(before).map_err(|_| NoFreshHeader::Text)?;
        Ok(Self { name, before: before.to_owned(), source, value: FreshValue::default() })
    }
}

impl FreshHeader {
    /// The header as requests have it: with the value that was read last.
    pub(crate) fn template(&self) -> (HeaderName, Template) {
        let before = Bytes::copy_from_slice(self.before.as_bytes());
        (self.name.clone(), Template::fresh(before, self.value.clone()))
    }

    /// Reads the value; says whether it is another one than before.
    async fn read(&self) -> Result<bool, Unread> {
        let read = match self.source.clone() {
            Source::File(file) => spawn_blocking(move || of_file(&file)).await.unwrap_or(Err(Why::Empty)),
            Source::Command(program, arguments) => of_command(&program, &arguments).await,
        };
        let value = read.and_then(|read| checked(&read));
        value.map(|value| self.value.set(value)).map_err(|why| Unread { name: self.name.clone(), why })
    }
}

fn of_file(file: &str) -> Result<Vec<u8>, Why> {
    let mut bytes = Vec::new();
    let read = File::open(file).and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes));
    read.map(|_| bytes).map_err(|error| Why::File(file.to_owned(), error))
}

/// What the program prints. Its stderr is dropped: it may have what nothing of lapse may show.
async fn of_command(program: &str, arguments: &[String]) -> Result<Vec<u8>, Why> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().map_err(Why::Start)?;
    let mut bytes = Vec::new();
    let printed = async {
        if let Some(stdout) = child.stdout.take() {
            read_most(stdout, &mut bytes).await?;
        }
        child.wait().await
    };
    let status = timeout(PATIENCE, printed).await.map_err(|_| Why::Late)?.map_err(Why::Wait)?;
    if status.success() || bytes.len() as u64 > MOST_BYTES { Ok(bytes) } else { Err(Why::Ended(status.to_string())) }
}

async fn read_most(from: impl AsyncRead + Unpin, bytes: &mut Vec<u8>) -> io::Result<()> {
    from.take(MOST_BYTES + 1).read_to_end(bytes).await.map(|_| ())
}

/// The value of a header in what was read: without the line break at its end.
fn checked(read: &[u8]) -> Result<Bytes, Why> {
    if read.len() as u64 > MOST_BYTES {
        return Err(Why::Large);
    }
    let value = read.trim_ascii();
    if value.is_empty() {
        return Err(Why::Empty);
    }
    HeaderValue::from_bytes(value).map(|_| Bytes::copy_from_slice(value)).map_err(|_| Why::NoValue)
}

// === impl FreshReader ===

impl FreshReader {
    /// Reads the headers for the first time, each of which must succeed, and from then on every so often. A header that
    /// cannot be read is told once until it can be.
    pub(crate) async fn start((headers, every): (Vec<FreshHeader>, Duration)) -> Result<Self, Unread> {
        for header in &headers {
            header.read().await?;
        }
        if headers.is_empty() {
            return Ok(Self::default());
        }
        let (tell, told) = unbounded_channel();
        let task = tokio::spawn(async move {
            let mut unread = vec![false; headers.len()];
            loop {
                sleep(every).await;
                for (header, was_unread) in headers.iter().zip(&mut unread) {
                    let read = header.read().await;
                    let is_told = std::mem::replace(was_unread, read.is_err());
                    let (kind, text) = match read {
                        Ok(true) => (EventKind::HeaderChanged, format!("the header {} has another value", header.name)),
                        Err(why) if !is_told => (EventKind::Warning, format!("{why}; it keeps the value that it has")),
                        Ok(false) | Err(_) => continue,
                    };
                    if tell.send((kind, text)).is_err() {
                        return;
                    }
                }
            }
        });
        Ok(Self(Some((told, task.abort_handle()))))
    }

    /// What happened next; never completes once nothing can.
    pub(crate) async fn next(&mut self) -> (EventKind, String) {
        if let Some((told, _)) = &mut self.0
            && let Some(news) = told.recv().await
        {
            return news;
        }
        pending().await
    }
}

impl Drop for FreshReader {
    fn drop(&mut self) {
        if let Some((_, task)) = &self.0 {
            task.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Result<(String, Source), String> {
        let header: FreshHeader = text.parse().map_err(|error: NoFreshHeader| error.to_string())?;
        Ok((header.before, header.source))
    }

    #[test]
    fn a_header_names_a_file_or_a_command_after_a_text_of_its_own() {
        let file = |text: &str| Source::File(text.to_owned());
        assert_eq!(source("Authorization: Bearer @/run/token"), Ok(("Bearer ".to_owned(), file("/run/token"))));
        assert_eq!(source("X-Key:@a@b"), Ok((String::new(), file("a@b"))));
        let command = |words: &[&str]| {
            let mut words = words.iter().map(|word| (*word).to_owned());
            Source::Command(words.next().unwrap(), words.collect())
        };
        let printed = command(&["kubectl", "create", "token", "the shop"]);
        assert_eq!(source("A: Bearer $(kubectl create token 'the shop')"), Ok(("Bearer ".to_owned(), printed)));
        assert_eq!(source("A: $(print me@home)"), Ok((String::new(), command(&["print", "me@home"]))));
        for (wrong, said) in [
            ("A", "write it as"),
            ("A B: @x", "is no header name"),
            ("Host: @x", "says how a request is sent"),
            ("A: secret", "names no source"),
            ("A: @", "names no source"),
            ("A: $(x", "names no source"),
            ("A: $()", "is empty"),
            ("A: $('x)", "an open quote"),
            ("A: \u{7f}@x", "characters that no header may have"),
        ] {
            assert!(source(wrong).unwrap_err().contains(said), "{wrong}");
        }
    }

    #[test]
    fn what_is_read_is_a_value_without_the_line_break_at_its_end() {
        assert_eq!(checked(b"token\n").unwrap(), "token");
        assert_eq!(checked(b" \r\n").unwrap_err().to_string(), "it is empty");
        assert!(checked(b"a\nb").unwrap_err().to_string().contains("no header may have"));
        let large = vec![b'x'; (64 << 10) + 1];
        assert_eq!(checked(&large).unwrap_err().to_string(), "it is larger than 64 KiB");
    }
}
