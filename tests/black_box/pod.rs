//! `lapse pod`, a pod of the lab as a real process: what it answers, what it says, and what each signal does to it.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use rustix::process::Signal;

use super::support::lapse::{Ended, Lapse, Running};

/// More than anything here takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A pod that runs, and where it listens.
struct Pod {
    process: Running,
    at: SocketAddr,
}

/// A connection to a pod, kept from request to request.
struct Client(TcpStream);

impl Pod {
    /// Starts one that waits for nobody.
    fn start(args: &[&str]) -> Self {
        let at = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let listen = format!("--listen={at}");
        let process = Lapse::new(["pod", &listen]).env("HOSTNAME", "wine-7".as_ref()).and(args).start();
        Self { process, at }
    }

    /// Starts one and waits until it serves.
    fn ready(args: &[&str]) -> Self {
        let pod = Self::start(args);
        pod.says("ready");
        pod
    }

    /// Waits until it has printed `state`.
    fn says(&self, state: &str) {
        while !states(&self.process.stdout()).iter().any(|said| said == state) {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn sigterm(&self) {
        self.process.signal(Signal::TERM);
        self.says("sigterm");
    }

    fn client(&self) -> Client {
        let stream = TcpStream::connect(self.at).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Client(stream)
    }

    /// Whether somebody new is let in.
    fn refuses(&self) -> bool {
        TcpStream::connect(self.at).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
    }
}

impl Client {
    fn send(&mut self, path: &str) {
        write!(self.0, "GET {path} HTTP/1.1\r\nhost: pod\r\n\r\n").unwrap();
    }

    /// The answer's head and body; nothing if the connection ends instead.
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

    fn ask(&mut self, path: &str) -> String {
        self.send(path);
        self.answer()
    }

    /// Waits for the end of the connection, by whichever means.
    fn is_closed(&mut self) -> bool {
        match self.0.read(&mut [0]) {
            Ok(count) => count == 0,
            Err(error) => error.kind() == ErrorKind::ConnectionReset,
        }
    }
}

/// The second column of what it printed.
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
fn it_answers_in_its_own_name() {
    let pod = Pod::ready(&["--release", "cuvee-2"]);
    let mut client = pod.client();
    for (path, body) in [("/", "hello"), ("/-/ready", "ready"), ("/-/live", "alive"), ("/any/other", "hello")] {
        let answer = client.ask(path);
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        assert!(answer.contains("server: lapse-pod/cuvee-2\r\n") && answer.contains("x-pod: wine-7\r\n"), "{answer}");
        assert!(answer.ends_with(&format!("{body} from wine-7\n")), "{path}: {answer}");
    }
    pod.sigterm();
    end(pod);
}

#[test]
fn it_listens_after_its_boot_and_is_ready_after_its_init() {
    let pod = Pod::start(&["--boot", "300ms", "--init", "never"]);
    assert!(pod.refuses());
    pod.says("listening");
    let mut client = pod.client();
    assert!(client.ask("/-/live").starts_with("HTTP/1.1 200"));
    assert!(client.ask("/-/ready").starts_with("HTTP/1.1 503"));
    assert!(client.ask("/").starts_with("HTTP/1.1 503"));
    pod.sigterm();
    assert_eq!(end(pod), (Some(143), ["listening", "sigterm", "exited"].map(str::to_owned).to_vec()));
}

#[test]
fn a_lying_probe_says_ready_as_soon_as_it_listens() {
    let pod = Pod::start(&["--init", "never", "--readiness", "lying"]);
    pod.says("listening");
    let mut client = pod.client();
    assert!(client.ask("/-/ready").starts_with("HTTP/1.1 200"));
    assert!(client.ask("/").starts_with("HTTP/1.1 503"));
    pod.sigterm();
    end(pod);
}

#[test]
fn exit_drops_what_it_was_answering() {
    let pod = Pod::ready(&["--work", "60s"]);
    let mut client = pod.client();
    client.send("/");
    pod.sigterm();
    assert!(client.is_closed());
    assert_eq!(end(pod), (Some(143), ["listening", "ready", "sigterm", "exited"].map(str::to_owned).to_vec()));
}

#[test]
fn finish_answers_what_was_begun_and_closes_what_is_idle() {
    let pod = Pod::ready(&["--on-sigterm", "finish", "--long-share", "100%", "--long-work", "1s"]);
    let (mut idle, mut busy) = (pod.client(), pod.client());
    assert!(idle.ask("/-/live").starts_with("HTTP/1.1 200"));
    busy.send("/");
    // A probe's answer on a third connection: by now the request above has been read as well.
    assert!(pod.client().ask("/-/live").starts_with("HTTP/1.1 200"));
    pod.sigterm();
    pod.says("finishing");
    assert!(idle.is_closed());
    assert!(pod.refuses());
    assert!(busy.answer().starts_with("HTTP/1.1 200") && busy.is_closed());
    let states = ["listening", "ready", "sigterm", "finishing", "exited"].map(str::to_owned).to_vec();
    assert_eq!(end(pod), (Some(0), states));
}

#[test]
fn drain_asks_its_clients_to_reconnect_first() {
    let pod = Pod::ready(&["--on-sigterm", "drain", "--work", "2s"]);
    let mut client = pod.client();
    assert!(!client.ask("/-/live").contains("connection: close"));
    client.send("/");
    assert!(pod.client().ask("/-/live").starts_with("HTTP/1.1 200"));
    pod.sigterm();
    pod.says("draining");
    assert!(pod.refuses());
    let last = client.answer();
    assert!(last.starts_with("HTTP/1.1 200") && last.contains("connection: close"), "{last}");
    assert!(client.is_closed());
    let states = ["listening", "ready", "sigterm", "draining", "exited"].map(str::to_owned).to_vec();
    assert_eq!(end(pod), (Some(0), states));
}

#[test]
fn ignore_serves_on_until_it_is_killed() {
    let pod = Pod::ready(&["--on-sigterm", "ignore"]);
    let mut before = pod.client();
    pod.sigterm();
    assert!(before.ask("/").starts_with("HTTP/1.1 200"));
    assert!(pod.client().ask("/-/ready").starts_with("HTTP/1.1 200"));
    pod.process.signal(Signal::KILL);
    let ended = pod.process.end();
    assert_eq!((ended.code(), ended.status.signal()), (None, Some(9)));
}

#[test]
fn without_a_handler_the_kernel_ends_it() {
    let pod = Pod::ready(&["--on-sigterm", "default"]);
    pod.process.signal(Signal::TERM);
    let ended = pod.process.end();
    assert_eq!((ended.code(), ended.status.signal()), (None, Some(15)));
    assert_eq!(states(&ended.stdout), ["listening", "ready"]);
}

#[test]
fn ctrl_c_ends_it_whatever_sigterm_does() {
    let pod = Pod::ready(&["--on-sigterm", "ignore"]);
    pod.process.signal(Signal::INT);
    assert_eq!(end(pod), (Some(130), ["listening", "ready", "exited"].map(str::to_owned).to_vec()));
}

#[test]
fn its_environment_says_what_its_flags_would() {
    let at = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let set = [("POD_LISTEN", at.to_string()), ("POD_ERRORS", "100%".into()), ("POD_ON_SIGTERM", "finish".into())];
    let lapse = set.iter().fold(Lapse::new(["pod"]), |lapse, (name, value)| lapse.env(name, value.as_ref()));
    let pod = Pod { process: lapse.env("POD_RELEASE", "7".as_ref()).start(), at };
    pod.says("ready");
    let answer = pod.client().ask("/");
    assert!(answer.starts_with("HTTP/1.1 500") && answer.contains("server: lapse-pod/7"), "{answer}");
    pod.sigterm();
    assert_eq!(end(pod).0, Some(0));
}

#[test]
fn when_it_ended_is_written_down_and_changes_nothing_if_it_cannot_be() {
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
fn what_cannot_be_is_refused_with_what_to_write_instead() {
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
        // Whatever is let through by mistake fails all the same: an `end` that never comes is a failed test.
        let ended = Lapse::new(["pod"]).env("POD_LISTEN", "127.0.0.1:0".as_ref()).and(*args).end();
        assert_eq!(ended.code(), Some(2), "{args:?}: {}", ended.stdout);
        assert!(ended.stderr.contains(named), "{args:?}: {named:?} in\n{}", ended.stderr);
    }
}
