//! A server whose answers to `/events` go on, until all streams of that time are dropped or fall silent at once.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;

use super::{clock, listener};

/// What happens to all streams at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// RST.
    Reset,
    /// FIN within a chunk.
    Truncate,
    /// The last chunk, then FIN.
    End,
    /// FIN of an answer that has neither a length nor chunks.
    Fin,
    /// No message for this many milliseconds.
    Stall(u64),
}

/// What the server does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Script {
    /// Milliseconds between messages.
    pub(crate) beat: u64,
    /// Milliseconds from the first stream to the fate of all.
    pub(crate) at: u64,
    pub(crate) fate: Fate,
    /// Milliseconds from the head of a stream to its first message, after the fate.
    pub(crate) late: u64,
    /// Ids that a stream leaves out which goes on after another.
    pub(crate) skips: u64,
}

/// A message as it was written: of which connection, and the monotonic clock before and after.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Written {
    pub(crate) connection: usize,
    pub(crate) before: u64,
    pub(crate) after: u64,
}

/// A running server. Its threads end with the tests.
#[derive(Debug)]
pub(crate) struct Streaming {
    pub(crate) address: SocketAddr,
    log: Arc<Mutex<Vec<Written>>>,
}

impl Streaming {
    pub(crate) fn start(script: Script) -> Self {
        let listener = listener::bind();
        let address = listener.local_addr().unwrap();
        let log: Arc<Mutex<Vec<Written>>> = Arc::default();
        let (written, began) = (Arc::clone(&log), Arc::new(OnceLock::new()));
        thread::spawn(move || {
            for (number, tcp) in listener.incoming().flatten().enumerate() {
                let connection = Connection { number, script, began: Arc::clone(&began), log: Arc::clone(&written) };
                let serve = move || connection.serve(tcp);
                thread::Builder::new().stack_size(256 << 10).spawn(serve).expect("a thread for the connection");
            }
        });
        Self { address, log }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub(crate) fn log(&self) -> Vec<Written> {
        self.log.lock().unwrap().clone()
    }
}

/// A connection, and what all of them share.
struct Connection {
    number: usize,
    script: Script,
    /// When the first stream began.
    began: Arc<OnceLock<u64>>,
    log: Arc<Mutex<Vec<Written>>>,
}

impl Connection {
    fn serve(&self, mut tcp: TcpStream) -> io::Result<()> {
        tcp.set_nodelay(true)?;
        let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
        loop {
            let read = tcp.read(&mut buffer)?;
            if read == 0 {
                return Ok(());
            }
            bytes.extend_from_slice(&buffer[..read]);
            let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
            let head = String::from_utf8_lossy(&bytes.drain(..end + 4).collect::<Vec<_>>()).to_ascii_lowercase();
            if head.starts_with("get /events ") {
                return self.stream(&mut tcp, &head);
            }
            tcp.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
        }
    }

    fn stream(&self, tcp: &mut TcpStream, head: &str) -> io::Result<()> {
        let Script { beat, at, fate, late, skips } = self.script;
        let due = self.began.get_or_init(clock::now) + at * 1_000_000;
        let mut awaits_fate = clock::now() < due;
        let framing = if fate == Fate::Fin { "" } else { "transfer-encoding: chunked\r\n" };
        let pod = if awaits_fate { "old" } else { "new" };
        write!(tcp, "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-pod: {pod}\r\n{framing}\r\n")?;
        let after = head.lines().find_map(|line| line.strip_prefix("last-event-id: ")?.parse::<u64>().ok());
        let mut id = after.map_or(1, |id| id + 1 + skips);
        if !awaits_fate {
            thread::sleep(Duration::from_millis(late));
        }
        loop {
            let text = format!("id: {id}\ndata: x\n\n");
            let text = if framing.is_empty() { text } else { format!("{:x}\r\n{text}\r\n", text.len()) };
            let before = clock::now();
            tcp.write_all(text.as_bytes())?;
            self.log.lock().unwrap().push(Written { connection: self.number, before, after: clock::now() });
            id += 1;
            let next = before + beat * 1_000_000;
            if awaits_fate && due < next {
                awaits_fate = false;
                thread::sleep(Duration::from_nanos(due.saturating_sub(clock::now())));
                match fate {
                    Fate::Reset => return Ok(set_socket_linger(&*tcp, Some(Duration::ZERO))?),
                    Fate::Truncate => return tcp.write_all(b"ff\r\nid: 99"),
                    Fate::End => return tcp.write_all(b"0\r\n\r\n"),
                    Fate::Fin => return Ok(()),
                    Fate::Stall(ms) => thread::sleep(Duration::from_millis(ms)),
                }
            } else {
                thread::sleep(Duration::from_nanos(next.saturating_sub(clock::now())));
            }
        }
    }
}
