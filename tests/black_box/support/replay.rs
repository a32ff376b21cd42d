//! A running `lapse replay`, and the comparison of a run that was measured against it with the run that it plays.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use lapse_measure::binomial::Share;
use serde_json::Value;

use super::lapse::{Ended, Lapse, Running};
use super::report::Report;

/// The edges of what a replay plays lie within the recorded bounds and this much more: a probe's class holds for half a
/// period around it, and the port turns up to a millisecond late.
pub(crate) const SLACK: u64 = 2_000_000;

/// How often a run is played again that was not seen again. A replay that is held up itself turns its port late, which no
/// client can know; one that plays wrongly does so each time.
const TRIES: usize = 3;

/// Fails the test if each of a few replays gives objections; `play` measures one.
pub(crate) fn assert_seen_again(play: impl Fn() -> Vec<String>) {
    let first = play();
    let seen = first.is_empty() || (0..TRIES).any(|_| play().is_empty());
    assert!(seen, "not seen again in {} replays; in the first: {first:#?}", TRIES + 1);
}

/// A replay that clients can connect to; it ends with this handle.
#[derive(Debug)]
pub(crate) struct Replay {
    /// `None` once it was ended.
    running: Option<Running>,
    address: SocketAddr,
    scheme: String,
}

impl Replay {
    /// Replays the run in `folder` at a free port.
    pub(crate) fn start<'a>(folder: &Path, args: impl IntoIterator<Item = &'a str>) -> Self {
        let folder = folder.to_str().unwrap();
        let running = Lapse::new(["replay", folder, "--listen", "127.0.0.1:0"]).and(args).start();
        let (scheme, address) = running.await_line(|line| {
            let (scheme, rest) = line.strip_prefix("listening at ")?.split_once("://")?;
            Some((scheme.to_owned(), rest.split('/').next()?.parse().ok()?))
        });
        Self { running: Some(running), address, scheme }
    }

    pub(crate) fn url(&self) -> String {
        format!("{}://{}/", self.scheme, self.address)
    }

    /// The instant at which the replay started, on `CLOCK_MONOTONIC`; it has to have been started.
    pub(crate) fn started(&self) -> u64 {
        self.running.as_ref().unwrap().await_line(|line| {
            let (seconds, nanos) = line.strip_prefix("started at ")?.split_once(' ')?.0.split_once('.')?;
            Some(seconds.parse::<u64>().ok()? * 1_000_000_000 + nanos.parse::<u64>().ok()?)
        })
    }

    /// Sends a request on a connection of its own; returns the answer and how long it took.
    pub(crate) fn ask(&self, method: &str, path: &str) -> (String, Duration) {
        ask(self.address, method, path)
    }

    /// The address at which the run is played.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of the control port.
    pub(crate) fn control(&self) -> SocketAddr {
        self.running.as_ref().unwrap().await_line(|line| {
            line.strip_prefix("listening at ")?.split_once("control at http://")?.1.split('/').next()?.parse().ok()
        })
    }

    /// The JSON that the control port answers.
    pub(crate) fn command(&self, method: &str, path: &str) -> Value {
        let (answer, _) = ask(self.control(), method, path);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    /// The value of the header with the offset, of an answer to a request that is sent now.
    pub(crate) fn offset(&self) -> String {
        header(&self.ask("GET", "/").0, "lapse-replay-offset").expect("every answer has its offset")
    }

    /// Ends the replay as a user does.
    pub(crate) fn end(self) -> Ended {
        self.running.as_ref().unwrap().signal(rustix::process::Signal::INT);
        self.ended()
    }

    /// Waits until the replay has ended by itself.
    pub(crate) fn ended(mut self) -> Ended {
        self.running.take().unwrap().end()
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            running.signal(rustix::process::Signal::KILL);
        }
    }
}

/// Sends a request to `address` on a connection of its own; returns the answer and how long it took.
pub(crate) fn ask(address: SocketAddr, method: &str, path: &str) -> (String, Duration) {
    request(address, method, path, "")
}

/// As [`ask`], with more headers, a line each.
pub(crate) fn request(address: SocketAddr, method: &str, path: &str, headers: &str) -> (String, Duration) {
    let began = super::clock::now();
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: replay\r\n{headers}content-length: 0\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    (answer, Duration::from_nanos(super::clock::now() - began))
}

/// The value of a header in an answer.
pub(crate) fn header(answer: &str, name: &str) -> Option<String> {
    let line = |line: &str| {
        line.split_once(": ").filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
    };
    answer.lines().find_map(line)
}

/// A measured run, held against the recorded run that was played to it from `from` on.
#[derive(Debug)]
pub(crate) struct Comparison<'a> {
    pub(crate) recorded: &'a Report,
    pub(crate) measured: &'a Report,
    /// The start of the replay, on `CLOCK_MONOTONIC`.
    pub(crate) started: u64,
    /// The offset of the recorded run that was played first, in nanoseconds.
    pub(crate) from: u64,
    /// How long the replay took, in nanoseconds.
    pub(crate) length: u64,
}

impl Comparison<'_> {
    /// Objections to how often each class was seen that `counts` selects by lane and class: the 95 % intervals of the two
    /// shares have to meet. Slots that a busy machine did not send could have had any class.
    pub(crate) fn of_counts(&self, counts: impl Fn(&str, &str) -> bool) -> Vec<String> {
        let mut objections = Vec::new();
        for (recorded, measured) in self.recorded.target().lanes.iter().zip(&self.measured.target().lanes) {
            let slots = self.length * recorded.offered / self.recorded.run.length_ns;
            let (was, is, unsent) = (recorded.failed(), measured.failed(), measured.not_sent);
            let seen: BTreeSet<_> = was.keys().chain(is.keys()).collect();
            for class in seen.into_iter().filter(|class| counts(&recorded.name, class)) {
                let count = |of: &std::collections::BTreeMap<String, u64>| of.get(class).copied().unwrap_or(0);
                let of = |count: u64| Share::of(count.min(slots), slots);
                let most = of(count(&is) + unsent).high;
                if of(count(&was)).high < of(count(&is)).low || most < of(count(&was)).low {
                    objections.push(format!("{}: {class} x{}, recorded x{}", measured.name, count(&is), count(&was)));
                }
            }
        }
        objections
    }

    /// Objections to the edges of a stretch of failures: its measured brackets have to meet the recorded ones, which
    /// the slack widens. So does what a prober that was held up could not see.
    pub(crate) fn of_edges(&self, recorded: &Edges, measured: &Edges) -> Vec<String> {
        let zero = i128::from(self.measured.run.anchor.monotonic_ns);
        let played = |ns: u64| i128::from(self.started) - zero + i128::from(ns) - i128::from(self.from);
        let target = self.measured.target();
        let held_up = target.lanes.iter().any(|lane| lane.not_sent > 0);
        let slack = i128::from(SLACK + if held_up { target.totals.unseen.longest_ns } else { 0 });
        let meet = |name, recorded: (Option<u64>, Option<u64>), measured: (Option<u64>, Option<u64>)| {
            let low = recorded.0.map_or(i128::MIN, |ns| played(ns) - slack);
            let high = recorded.1.map_or(i128::MAX, |ns| played(ns) + slack);
            let starts = measured.0.map_or(i128::MIN, i128::from);
            let ends = measured.1.map_or(i128::MAX, i128::from);
            (starts > high || ends < low)
                .then(|| format!("{name}: measured {starts} to {ends} ns, recorded and widened {low} to {high} ns"))
        };
        let began = meet("began", recorded.began, measured.began);
        let ended = meet("ended", recorded.ended, measured.ended);
        began.into_iter().chain(ended).collect()
    }

    /// Objections to the outages or disruptions of `lane`: those measured at the time of one that was recorded lie between
    /// its edges. Where one run saw two and the other one, because a single probe between them failed or did not, the two
    /// are taken together. One that is shorter than what either run was sure to see may be missing.
    pub(crate) fn of_stretches(&self, lane: &str, recorded: &[Value], measured: &[Value]) -> Vec<String> {
        let sure = i128::from(self.recorded.lane(lane).floor_ns.max(self.measured.lane(lane).floor_ns));
        let ns = |value: &Value, key: &str| value[key].as_u64().unwrap();
        let was =
            recorded.iter().map(|one| (self.played(ns(one, "from_ns")), self.played(ns(one, "to_ns")), true, one));
        let is = measured.iter().map(|one| (i128::from(ns(one, "from_ns")), i128::from(ns(one, "to_ns")), false, one));
        let mut all: Vec<_> = was.chain(is).collect();
        all.sort_by_key(|(from, ..)| *from);
        let mut objections = Vec::new();
        let mut rest = &all[..];
        while let Some(&(_, mut end, ..)) = rest.first() {
            let together = rest.iter().take_while(|(from, to, ..)| {
                let meets = *from <= end + i128::from(SLACK);
                end = end.max(*to);
                meets
            });
            let (group, others) = rest.split_at(together.count());
            rest = others;
            let of = |recorded: bool| group.iter().filter(move |(.., was, _)| *was == recorded);
            let values = |recorded| of(recorded).map(|(.., value)| (*value).clone()).collect::<Vec<_>>();
            let (was, is) = (values(true), values(false));
            if was.is_empty() || is.is_empty() {
                let long = group.iter().filter(|(from, to, ..)| to - from > sure);
                objections.extend(long.map(|(.., was, one)| format!("only one run saw (recorded: {was}) {one}")));
            } else {
                objections.extend(self.of_edges(&Edges::around(&was), &Edges::around(&is)));
            }
        }
        objections
    }

    /// The measured offset at which something recorded at `ns` was played.
    pub(crate) fn played(&self, ns: u64) -> i128 {
        i128::from(self.started) - i128::from(self.measured.run.anchor.monotonic_ns) + i128::from(ns)
            - i128::from(self.from)
    }
}

/// The brackets of the two edges of an outage or a disruption; `None` where a side is open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edges {
    pub(crate) began: (Option<u64>, Option<u64>),
    pub(crate) ended: (Option<u64>, Option<u64>),
}

impl Edges {
    /// Where the first of these outages or disruptions began and the last ended.
    pub(crate) fn around(all: &[Value]) -> Self {
        let [first, last] = [all.first(), all.last()].map(|edge| Self::of(edge.expect("something was lost")));
        Self { began: first.began, ended: last.ended }
    }

    /// The edges of an outage or a disruption in a report.
    pub(crate) fn of(value: &Value) -> Self {
        let both = |key: &str| (value[key][0].as_u64(), value[key][1].as_u64());
        Self { began: both("began"), ended: both("ended") }
    }
}

/// A list of `lane` in the report of the run in `folder`.
pub(crate) fn list(folder: &Path, lane: &str, key: &str) -> Vec<Value> {
    list_of(&serde_json::from_str(&std::fs::read_to_string(folder.join("report.json")).unwrap()).unwrap(), lane, key)
}

/// A list of `lane` in a report.
pub(crate) fn list_of(report: &Value, lane: &str, key: &str) -> Vec<Value> {
    let lanes = report["targets"][0]["lanes"].as_array().unwrap();
    let lane = lanes.iter().find(|found| found["name"] == lane).unwrap();
    lane[key].as_array().unwrap().clone()
}
