//! `lapse pod`, a pod of the lab as a real process: its answers, its output, and the effect of each signal.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use rustix::process::Signal;

use super::support::lapse::{Ended, Lapse, Running};

/// The read timeout of test clients, longer than any answer takes on a busy machine.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// A running pod and the address that it listens on.
struct Pod {
    process: Running,
    at: SocketAddr,
}

/// A keep-alive connection to a pod.
struct Client(TcpStream);

impl Pod {
    /// Starts a pod without waiting for it to listen.
    fn start(args: &[&str]) -> Self {
        let at = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let listen = format!("--listen={at}");
        let process = Lapse::new(["pod", &listen]).env("HOSTNAME", "wine-7".as_ref()).and(args).start();
        Self { process, at }
    }

    /// Starts a pod and waits until it is ready.
    fn ready(args: &[&str]) -> Self {
        let pod = Self::start(args);
        pod.wait_for("ready");
        pod
    }

    /// Waits until the pod has printed `state`.
    fn wait_for(&self, state: &str) {
        while !states(&self.process.stdout()).iter().any(|printed| printed == state) {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn sigterm(&self) {
        self.process.signal(Signal::TERM);
        self.wait_for("sigterm");
    }

    fn client(&self) -> Client {
        let stream = TcpStream::connect(self.at).unwrap();
        stream.set_read_timeout(Some(READ_TIMEOUT)).unwrap();
        Client(stream)
    }

    /// Whether the pod refuses a new connection.
    fn refuses(&self) -> bool {
        TcpStream::connect(self.at).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
    }
}

impl Client {
    fn send(&mut self, path: &str) {
        write!(self.0, "GET {path} HTTP/1.1\r\nhost: pod\r\n\r\n").unwrap();
    }

    /// The answer's head and body; empty if the connection ends first.
    fn answer(&mut self) -> String {
        let (mut text, mut byte) = (String::new(), [0]);
        let length = |text: &str| {
            let header = text.lines().find_map(|line| line.strip_prefix("content-length: "));
            header.map_or(0, |length| length.parse::<usize>().unwrap())
        };
        while text.find("\r\n\r\n").is_none_or(|head| text.len() < head + 4 + length(&text)) {
            match self.0.read(&mut byte) {
                Ok(1) => text.push(char::from(byte[0])),
                _ => return String::new(),
            }
        }
        text
    }

    fn request(&mut self, path: &str) -> String {
        self.send(path);
        self.answer()
    }

    /// Waits until the connection ends with FIN or RST; false if data arrives instead.
    fn is_closed(&mut self) -> bool {
        match self.0.read(&mut [0]) {
            Ok(count) => count == 0,
            Err(error) => error.kind() == ErrorKind::ConnectionReset,
        }
    }
}

/// The states in a pod's output: the third word of each line.
fn states(stdout: &str) -> Vec<String> {
    let state = |line: &str| line.split_whitespace().nth(2).map(str::to_owned);
    stdout.lines().filter_map(state).collect()
}

fn end(pod: Pod) -> (Option<i32>, Vec<String>) {
    let ended: Ended = pod.process.end();
    assert_eq!(ended.stderr, "");
    (ended.code(), states(&ended.stdout))
}

#[test]
fn answers_carry_the_pods_name_and_release() {
    let pod = Pod::ready(&["--release", "cuvee-2"]);
    let mut client = pod.client();
    for (path, body) in [("/", "hello"), ("/-/ready", "ready"), ("/-/live", "alive"), ("/any/other", "hello")] {
        let answer = client.request(path);
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        assert!(answer.contains("server: lapse-pod/cuvee-2\r\n") && answer.contains("x-pod: wine-7\r\n"), "{answer}");
        assert!(answer.ends_with(&format!("{body} from wine-7\n")), "{path}: {answer}");
    }
    pod.sigterm();
    end(pod);
}

#[test]
fn a_pod_listens_after_boot_and_is_ready_after_init() {
    let pod = Pod::start(&["--boot", "300ms", "--init", "never"]);
    assert!(pod.refuses());
    pod.wait_for("listening");
    let mut client = pod.client();
    assert!(client.request("/-/live").starts_with("HTTP/1.1 200"));
    assert!(client.request("/-/ready").starts_with("HTTP/1.1 503"));
    assert!(client.request("/").starts_with("HTTP/1.1 503"));
    pod.sigterm();
    assert_eq!(end(pod), (Some(143), ["listening", "sigterm", "exited"].map(str::to_owned).to_vec()));
}

#[test]
fn a_lying_readiness_probe_succeeds_as_soon_as_the_pod_listens() {
    let pod = Pod::start(&["--init", "never", "--readiness", "lying"]);
    pod.wait_for("listening");
    let mut client = pod.client();
    assert!(client.request("/-/ready").starts_with("HTTP/1.1 200"));
    assert!(client.request("/").starts_with("HTTP/1.1 503"));
    pod.sigterm();
    end(pod);
}

#[test]
fn exit_drops_requests_in_flight() {
    let pod = Pod::ready(&["--work", "60s"]);
    let mut client = pod.client();
    client.send("/");
    pod.sigterm();
    assert!(client.is_closed());
    assert_eq!(end(pod), (Some(143), ["listening", "ready", "sigterm", "exited"].map(str::to_owned).to_vec()));
}

#[test]
fn finish_answers_requests_in_flight_and_closes_idle_connections() {
    let pod = Pod::ready(&["--on-sigterm", "finish", "--long-share", "100%", "--long-work", "1s"]);
    let (mut idle, mut busy) = (pod.client(), pod.client());
    assert!(idle.request("/-/live").starts_with("HTTP/1.1 200"));
    busy.send("/");
    // The answer on a third connection shows that the pod has read the request above as well.
    assert!(pod.client().request("/-/live").starts_with("HTTP/1.1 200"));
    pod.sigterm();
    pod.wait_for("finishing");
    assert!(idle.is_closed());
    assert!(pod.refuses());
    assert!(busy.answer().starts_with("HTTP/1.1 200") && busy.is_closed());
    let states = ["listening", "ready", "sigterm", "finishing", "exited"].map(str::to_owned).to_vec();
    assert_eq!(end(pod), (Some(0), states));
}

#[test]
fn drain_asks_clients_to_reconnect_before_it_closes() {
    let pod = Pod::ready(&["--on-sigterm", "drain", "--work", "2s"]);
    let mut client = pod.client();
    assert!(!client.request("/-/live").contains("connection: close"));
    client.send("/");
    assert!(pod.client().request("/-/live").starts_with("HTTP/1.1 200"));
    pod.sigterm();
    pod.wait_for("draining");
    assert!(pod.refuses());
    let last = client.answer();
    assert!(last.starts_with("HTTP/1.1 200") && last.contains("connection: close"), "{last}");
    assert!(client.is_closed());
    let states = ["listening", "ready", "sigterm", "draining", "exited"].map(str::to_owned).to_vec();
    assert_eq!(end(pod), (Some(0), states));
}

#[test]
fn ignore_keeps_serving_until_sigkill() {
    let pod = Pod::ready(&["--on-sigterm", "ignore"]);
    let mut before = pod.client();
    pod.sigterm();
    assert!(before.request("/").starts_with("HTTP/1.1 200"));
    assert!(pod.client().request("/-/ready").starts_with("HTTP/1.1 200"));
    pod.process.signal(Signal::KILL);
    let ended = pod.process.end();
    assert_eq!((ended.code(), ended.status.signal()), (None, Some(9)));
}

#[test]
fn without_a_handler_sigterm_kills_the_process() {
    let pod = Pod::ready(&["--on-sigterm", "default"]);
    pod.process.signal(Signal::TERM);
    let ended = pod.process.end();
    assert_eq!((ended.code(), ended.status.signal()), (None, Some(15)));
    assert_eq!(states(&ended.stdout), ["listening", "ready"]);
}

#[test]
fn ctrl_c_ends_a_pod_that_ignores_sigterm() {
    let pod = Pod::ready(&["--on-sigterm", "ignore"]);
    pod.process.signal(Signal::INT);
    assert_eq!(end(pod), (Some(130), ["listening", "ready", "exited"].map(str::to_owned).to_vec()));
}

#[test]
fn environment_variables_set_the_same_options_as_flags() {
    let at = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let set = [("POD_LISTEN", at.to_string()), ("POD_ERRORS", "100%".into()), ("POD_ON_SIGTERM", "finish".into())];
    let lapse = set.iter().fold(Lapse::new(["pod"]), |lapse, (name, value)| lapse.env(name, value.as_ref()));
    let pod = Pod { process: lapse.env("POD_RELEASE", "7".as_ref()).start(), at };
    pod.wait_for("ready");
    let answer = pod.client().request("/");
    assert!(answer.starts_with("HTTP/1.1 500") && answer.contains("server: lapse-pod/7"), "{answer}");
    pod.sigterm();
    assert_eq!(end(pod).0, Some(0));
}

#[test]
fn the_end_time_goes_to_the_termination_log_and_a_write_error_is_only_reported() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("termination-log");
    let pod = Pod::ready(&["--on-sigterm", "finish", "--termination-log", file.to_str().unwrap()]);
    pod.sigterm();
    assert_eq!(end(pod).0, Some(0));
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(written.starts_with("ended at ") && written.ends_with(" ns"), "{written}");

    let pod = Pod::ready(&["--on-sigterm", "finish", "--termination-log", "/no/such/folder/file"]);
    pod.sigterm();
    let states = ["listening", "ready", "sigterm", "finishing", "trouble", "exited"].map(str::to_owned).to_vec();
    assert_eq!(end(pod), (Some(0), states));
}

#[test]
fn invalid_options_are_refused_with_a_hint() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let cases: &[(&[&str], &str)] = &[
        (&["--listen", &taken], "choose another address with --listen"),
        (&["--listen", "everywhere"], "everywhere"),
        (&["--on-sigterm", "panic"], "drain"),
        (&["--boot", "5"], "250ms"),
        (&["--work", "never"], "never"),
        (&["--errors", "0.5"], "percentage"),
        (&["--capacity", "0"], "0"),
        (&["--name", "two words"], "two words"),
        (&["--drian"], "--drian"),
    ];
    for (args, named) in cases {
        // A case accepted by mistake fails the test as well, because `end` times out.
        let ended = Lapse::new(["pod"]).env("POD_LISTEN", "127.0.0.1:0".as_ref()).and(*args).end();
        assert_eq!(ended.code(), Some(2), "{args:?}: {}", ended.stdout);
        assert!(ended.stderr.contains(named), "{args:?}: {named:?} in\n{}", ended.stderr);
    }
}
