//! A running `lapse serve`, and what it answers.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::{Value, json};

use super::lapse::{Ended, Lapse, Running};
use super::server::Server;

/// An answer: status, head and body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The message of a refusal.
    pub(crate) fn message(&self) -> String {
        self.json()["error"]["message"].as_str().unwrap_or_else(|| panic!("no refusal: {self:?}")).to_owned()
    }
}

/// A server of measurements; it ends with this handle.
#[derive(Debug)]
pub(crate) struct Serve {
    /// `None` once it was ended.
    running: Option<Running>,
    pub(crate) address: SocketAddr,
    /// Headers that each request has.
    pub(crate) headers: String,
}

/// `lapse serve` with the plan `shop` of this URL, at a low rate and with short phases.
pub(crate) fn lapse(shop: &str) -> Lapse {
    let plan = format!(
        "targets: {{shop: '{shop}'}}\nmeasure: {{rate: 100/s, baseline: 200ms, settle: 200ms, timeout: 1s}}\n\
         budgets: {{resolution: 10s}}\n",
    );
    Lapse::new(["serve", "--plan", "shop=shop.yaml"]).file("shop.yaml", &plan)
}

/// The order of a measurement of this server, of half a second.
pub(crate) fn order(server: &Server) -> Value {
    json!({
        "targets": { "shop": server.url() },
        "measure": { "rate": "100/s", "duration": "500ms", "timeout": "1s" },
        "budgets": { "resolution": "10s" },
    })
}

impl Serve {
    /// Starts it at a free port and waits until it listens.
    pub(crate) fn start(lapse: Lapse) -> Self {
        let running = lapse.and(["--listen", "127.0.0.1:0"]).start();
        let address =
            running.await_line(|line| line.strip_prefix("listening at http://")?.split_once('/')?.0.parse().ok());
        Self { running: Some(running), address, headers: String::new() }
    }

    /// Sends a request on a connection of its own.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let host = if self.headers.contains("host:") { String::new() } else { format!("host: {}\r\n", self.address) };
        let head = format!(
            "{method} {path} HTTP/1.1\r\n{host}{}connection: close\r\ncontent-length: {}\r\n\r\n",
            self.headers,
            body.len()
        );
        // A server that refuses a body need not read it.
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) =
            answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer to {method} {path}: {answer}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "")
    }

    /// Starts a measurement by this order; returns it as JSON.
    pub(crate) fn measure(&self, query: &str, order: &Value) -> Value {
        let answer = self.ask("POST", &format!("/v1/measurements{query}"), &order.to_string());
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        self.running.as_ref().unwrap().signal(signal);
    }

    /// Waits for the end after a signal.
    pub(crate) fn end(mut self) -> Ended {
        self.running.take().unwrap().end()
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.signal(rustix::process::Signal::KILL);
            running.end();
        }
    }
}
