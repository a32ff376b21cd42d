//! A name with several addresses: which are tried, in what order and at what intervals (RFC 8305), and what came of each.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::str::FromStr;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};

use super::trace::{Failed, Trace};
use super::{alarm, classify, port};
use lapse_measure::answer::Class;
use lapse_measure::time::Offset;

/// The longest time for which an attempt is waited for before the next address is tried as well (RFC 8305, section 5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);
/// The most addresses of a target that are told apart.
const MOST: usize = 64;

/// A `--resolve` rule, `HOST:PORT:ADDR[,ADDR]`: the addresses of a name, instead of asking the resolver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolve {
    host: String,
    port: u16,
    addresses: Vec<IpAddr>,
}

/// A `--resolve` value that does not have the parts of a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not HOST:PORT:ADDR[,ADDR], such as shop.example.com:443:10.0.0.7,[2001:db8::7]")]
pub struct NoResolve(String);

/// What came of the connection attempts to one address of a target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AddressTally {
    /// Attempts that were begun.
    pub tried: u64,
    /// Attempts that ended in a connection; of the others, some were given up once another address had one.
    pub connected: u64,
    /// The class of the last attempt that failed by itself.
    pub failed: Option<Class>,
    /// When the address was connected to for the first and the last time.
    pub met: Option<(Offset, Offset)>,
}

/// The tallies of a target's addresses.
pub type AddressTallies = BTreeMap<SocketAddr, AddressTally>;

/// The tallies of the addresses of one lane, while it counts.
#[derive(Debug, Default)]
pub(super) struct Addresses(RefCell<AddressTallies>);

type Attempt<'a> = Pin<Box<dyn Future<Output = io::Result<(TcpStream, u16)>> + 'a>>;

/// Attempts to connect to several addresses, one after the other and some at once.
struct Attempts<'a, N> {
    /// The addresses that are still to be tried, the next one last.
    left: Vec<SocketAddr>,
    running: Vec<(SocketAddr, Attempt<'a>)>,
    /// When the next address is tried although an attempt is under way.
    next_at: Offset,
    delay: Duration,
    /// The failure of the first address that failed: it is the one that a client prefers.
    failed: Option<(SocketAddr, Failed)>,
    addresses: &'a Addresses,
    now: &'a N,
}

// === impl Resolve ===

impl Resolve {
    /// Asks the resolver for the addresses of `host`, at least one.
    pub(super) async fn look_up(host: String, port: u16) -> io::Result<Self> {
        let addresses: Vec<_> = lookup_host((host.as_str(), port)).await?.map(|address| address.ip()).collect();
        if addresses.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "it has no address"));
        }
        Ok(Self { host, port, addresses })
    }

    /// The addresses for `host` and `port`, if the rule is about these.
    pub fn apply(&self, host: &str, port: u16) -> Option<Vec<SocketAddr>> {
        let fits = self.host.eq_ignore_ascii_case(host) && self.port == port;
        fits.then(|| self.addresses.iter().map(|address| SocketAddr::new(*address, port)).collect())
    }
}

impl FromStr for Resolve {
    type Err = NoResolve;

    fn from_str(text: &str) -> Result<Self, NoResolve> {
        let parts = || {
            let (host, rest) = text.split_once(':')?;
            let (port, addresses) = rest.split_once(':')?;
            let address = |text: &str| text.trim_start_matches('[').trim_end_matches(']').parse().ok();
            let addresses = addresses.split(',').map(address).collect::<Option<Vec<_>>>()?;
            let host = (!host.is_empty()).then(|| host.to_owned())?;
            Some(Self { host, port: port.parse().ok()?, addresses })
        };
        parts().ok_or_else(|| NoResolve(text.to_owned()))
    }
}

// === impl AddressTally ===

impl AddressTally {
    /// Adds the tally that another lane or thread made of the same address.
    pub fn add(&mut self, other: &Self) {
        self.tried += other.tried;
        self.connected += other.connected;
        self.failed = other.failed.or(self.failed);
        self.met = match (self.met, other.met) {
            (Some(own), Some(other)) => Some((own.0.min(other.0), own.1.max(other.1))),
            (own, other) => own.or(other),
        };
    }
}

// === impl Addresses ===

impl Addresses {
    /// The tallies so far.
    pub(super) fn take(&self) -> AddressTallies {
        self.0.take()
    }

    fn count(&self, address: SocketAddr, count: impl FnOnce(&mut AddressTally)) {
        let mut tallies = self.0.borrow_mut();
        if tallies.len() < MOST || tallies.contains_key(&address) {
            count(tallies.entry(address).or_default());
        }
    }

    /// Connects to one of `all`, in their order of preference with the families in turn. The next is tried once an
    /// attempt fails, or takes longer than 250 ms or than an even share of `patience`.
    pub(super) async fn connect(
        &self,
        all: &[SocketAddr],
        patience: Duration,
        trace: &Trace,
        now: &impl Fn() -> Offset,
    ) -> Result<TcpStream, Failed> {
        trace.peer.set(all.first().copied());
        if let [address] = all {
            self.count(*address, |tally| tally.tried += 1);
            return self.end(*address, port::connect(*address).await, trace, now());
        }
        let shares = u32::try_from(all.len()).unwrap_or(u32::MAX).saturating_mul(2);
        let delay = ATTEMPT_DELAY.min(patience / shares.max(1));
        let mut left = interleaved(all);
        left.reverse();
        let (running, failed) = (Vec::new(), None);
        let mut attempts = Attempts { left, running, next_at: now(), delay, failed, addresses: self, now };
        let connected = poll_fn(|cx| attempts.poll(cx)).await;
        match (connected, attempts.failed.take()) {
            (Some((address, connected)), _) => self.end(address, Ok(connected), trace, now()),
            (None, Some((address, failed))) => {
                trace.peer.set(Some(address));
                let detail = format!("{}, and so did {} more", failed.detail, all.len().saturating_sub(1));
                Err(Failed { detail, ..failed })
            }
            (None, None) => Err(Failed::new(Class::Dns, "no address")),
        }
    }

    /// Counts how an attempt ended, and notes its addresses.
    fn end(
        &self,
        address: SocketAddr,
        outcome: io::Result<(TcpStream, u16)>,
        trace: &Trace,
        now: Offset,
    ) -> Result<TcpStream, Failed> {
        trace.peer.set(Some(address));
        match outcome {
            Ok((stream, local_port)) => {
                trace.local_port.set(Some(local_port));
                self.count(address, |tally| {
                    tally.connected += 1;
                    tally.met = Some((tally.met.map_or(now, |met| met.0), now));
                });
                Ok(stream)
            }
            Err(error) => Err(self.failed(address, &error)),
        }
    }

    fn failed(&self, address: SocketAddr, error: &io::Error) -> Failed {
        let failed = classify::connect(error);
        self.count(address, |tally| tally.failed = Some(failed.class));
        failed
    }
}

// === impl Attempts ===

impl<N: Fn() -> Offset> Attempts<'_, N> {
    /// The first connection; `None` once all addresses have failed.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<(SocketAddr, (TcpStream, u16))>> {
        loop {
            let mut place = 0;
            while let Some((address, attempt)) = self.running.get_mut(place) {
                match attempt.as_mut().poll(cx) {
                    Poll::Pending => place += 1,
                    Poll::Ready(Ok(connected)) => return Poll::Ready(Some((*address, connected))),
                    Poll::Ready(Err(error)) => {
                        let address = *address;
                        let failed = self.addresses.failed(address, &error);
                        self.failed.get_or_insert((address, failed));
                        drop(self.running.remove(place));
                        self.next_at = (self.now)();
                    }
                }
            }
            if (self.now)() < self.next_at {
                return Poll::Pending;
            }
            match self.left.pop() {
                Some(address) => {
                    self.addresses.count(address, |tally| tally.tried += 1);
                    self.running.push((address, Box::pin(port::connect(address))));
                    self.next_at = (self.now)() + self.delay;
                    if !self.left.is_empty() {
                        alarm::wake(self.next_at, cx.waker());
                    }
                }
                None if self.running.is_empty() => return Poll::Ready(None),
                None => return Poll::Pending,
            }
        }
    }
}

/// The addresses with their families in turn, that of the first one first (RFC 8305, section 4).
fn interleaved(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let is_first = |address: &&SocketAddr| addresses.first().is_some_and(|first| first.is_ipv4() == address.is_ipv4());
    let (first, other): (Vec<_>, Vec<_>) = addresses.iter().partition(is_first);
    let (mut first, mut other) = (first.into_iter(), other.into_iter());
    let turns =
        std::iter::from_fn(|| Some([first.next(), other.next()]).filter(|turn| turn.iter().any(Option::is_some)));
    turns.flatten().flatten().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(all: &[&str]) -> Vec<SocketAddr> {
        all.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn families_take_turns_and_the_order_within_each_stays() {
        let all = addresses(&["[::1]:80", "[::2]:80", "[::3]:80", "127.0.0.1:80", "127.0.0.2:80"]);
        let turns = addresses(&["[::1]:80", "127.0.0.1:80", "[::2]:80", "127.0.0.2:80", "[::3]:80"]);
        assert_eq!(interleaved(&all), turns);
        assert_eq!(interleaved(&turns[1..2]), turns[1..2]);
        assert!(interleaved(&[]).is_empty());
    }

    #[test]
    fn a_rule_names_the_addresses_of_one_host_and_port() {
        let rule: Resolve = "shop:443:10.0.0.7,[::1],2001:db8::7".parse().unwrap();
        let expected = addresses(&["10.0.0.7:443", "[::1]:443", "[2001:db8::7]:443"]);
        assert_eq!(rule.apply("SHOP", 443), Some(expected));
        assert_eq!((rule.apply("shop", 80), rule.apply("wine", 443)), (None, None));
        for wrong in ["shop", "shop:443", "shop:443:", "shop:443:wine", ":443:10.0.0.7", "shop:x:10.0.0.7", "a:1:::1,"]
        {
            assert!(wrong.parse::<Resolve>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn tallies_of_lanes_are_added_up() {
        let at = Offset::from_millis;
        let mut tally = AddressTally { tried: 2, connected: 1, failed: None, met: Some((at(5), at(9))) };
        tally.add(&AddressTally { tried: 1, connected: 0, failed: Some(Class::Refused), met: None });
        tally.add(&AddressTally { tried: 1, connected: 1, failed: None, met: Some((at(1), at(6))) });
        let sum = AddressTally { tried: 4, connected: 2, failed: Some(Class::Refused), met: Some((at(1), at(9))) };
        assert_eq!(tally, sum);
    }
}
