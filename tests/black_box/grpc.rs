//! gRPC calls: against a server of grpc-go, and against one that puts odd answers on the wire.
//!
//! The first needs Go and its modules. Without them these tests print SKIPPED and pass.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use super::support::http2::{DATA, END_HEADERS, END_STREAM, HEADERS, PREFACE, SETTINGS, frame, next_request};
use super::support::lapse::{Ended, Lapse};
use super::support::wire::Wire;

/// A health service that answers as it is told to.
struct Peer {
    child: Child,
    orders: ChildStdin,
    port: u16,
}

impl Peer {
    /// Starts the server, with TLS if there is a file of its certificate and key; `None` where it cannot be built.
    fn start(tls: Option<&Path>) -> Option<Self> {
        static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
        let program = BUILT.get_or_init(build).as_ref()?;
        let mut command = Command::new(program);
        let mut child = command.args(tls).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Some(Self { orders: child.stdin.take().unwrap(), port: line.trim().parse().unwrap(), child })
    }

    fn order(&mut self, order: &str) {
        writeln!(self.orders, "{order}").unwrap();
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn build() -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/black_box/peers/grpc");
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("grpc-peer");
    let built = Command::new("go").args(["build", "-o"]).arg(&program).arg(".").current_dir(source).output();
    let why = match built {
        Ok(output) if output.status.success() => return Some(program),
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    eprintln!("SKIPPED: gRPC against grpc-go: its server cannot be built: {why}");
    None
}

/// The classes of both lanes, which must be the same.
fn classes(ended: &Ended) -> BTreeSet<String> {
    let report = ended.report();
    let of = |lane| report.lane(lane).classes.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(of("reused"), of("new"), "{}", ended.stdout);
    assert_eq!(report.lane("new").protocol, "h2");
    of("new")
}

fn probe(url: &str) -> Lapse {
    Lapse::run([url, "--rate", "50/s", "--duration", "500ms", "--slow", "5s", "--timeout", "10s"])
}

fn set<const N: usize>(classes: [&str; N]) -> BTreeSet<String> {
    classes.map(str::to_owned).into()
}

#[test]
fn a_health_check_fails_while_the_service_is_not_serving_or_the_call_does() {
    let Some(mut peer) = Peer::start(None) else { return };
    let url = format!("grpc://127.0.0.1:{}", peer.port);
    let settings = ["--rate", "50/s", "--duration", "3s", "--slow", "5s", "--timeout", "10s"];
    let running = Lapse::run([&*url]).and(settings).start();
    // Longer than lapse takes to start, on a busy machine too: what is asserted needs some probes in each state only.
    for order in ["SERVING", "NOT_SERVING", "UNAVAILABLE", "SERVING"] {
        peer.order(order);
        std::thread::sleep(Duration::from_millis(900));
    }
    let ended = running.end();
    assert_eq!(classes(&ended), set(["ok", "grpc NOT_SERVING", "grpc UNAVAILABLE"]), "{}", ended.stdout);
    assert_eq!(ended.code(), Some(1));
    assert!(ended.stdout.contains(&format!("Downtime of 127.0.0.1, {url}/")), "{}", ended.stdout);
    let text = std::fs::read_to_string(ended.run_folder().join("report.json")).unwrap();
    assert!(text.contains("the health check says NOT_SERVING"), "{text}");
    assert!(text.contains("the cellar is closed: F\u{e4}sser leer"), "{text}");
    // The journal keeps the classes: a report made from it is the same.
    let again = Lapse::new(["report".as_ref(), ended.run_folder().as_os_str()]).end();
    assert!(again.stdout.contains("grpc UNAVAILABLE x"), "{}", again.stdout);
}

#[test]
fn a_method_is_judged_by_its_status_wherever_that_stands() {
    let Some(peer) = Peer::start(None) else { return };
    let of = |path: &str| {
        let ended = probe(&format!("grpc://127.0.0.1:{}{path}", peer.port)).end();
        (classes(&ended), ended.report().failures.kept.first().map(|failure| failure.detail.clone()))
    };
    let failed = |class: &str, detail: &str| (set([class]), Some(detail.to_owned()));
    assert_eq!(of("/wine.Cellar/Late"), failed("grpc UNAVAILABLE", "the rest is spilt"));
    assert_eq!(of("/?service=beer"), failed("grpc NOT_FOUND", "unknown service"));
    assert_eq!(of("?service=wine.Cellar"), (set(["ok"]), None));
    let none = "unknown method None for service wine.Cellar";
    assert_eq!(of("/wine.Cellar/None"), failed("grpc UNIMPLEMENTED", none));
}

#[test]
fn the_message_of_a_method_is_the_body() {
    let Some(peer) = Peer::start(None) else { return };
    let file = tempfile::NamedTempFile::new().unwrap();
    let of = |message: &[u8]| {
        std::fs::write(file.path(), message).unwrap();
        let body = format!("@{}", file.path().display());
        let url = format!("grpc://127.0.0.1:{}/wine.Cellar/Echo", peer.port);
        classes(&probe(&url).and(["-d", &body]).end())
    };
    assert_eq!(of(b"\x0a\x03red"), set(["ok"]));
    assert_eq!(of(b"\x0a\x03dry"), set(["grpc INVALID_ARGUMENT"]));
}

#[test]
fn grpcs_is_the_same_over_tls() {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), made.cert.pem() + &made.signing_key.serialize_pem()).unwrap();
    let Some(peer) = Peer::start(Some(file.path())) else { return };
    let url = format!("grpcs://127.0.0.1:{}", peer.port);
    assert_eq!(classes(&probe(&url).and(["--cacert".as_ref(), file.path().as_os_str()]).end()), set(["ok"]));
    assert_eq!(classes_without_protocol(&probe(&url).end()), set(["tls"]));
}

/// The classes of the lane `new` where no connection came about.
fn classes_without_protocol(ended: &Ended) -> BTreeSet<String> {
    ended.report().lane("new").classes.keys().cloned().collect()
}

/// The frames of an answer on the stream of this number.
type Answer = fn(u32) -> Vec<u8>;

/// Serves this answer to each request over HTTP/2 without TLS.
fn serve(answer: Answer) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for tcp in listener.incoming().flatten() {
            std::thread::spawn(move || -> std::io::Result<()> {
                let mut wire = Wire::new(tcp, None)?;
                wire.read_exact(&mut [0; PREFACE.len()])?;
                wire.write_all(&frame(SETTINGS, 0, 0, &[]))?;
                while let Some(stream) = next_request(&mut wire)? {
                    wire.write_all(&answer(stream))?;
                }
                Ok(())
            });
        }
    });
    address
}

/// Header fields as literals that are not indexed.
fn fields(fields: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    fields.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat()).collect()
}

const GRPC: (&str, &str) = ("content-type", "application/grpc");

/// An answer that is its head.
fn head_only(stream: u32, head: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | END_STREAM, stream, &fields(head))
}

/// An answer of head, message and trailers.
fn whole(stream: u32, message: &[u8], trailers: &[(&str, &str)]) -> Vec<u8> {
    let head = frame(HEADERS, END_HEADERS, stream, &fields(&[(":status", "200"), GRPC]));
    let body = frame(DATA, 0, stream, message);
    let trailers = frame(HEADERS, END_HEADERS | END_STREAM, stream, &fields(trailers));
    [head, body, trailers].concat()
}

const SERVING: &[u8] = &[0, 0, 0, 0, 2, 8, 1];

#[test]
fn a_status_counts_wherever_it_stands_and_whether_or_not_a_call_was_asked_for() {
    let cases: [(Answer, &str, &str); 9] = [
        (
            |id| head_only(id, &[(":status", "200"), GRPC, ("grpc-status", "14")]),
            "grpc UNAVAILABLE",
            "grpc UNAVAILABLE",
        ),
        (
            |id| head_only(id, &[(":status", "204"), GRPC, ("grpc-status", "14")]),
            "grpc UNAVAILABLE",
            "grpc UNAVAILABLE",
        ),
        (|id| whole(id, SERVING, &[("grpc-status", "14")]), "grpc UNAVAILABLE", "grpc UNAVAILABLE"),
        (|id| whole(id, SERVING, &[("grpc-status", "77")]), "grpc UNKNOWN", "grpc UNKNOWN"),
        (|id| whole(id, SERVING, &[("grpc-status", "0")]), "ok", "ok"),
        (|id| whole(id, &[0; 5], &[("grpc-status", "0")]), "grpc NOT_SERVING", "ok"),
        // A call has to be answered as one.
        (|id| whole(id, SERVING, &[("x", "y")]), "grpc UNKNOWN", "ok"),
        (|id| head_only(id, &[(":status", "503")]), "status 503", "status 503"),
        (|id| head_only(id, &[(":status", "302"), ("location", "/login")]), "status 302", "ok"),
    ];
    for (answer, call, plain) in cases {
        let address = serve(answer);
        let asked = classes(&probe(&format!("grpc://{address}")).end());
        let not_asked = classes(&probe(&format!("http://{address}")).and(["--http2"]).end());
        assert_eq!((asked, not_asked), (set([call]), set([plain])));
    }
}

#[test]
fn flags_that_say_nothing_of_a_call_are_refused() {
    let cases: [(&[&str], &str); 7] = [
        (&["-X", "GET"], "-X says nothing of a gRPC call"),
        (&["--expect", "201"], "--expect says nothing"),
        (&["--expect-body", "x"], "--expect-body says nothing"),
        (&["--http1.1"], "--http1.1 says nothing"),
        (&["-d", "x"], "--data says nothing of a gRPC health check"),
        (&["--target", "a=grpc://shop/one"], "/package.Service/Method"),
        (&["--target", "a=grpc://shop/?name=wine"], "?service=NAME"),
    ];
    for (args, said) in cases {
        let url: &[&str] = if args[0] == "--target" { &[] } else { &["grpc://127.0.0.1:1"] };
        let ended = Lapse::run(url).and(args).and(["--duration", "1s"]).end();
        assert!(ended.code() == Some(2) && ended.stderr.contains(said), "{args:?}: {}", ended.stderr);
    }
}
