//! The connection to a prober elsewhere: frames out, frames in, and the answers of its clock.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc::{Receiver, Sender, UnboundedReceiver, UnboundedSender, channel, unbounded_channel};
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::super::message::{Answer, Request};
use super::super::transport::Connection;
use super::{Error, answer, monotonic};
use lapse_measure::clocks::{ClockComparison, Exchange};
use lapse_measure::time::{Human, MonotonicTime};
use lapse_record::entry::RunHeader;
use lapse_record::journal::connection::{Arrived, Frame, write_header, write_message};

/// The frames that may wait to be taken; the prober waits if there are more.
const WAITING: usize = 1024;
/// How long the prober gets to end once it is told to.
const END_TIMEOUT: Duration = Duration::from_secs(3);

/// What arrived: a frame with the time of its arrival, or why there is none any more.
type Arrival = (Result<Frame, String>, MonotonicTime);

/// A connection to a prober.
#[derive(Debug)]
pub(crate) struct Connected {
    /// The prober in a sentence.
    pub(super) described: String,
    /// What is known of its clock.
    pub(super) clocks: ClockComparison,
    arriving: Receiver<Arrival>,
    /// `None` once the prober was told to end.
    sending: Option<UnboundedSender<Vec<u8>>>,
    tasks: [AbortHandle; 2],
    shortest: Duration,
    heard: MonotonicTime,
}

impl Connected {
    /// Reads and writes the streams of a prober from now on.
    pub(super) fn over(connection: Connection) -> Self {
        let described = connection.described.clone();
        let (tell, arriving) = channel(WAITING);
        let (sending, outgoing) = unbounded_channel();
        let Connection { stdin, stdout, process, .. } = connection;
        let reader = tokio::spawn(async move {
            let mut process = process;
            let why = read(stdout, &tell).await;
            let why = match why {
                Some(why) => why,
                None => process.how_it_ended().await,
            };
            let _ = tell.send((Err(why), monotonic())).await;
        });
        let writer = tokio::spawn(write(stdin, outgoing));
        Self {
            described,
            clocks: ClockComparison::default(),
            arriving,
            sending: Some(sending),
            tasks: [reader.abort_handle(), writer.abort_handle()],
            shortest: Duration::MAX,
            heard: monotonic(),
        }
    }

    /// The next frame; `None` for an answer of the clock, which is taken into account. The error says why none follows.
    pub(super) async fn next(&mut self) -> Result<Option<Frame>, String> {
        let gone = || (Err("its streams have ended".to_owned()), monotonic());
        let (frame, at) = self.arriving.recv().await.unwrap_or_else(gone);
        let frame = frame?;
        self.heard = at;
        if let Some(Answer::Time { asked_ns, received_ns, answered_ns }) = answer(&frame) {
            let [asked, received, answered] = [asked_ns, received_ns, answered_ns].map(MonotonicTime::from_nanos);
            let exchange = Exchange { asked, received, answered, read: at };
            if self.clocks.add(&exchange) {
                self.shortest = self.shortest.min(exchange.round_trip());
            }
            return Ok(None);
        }
        Ok(Some(frame))
    }

    /// An error if nothing has arrived for this long.
    pub(super) fn silent_for(&self, limit: Duration) -> Result<(), String> {
        let silent = monotonic().since(self.heard);
        if silent < limit { Ok(()) } else { Err(format!("nothing was heard of it for {}", Human(silent))) }
    }

    /// The shortest round trip so far.
    pub(super) fn round_trip(&self) -> Duration {
        self.shortest.min(Duration::from_secs(1))
    }

    /// Asks what the prober's clock reads.
    pub(super) fn ask_time(&self) {
        let _ = self.send(&Request::Time { asked_ns: monotonic().as_nanos() });
    }

    /// Sends a message. Fails if it is too large.
    pub(super) fn send(&self, request: &Request) -> io::Result<()> {
        let mut bytes = Vec::new();
        write_message(&serde_json::to_vec(request)?, &mut bytes)?;
        self.put(bytes);
        Ok(())
    }

    /// Sends a header, with which the run begins.
    pub(super) fn send_header(&self, header: &RunHeader) -> io::Result<()> {
        let mut bytes = Vec::new();
        write_header(header, &mut bytes)?;
        self.put(bytes);
        Ok(())
    }

    /// That the prober is gone shows where its frames are taken.
    fn put(&self, bytes: Vec<u8>) {
        if let Some(sending) = &self.sending {
            let _ = sending.send(bytes);
        }
    }

    /// Closes the prober's stdin, and waits a while for it to end.
    pub(super) async fn end(&mut self) {
        self.sending = None;
        let _ = timeout(END_TIMEOUT, async { while self.next().await.is_ok() {} }).await;
    }

    pub(super) fn lost(&self, why: String) -> Error {
        Error::Lost { described: self.described.clone(), why }
    }

    pub(super) fn refused(&self, there: String, why: String) -> Error {
        let (described, here) = (self.described.clone(), env!("CARGO_PKG_VERSION"));
        if there == here { Error::Refused { described, why } } else { Error::Version { described, here, there } }
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

/// Passes frames on until the stream ends. Returns what is wrong with it, if it did not merely end.
async fn read(mut stdout: impl AsyncReadExt + Unpin, tell: &Sender<Arrival>) -> Option<String> {
    let (mut arrived, mut bytes) = (Arrived::default(), vec![0; 1 << 16]);
    loop {
        let read = match stdout.read(&mut bytes).await {
            Ok(0) => return None,
            Ok(read) => read,
            Err(error) => return Some(format!("it cannot be read from: {error}")),
        };
        let at = monotonic();
        arrived.push(bytes.get(..read).unwrap_or_default());
        loop {
            match arrived.take() {
                Ok(Some(frame)) => {
                    if tell.send((Ok(frame), at)).await.is_err() {
                        return None;
                    }
                }
                Ok(None) => break,
                Err(error) => return Some(error.to_string()),
            }
        }
    }
}

/// Writes frames until no more can come; then the stream ends.
async fn write(mut stdin: impl AsyncWriteExt + Unpin, mut outgoing: UnboundedReceiver<Vec<u8>>) {
    while let Some(bytes) = outgoing.recv().await {
        if stdin.write_all(&bytes).await.is_err() || stdin.flush().await.is_err() {
            return;
        }
    }
    let _ = stdin.shutdown().await;
}
