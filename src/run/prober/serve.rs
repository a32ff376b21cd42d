//! `lapse prober`: takes an order on stdin, probes, and writes what a journal has to stdout.
//!
//! One thread reads stdin and answers at once what the clock reads, so that the time for which an answer lies about is
//! short; one writes stdout. The prober ends once its stdin does, and after a while in which nothing came.

use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::here::Here;
use super::message::{Answer, CheckedTarget, Request, WaitedFor};
use super::order::Order;
use super::{Closing, Update};
use crate::run::check::Checked;
use crate::run::launch::Probing;
use crate::run::redirect::RedirectNotices;
use crate::run::steering::Steering;
use lapse_hammer::clock::{Clock, monotonic};
use lapse_hammer::engine;
use lapse_measure::probe_id::IdSeed;
use lapse_measure::time::Offset;
use lapse_record::entry::{End, Entry, RunHeader};
use lapse_record::event::{Event, Source};
use lapse_record::journal::connection::{Arrived, Frame, write_entry, write_header, write_message};

/// The frames that may wait to be written: at that many, home has not read for longer than a run can bear.
const WAITING: usize = 8_192;
/// Home asks each second: after such a silence it is gone.
const SILENCE: Duration = Duration::from_secs(60);
/// How long the clock is answered after the last slot, unless stdin ends before.
const AFTER: Duration = Duration::from_secs(10);

/// What is to be written.
enum Outgoing {
    Bytes(Vec<u8>),
    /// All before this has been written once the sender is dropped.
    Flush(SyncSender<()>),
}

/// Stdout, written by a thread of its own.
#[derive(Clone)]
struct Home(SyncSender<Outgoing>);

/// What home asks for, in order; the channel ends with stdin.
type Requests = mpsc::Receiver<Frame>;

/// Serves one run; `parse` reads the words of an order.
pub(crate) async fn serve(parse: impl FnOnce(Order) -> Result<Ordered>) -> Result<()> {
    let home = Home::open().context("cannot start a thread")?;
    let mut requests = listen(home.clone()).context("cannot start a thread")?;
    let outcome = run(parse, &home, &mut requests).await;
    home.flush();
    outcome
}

/// An order, read.
#[derive(Debug)]
pub(crate) struct Ordered {
    /// What is to be sent.
    pub probing: Probing,
    /// What must exist as long as that is used.
    pub files: super::order::Unpacked,
}

async fn run(parse: impl FnOnce(Order) -> Result<Ordered>, home: &Home, requests: &mut Requests) -> Result<()> {
    let order = loop {
        match requests.recv().await.as_ref().map(request) {
            Some(Some(Request::Time { .. })) => {}
            other => break other.flatten(),
        }
    };
    let ordered = match order {
        Some(Request::Plan(order)) if order.version == env!("CARGO_PKG_VERSION") => parse(order),
        Some(Request::Plan(order)) => Err(anyhow::anyhow!("the order is of lapse {}", order.version)),
        _ => bail!("no order came on stdin: `lapse run --prober COMMAND` starts this and sends one"),
    };
    let prepared = match ordered {
        Ok(ordered) => prepare(&ordered.probing, requests).await.map(|found| found.map(|found| (ordered, found))),
        Err(error) => Err(error),
    };
    let (Ordered { probing, files: _files }, (checked, answer)) = match prepared {
        Ok(Some(prepared)) => prepared,
        // Home is gone.
        Ok(None) => return Ok(()),
        Err(error) => {
            let (version, why) = (env!("CARGO_PKG_VERSION").to_owned(), format!("{error:#}"));
            return home.answer(&Answer::Refused { version, why });
        }
    };
    home.answer(&answer)?;
    let mut header = loop {
        match requests.recv().await {
            Some(Frame::Header(header)) => break *header,
            Some(_) => {}
            None => return Ok(()),
        }
    };
    let (clock, seed) = (Clock::beginning_at(header.began), header.id_seed.unwrap_or(IdSeed::new(0)));
    let names = header.names();
    let hammer = engine::start(probing.settings(&header, seed), clock).context("cannot start the engine")?;
    header.precedence = Some(hammer.precedence());
    let redirects = RedirectNotices::new(names.clone(), &checked);
    probe(Here::new(hammer, clock, header.lanes(), names, redirects), &header, clock, home, requests).await
}

/// Waits for the targets and checks them; `None` if home went meanwhile.
async fn prepare(probing: &Probing, requests: &mut Requests) -> Result<Option<(Vec<Checked>, Answer)>> {
    let (_ask, asked) = mpsc::unbounded_channel();
    let mut steering = Steering::Requests(asked);
    let gone = async { while requests.recv().await.is_some() {} };
    let found = async {
        let waited = probing.wait(&mut steering).await?;
        let checked = probing.check(IdSeed::new(0)).await;
        let targets = checked.iter().cloned().map(CheckedTarget::from).collect();
        Ok(Some((checked, Answer::Checked { targets, waited: waited.as_ref().and_then(WaitedFor::of) })))
    };
    tokio::select! {
        found = found => found,
        () = gone => Ok(None),
    }
}

/// Reports on all slots until home says stop, or is gone.
async fn probe(mut here: Here, header: &RunHeader, clock: Clock, home: &Home, requests: &mut Requests) -> Result<()> {
    let mut bytes = Vec::new();
    write_header(header, &mut bytes)?;
    home.put(bytes)?;
    let mut end: Option<Offset> = None;
    loop {
        tokio::select! {
            update = here.next() => match update {
                Some(update) => home.report(update)?,
                None => break,
            },
            frame = timeout(SILENCE, requests.recv()) => match frame.ok().flatten().as_ref().map(request) {
                None => bail!("the run at home is gone"),
                Some(Some(Request::Stop { at_ns })) => {
                    let at = Offset::from_nanos(at_ns);
                    end = Some(end.map_or(at, |before| before.min(at)));
                    here.stop(at);
                }
                Some(Some(Request::Abandon)) => here.abandon(),
                Some(_) => {}
            },
        }
    }
    let at = end.unwrap_or_else(|| clock.now());
    let Closing { notes, pressure, precedence_until, .. } = here.close(at);
    for (kind, note) in notes {
        home.report(Update::Event(Event::new(at, Source::Prober, kind, note)))?;
    }
    home.entry(&Entry::End(End { at, anchor: clock.anchor(), pressure, precedence_until }))?;
    tokio::select! {
        () = async { while requests.recv().await.is_some() {} } => {}
        () = sleep(AFTER) => {}
    }
    Ok(())
}

fn request(frame: &Frame) -> Option<Request> {
    match frame {
        Frame::Message(bytes) => serde_json::from_slice(bytes).ok(),
        Frame::Header(_) | Frame::Entry(_) => None,
    }
}

/// Reads stdin on a thread of its own, which answers what the clock reads.
fn listen(home: Home) -> io::Result<Requests> {
    let (tell, requests) = mpsc::channel(64);
    let read = move || {
        let (mut arrived, mut bytes) = (Arrived::default(), vec![0; 1 << 16]);
        let mut stdin = io::stdin().lock();
        while let Ok(read @ 1..) = stdin.read(&mut bytes) {
            let received_ns = monotonic().as_nanos();
            arrived.push(bytes.get(..read).unwrap_or_default());
            while let Ok(Some(frame)) = arrived.take() {
                if let Some(Request::Time { asked_ns }) = request(&frame) {
                    let _ = home.answer(&Answer::Time { asked_ns, received_ns, answered_ns: monotonic().as_nanos() });
                }
                if tell.blocking_send(frame).is_err() {
                    return;
                }
            }
        }
    };
    thread::Builder::new().name("home-in".to_owned()).spawn(read)?;
    Ok(requests)
}

impl Home {
    fn open() -> io::Result<Self> {
        let (sender, outgoing) = sync_channel(WAITING);
        thread::Builder::new().name("home-out".to_owned()).spawn(move || write(&outgoing))?;
        Ok(Self(sender))
    }

    fn put(&self, bytes: Vec<u8>) -> Result<()> {
        match self.0.try_send(Outgoing::Bytes(bytes)) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => bail!("the run at home does not read what is reported"),
            Err(TrySendError::Disconnected(_)) => bail!("stdout was closed"),
        }
    }

    fn answer(&self, answer: &Answer) -> Result<()> {
        let mut bytes = Vec::new();
        write_message(&serde_json::to_vec(answer)?, &mut bytes)?;
        self.put(bytes)
    }

    fn entry(&self, entry: &Entry) -> Result<()> {
        let mut bytes = Vec::new();
        write_entry(entry, &mut bytes)?;
        self.put(bytes)
    }

    fn report(&self, update: Update) -> Result<()> {
        match update {
            Update::Batch(batch) => self.entry(&Entry::Batch(batch)),
            Update::Event(event) => self.entry(&Entry::Event(event)),
            Update::Said(text) => self.answer(&Answer::Said { text }),
            Update::Lost(_) => Ok(()),
        }
    }

    /// Waits until all is written, unless home does not read.
    fn flush(&self) {
        let (written, all) = sync_channel(1);
        if self.0.try_send(Outgoing::Flush(written)).is_ok() {
            let _ = all.recv_timeout(Duration::from_secs(1));
        }
    }
}

fn write(outgoing: &Receiver<Outgoing>) {
    let mut stdout = io::stdout().lock();
    while let Ok(next) = outgoing.recv() {
        let written = match next {
            Outgoing::Bytes(bytes) => stdout.write_all(&bytes).and_then(|()| stdout.flush()),
            Outgoing::Flush(written) => {
                drop(written);
                Ok(())
            }
        };
        if written.is_err() {
            return;
        }
    }
}
