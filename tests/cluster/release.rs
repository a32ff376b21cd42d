//! A release of the chart, installed for one test and uninstalled after it.

use std::env;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::net::TcpSocket;

use super::report::Report;

const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/charts/wine-store");
/// The first node port. Each release has its own, because connection tracking remembers for two minutes the pod of a
/// client's port, and a test must not reach the pods of an earlier one.
const FIRST_PORT: u16 = 30_100;
/// The number of releases installed so far by this process.
static INSTALLED: AtomicU16 = AtomicU16::new(0);

/// Held by the one test that may have a release installed, because the tests share a small machine.
static TURN: Mutex<()> = Mutex::new(());

/// An installed release; uninstalled when dropped.
pub(crate) struct Release {
    name: &'static str,
    port: u16,
    _turn: MutexGuard<'static, ()>,
}

impl Release {
    /// Installs the chart with `values`; `None`, and SKIPPED is printed, if there is no cluster.
    pub(crate) fn install(name: &'static str, values: &str) -> Option<Self> {
        if env::var_os("LAPSE_CLUSTER").is_none() {
            eprintln!("SKIPPED: {name}: LAPSE_CLUSTER names no throw-away cluster (see tests/cluster/run)");
            return None;
        }
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        // The process id keeps apart the ports of successive test runs.
        let series = u16::try_from(std::process::id() % 100).unwrap_or(0);
        let port = FIRST_PORT + 20 * series + INSTALLED.fetch_add(1, Ordering::Relaxed);
        let release = Self { name, port, _turn: turn };
        // An interrupted run may have left the release installed.
        let _ = run(Command::new("helm").args(["uninstall", name, "--wait"]));
        let port = format!("service.nodePort={port},terminationGracePeriodSeconds=15");
        let mut install = Command::new("helm");
        install.args(["install", name, CHART, "--wait", "--timeout", "180s", "--set", &port]);
        if !values.is_empty() {
            install.args(["--set", values]);
        }
        let installed = run(&mut install);
        assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
        // `helm --wait` only waits for replicas minus maxUnavailable, which may be no pod at all.
        let label = format!("app.kubernetes.io/instance={name}");
        let rolled =
            run(Command::new("kubectl").args(["rollout", "status", "deployment", "--timeout", "180s", "-l", &label]));
        assert!(rolled.status.success(), "{}", String::from_utf8_lossy(&rolled.stderr));
        release.wait_for_route();
        Some(release)
    }

    /// Waits until the node port answers ten times in a row: kube-proxy may still refuse a service whose pods are
    /// ready, and a baseline that fails makes a run inconclusive.
    fn wait_for_route(&self) {
        let mut in_a_row = 0;
        for _ in 0..600 {
            in_a_row = if self.answers().unwrap_or(false) { in_a_row + 1 } else { 0 };
            if in_a_row == 10 {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("{} does not answer at its node port {}", self.name, self.port);
    }

    /// Asks the node port once, from an address that no prober has: connection tracking remembers the port of a refused
    /// attempt for 120 s, and refuses the next one from that address and port as well, even once kube-proxy knows the service.
    fn answers(&self) -> io::Result<bool> {
        let connected = async {
            let socket = TcpSocket::new_v4()?;
            socket.bind(([127, 0, 0, 2], 0).into())?;
            tokio::time::timeout(Duration::from_secs(1), socket.connect(([127, 0, 0, 1], self.port).into())).await?
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let mut stream = runtime.block_on(connected)?.into_std()?;
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"GET / HTTP/1.1\r\nhost: wine\r\nconnection: close\r\n\r\n")?;
        let mut head = [0; 12];
        stream.read_exact(&mut head)?;
        Ok(head == *b"HTTP/1.1 200")
    }

    /// The command that upgrades the release to `values`, with the flags `more`.
    pub(crate) fn upgrade(&self, values: &str, more: &[&str]) -> Vec<String> {
        let words = ["helm", "upgrade", self.name, CHART, "--reuse-values", "--set", values];
        words.iter().chain(more).map(|word| (*word).to_owned()).collect()
    }

    /// Upgrades the release to `values` without measuring.
    pub(crate) fn prepare(&self, values: &str) {
        let command = self.upgrade(values, &["--wait", "--timeout", "90s"]);
        let done = run(Command::new(&command[0]).args(&command[1..]));
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// Hammers the release's node port while `command` runs.
    pub(crate) fn hammer(&self, flags: &[&str], command: &[String]) -> Report {
        self.hammer_at(&[&self.url()], flags, command)
    }

    /// The URL of the release's node port, behind kube-proxy.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// Hammers `targets` while `command` runs.
    pub(crate) fn hammer_at(&self, targets: &[&str], flags: &[&str], command: &[String]) -> Report {
        let out = tempfile::tempdir().unwrap();
        let folder = out.path().join("run");
        let mut lapse = Command::new(env!("CARGO_BIN_EXE_lapse"));
        lapse.arg("run").args(targets).args(["--quiet", "--baseline", "3s", "--settle", "3s"]);
        if !flags.contains(&"--settle-limit") {
            lapse.args(["--settle-limit", "30s"]);
        }
        // Long outages may go unseen, because the cluster shares the machine with the prober.
        lapse
            .args(["--resolution", "10m", "--backend-header", "X-Pod"])
            .args(flags)
            .arg("--out")
            .arg(&folder)
            .arg("--")
            .args(command);
        let ended = run(&mut lapse);
        let report = Report::read(&folder, ended.status.code());
        eprintln!("{}: {}", self.name, report.summary());
        keep(&folder, self.name);
        report
    }
}

impl Drop for Release {
    fn drop(&mut self) {
        let _ = run(Command::new("helm").args(["uninstall", self.name, "--wait"]));
    }
}

pub(crate) fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// Copies the run to `$LAPSE_CLUSTER_KEEP/name` if that variable is set, for `tests/cluster/table`.
fn keep(folder: &Path, name: &str) {
    let Some(kept) = env::var_os("LAPSE_CLUSTER_KEEP") else { return };
    let to = Path::new(&kept).join(name);
    std::fs::create_dir_all(&to).unwrap();
    for file in ["journal.lapse", "report.json", "report.html"] {
        std::fs::copy(folder.join(file), to.join(file)).unwrap();
    }
}
