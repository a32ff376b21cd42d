//! Servers as people have them: names with several addresses of which one is dead, full backlogs, and
//! TLS that ends without a word.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use super::support::fault::Plan;
use super::support::lapse::{Ended, Lapse};
use super::support::server::{Protocol, Server, credentials};
use super::support::wire::Wire;

/// Some address of loopback, at which nothing else listens.
fn elsewhere() -> IpAddr {
    [127, fastrand::u8(1..255), fastrand::u8(..), fastrand::u8(1..255)].into()
}

/// The text of a report on one line, so that a sentence is found however it is wrapped.
fn said(ended: &Ended) -> String {
    ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn probe(url: &str) -> Lapse {
    Lapse::run([url, "--rate", "20/s", "--duration", "1s", "--slow", "5s", "--timeout", "10s"])
}

/// Probes `shop.test` at this port, with these addresses.
fn resolved(port: u16, addresses: &str) -> Ended {
    let rule = format!("shop.test:{port}:{addresses}");
    probe(&format!("http://shop.test:{port}/")).and(["--resolve", &rule]).end()
}

fn classes(ended: &Ended) -> BTreeSet<String> {
    let lanes = ended.report().targets.remove(0).lanes;
    lanes.into_iter().flat_map(|lane| lane.classes.into_keys()).collect()
}

#[test]
fn an_address_that_refuses_is_passed_over_and_named() {
    let server = Server::start(Protocol::Http1, Plan::healthy());
    let (address, port) = (server.address(), server.address().port());
    let dead = elsewhere();
    let ended = resolved(port, &format!("{dead},{}", address.ip()));
    assert_eq!(classes(&ended), ["ok".to_owned()].into(), "{}", ended.stdout);
    let text = said(&ended);
    assert!(text.contains("shop.test has 2 addresses: "), "{text}");
    assert!(text.contains(&format!("{dead}:{port} never connected in ")), "{text}");
    assert!(text.contains(" attempts (refused)"), "{text}");
    assert!(text.contains(&format!("{address} connected ")), "{text}");
    // The journal has it as well.
    let again = Lapse::new(["report".as_ref(), ended.run_folder().as_os_str()]).end();
    assert!(said(&again).contains("shop.test has 2 addresses: "), "{}", again.stdout);
}

#[test]
fn a_name_is_looked_up_once_if_that_is_asked_for() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }
    });
    let ended = probe(&format!("http://localhost:{port}/")).and(["--resolve-once", "--lanes", "new"]).end();
    assert_eq!(classes(&ended), ["ok".to_owned()].into(), "{}", ended.stdout);
    let ended = probe("http://no-such-name.invalid/").and(["--resolve-once"]).end();
    assert_eq!(ended.code(), Some(2), "{}", ended.stdout);
    assert!(ended.stderr.contains("cannot look up no-such-name.invalid"), "{}", ended.stderr);
    assert!(ended.stderr.contains("--resolve no-such-name.invalid:80:ADDR"), "{}", ended.stderr);
    assert!(!ended.left_files(), "nothing was probed");
    // A rule goes before the resolver.
    let server = Server::start(Protocol::Http1, Plan::healthy());
    let port = server.address().port();
    let rule = format!("no-such-name.invalid:{port}:{}", server.address().ip());
    let ended =
        probe(&format!("http://no-such-name.invalid:{port}/")).and(["--resolve-once", "--resolve", &rule]).end();
    assert_eq!(classes(&ended), ["ok".to_owned()].into(), "{}", ended.stdout);
}

#[test]
fn if_every_address_refuses_the_failure_is_that_of_the_first() {
    let [first, second, third] = [(); 3].map(|()| elsewhere());
    let port = TcpListener::bind((first, 0)).unwrap().local_addr().unwrap().port();
    let ended = resolved(port, &format!("{first},{second},{third}"));
    let failure = &ended.report().failures.kept[0];
    assert_eq!((failure.class.as_str(), failure.peer.clone()), ("refused", Some(format!("{first}:{port}"))));
    assert!(failure.detail.ends_with("and so did 2 more"), "{}", failure.detail);
}

/// A port that drops SYNs: it listens, and has no room for one more connection.
fn silent(address: SocketAddr) -> (TcpListener, Vec<TcpStream>) {
    let listener = TcpListener::bind(address).unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let patience = Duration::from_millis(300);
    let address = listener.local_addr().unwrap();
    let held: Vec<_> = std::iter::from_fn(|| TcpStream::connect_timeout(&address, patience).ok()).take(16).collect();
    assert!(held.len() < 16, "the port still takes connections");
    (listener, held)
}

#[test]
fn an_address_that_stays_silent_costs_a_quarter_of_a_second_and_no_probe() {
    let server = Server::start(Protocol::Http1, Plan::healthy());
    let (address, port) = (server.address(), server.address().port());
    let mute = elsewhere();
    let silent = silent(SocketAddr::new(mute, port));
    let ended = resolved(port, &format!("{mute},{}", address.ip()));
    assert_eq!(classes(&ended), ["ok".to_owned()].into(), "{}", ended.stdout);
    let text = said(&ended);
    assert!(text.contains(&format!("{mute}:{port} never connected in ")), "{text}");
    assert!(text.contains("(no answer in time)"), "{text}");
    drop(silent);
}

#[test]
fn resolve_says_how_to_write_it() {
    let ended = probe("http://shop.test/").and(["--resolve", "shop.test:80"]).end();
    assert!(ended.code() == Some(2) && ended.stderr.contains("HOST:PORT:ADDR"), "{}", ended.stderr);
}

#[test]
fn a_backlog_that_drops_syns_is_named_by_the_seconds_that_connecting_takes() {
    let (listener, held) = silent(SocketAddr::new(elsewhere(), 0));
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    // A POST, since that is not tried before the run.
    let args = ["-d", "x", "--lanes", "new", "--rate", "10/s", "--duration", "2s", "--timeout", "20s", "--out"];
    let running = Lapse::new(["run", &url]).and(args).and([&out]).start();
    while !out.join("journal.lapse").exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    // The first SYNs have been dropped by now; each is sent again a second after it was.
    std::thread::sleep(Duration::from_millis(500));
    std::thread::spawn(move || {
        drop(held);
        for mut tcp in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let _ = tcp.read(&mut [0; 1024]);
                let _ = tcp.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
            });
        }
    });
    let text = said(&running.end());
    assert!(text.contains("slow answers spent most of the time connecting, "), "{text}");
    assert!(text.contains("about 1.0 s"), "{text}");
    assert!(text.contains("their SYN was dropped and the kernel sent it again"), "{text}");
}

#[test]
fn tls_that_ends_without_close_notify_truncates_an_answer_without_a_length_and_is_explained() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (certificate, tls) = credentials(address, Protocol::Https1);
    std::thread::spawn(move || {
        for tcp in listener.incoming().flatten() {
            let tls = std::sync::Arc::clone(&tls);
            std::thread::spawn(move || -> std::io::Result<()> {
                let mut wire = Wire::new(tcp, Some(&tls))?;
                let _ = wire.read(&mut [0; 1024])?;
                wire.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nfine")?;
                wire.finish()?;
                while wire.read(&mut [0; 1024]).is_ok_and(|count| count > 0) {}
                Ok(())
            });
        }
    });
    let cacert = ["--cacert".as_ref(), certificate.path().as_os_str()];
    let ended = probe(&format!("https://{address}/")).and(cacert).end();
    assert_eq!(classes(&ended), ["truncated".to_owned()].into(), "{}", ended.stdout);
    let text = said(&ended);
    assert!(
        text.contains("every answer of the run came over TLS without a length and ended without close_notify"),
        "{text}"
    );
    assert!(
        ended.report().notes.iter().any(|note| note.contains("Content-Length or chunks")),
        "{:?}",
        ended.report().notes
    );
}
