//! A plain test client on raw sockets, which classifies outcomes in the words of the reports.
//!
//! The client shares no code with the prober and is far simpler: a few kept connections that ask in a loop, and new
//! ones at intervals.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: lab\r\n\r\n";
const TIMEOUT: Duration = Duration::from_secs(6);
/// The timeout for a connection; on loopback only a dropped SYN takes that long.
pub(super) const CONNECT: Duration = Duration::from_secs(1);

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Outcome {
    lane: &'static str,
    class: String,
}

/// The number of requests by outcome.
#[derive(Clone, Debug, Default)]
pub(super) struct Observations(Arc<Mutex<BTreeMap<Outcome, u64>>>);

impl Observations {
    /// The number of failures of one lane, or of all.
    pub(super) fn failed(&self, lane: Option<&str>) -> u64 {
        self.count(|of, class| lane.is_none_or(|lane| lane == of) && !matches!(class, "ok" | "slow"))
    }

    /// The number of outcomes that `what` selects.
    pub(super) fn count(&self, what: impl Fn(&str, &str) -> bool) -> u64 {
        let seen = self.0.lock().unwrap();
        seen.iter().filter(|(of, _)| what(of.lane, &of.class)).map(|(_, count)| count).sum()
    }

    /// The classes of all failures.
    pub(super) fn classes(&self) -> Vec<String> {
        self.0
            .lock()
            .unwrap()
            .keys()
            .map(|of| of.class.clone())
            .filter(|class| class != "ok" && class != "slow")
            .collect()
    }

    fn add(&self, lane: &'static str, class: String) {
        *self.0.lock().unwrap().entry(Outcome { lane, class }).or_default() += 1;
    }
}

/// A running client; dropping it stops the requests.
#[derive(Debug)]
pub(super) struct TestClient {
    pub(super) seen: Observations,
    slow: Duration,
    _tasks: JoinSet<()>,
}

impl TestClient {
    /// Starts `reused` kept connections to `address`, and opens a new connection every `period`.
    pub(super) fn send(address: &str, reused: usize, period: Duration, slow: Duration) -> Self {
        let (seen, mut tasks) = (Observations::default(), JoinSet::new());
        let address: Arc<str> = address.trim_start_matches("http://").trim_end_matches('/').into();
        for _ in 0..reused {
            tasks.spawn(reuse(Arc::clone(&address), seen.clone(), slow));
        }
        tasks.spawn(renew(address, seen.clone(), period, slow));
        Self { seen, slow, _tasks: tasks }
    }

    /// Takes the outcomes seen since the last call.
    pub(super) async fn take(&self) -> Observations {
        // Requests in flight still count.
        sleep(self.slow.min(Duration::from_millis(500))).await;
        let seen = std::mem::take(&mut *self.seen.0.lock().unwrap());
        Observations(Arc::new(Mutex::new(seen)))
    }
}

async fn reuse(address: Arc<str>, seen: Observations, slow: Duration) {
    let mut connection = None;
    loop {
        let stream = match connection.take().filter(is_alive) {
            Some(stream) => Ok(stream),
            None => connect(&address).await,
        };
        let Answer { class, kept } = match stream {
            Ok(stream) => ask(stream, slow).await,
            Err(class) => Answer { class, kept: None },
        };
        let pause = Duration::from_millis(if class == "ok" { 1 } else { 10 });
        seen.add("reused", class);
        connection = kept;
        sleep(pause).await;
    }
}

async fn renew(address: Arc<str>, seen: Observations, period: Duration, slow: Duration) {
    let (mut due, mut tasks) = (interval(period), JoinSet::new());
    loop {
        due.tick().await;
        let (address, seen) = (Arc::clone(&address), seen.clone());
        tasks.spawn(async move {
            let class = match connect(&address).await {
                Ok(stream) => ask(stream, slow).await.class,
                Err(class) => class,
            };
            seen.add("new", class);
        });
        while tasks.try_join_next().is_some() {}
    }
}

fn is_alive(stream: &TcpStream) -> bool {
    matches!(stream.try_read(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock)
}

async fn connect(address: &str) -> Result<TcpStream, String> {
    match timeout(CONNECT, TcpStream::connect(address)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(class(&error)),
        Err(_) => Err("connect-timeout".into()),
    }
}

/// The class of a request's outcome, and the connection if it can be reused.
struct Answer {
    class: String,
    kept: Option<TcpStream>,
}

/// Sends one request. The tests' machine may wake this task late, so slowness is measured by tokio's clock.
async fn ask(mut stream: TcpStream, slow: Duration) -> Answer {
    let mut head = Vec::new();
    let exchange = async {
        stream.write_all(REQUEST).await?;
        while !is_whole(&head) {
            if stream.read_buf(&mut head).await? == 0 {
                return Err(io::Error::from(ErrorKind::UnexpectedEof));
            }
        }
        Ok(())
    };
    let mut exchange = std::pin::pin!(exchange);
    let (lateness, result) = match timeout(slow, &mut exchange).await {
        Ok(result) => ("ok", Ok(result)),
        Err(_) => ("slow", timeout(TIMEOUT, exchange).await),
    };
    match result {
        Err(_) => Answer { class: "response-timeout".into(), kept: None },
        Ok(Err(_)) if !head.is_empty() => Answer { class: "truncated".into(), kept: None },
        Ok(Err(error)) => Answer { class: class(&error), kept: None },
        Ok(Ok(())) => {
            let text = String::from_utf8_lossy(&head);
            let status = text.split(' ').nth(1).unwrap_or("none");
            let class = if status == "200" { lateness.to_owned() } else { format!("status {status}") };
            let closes = text.to_lowercase().contains("connection: close");
            Answer { class, kept: (!closes).then_some(stream) }
        }
    }
}

fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

fn class(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => "refused",
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => "reset",
        ErrorKind::UnexpectedEof => "closed",
        _ => return error.to_string(),
    }
    .to_owned()
}
