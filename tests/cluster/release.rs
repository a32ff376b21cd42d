//! A release of the chart, installed for one test and taken away after it.

use std::env;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::report::Report;

const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/charts/wine-store");
/// Node ports: each release has one of its own, since the kernel remembers for two minutes which pod a client's port was sent
/// to, and a later test must not meet the pods of an earlier one.
const PORTS: u16 = 30_100;
static INSTALLED: AtomicU16 = AtomicU16::new(0);

/// One at a time: they share the machine, and a port.
static TURN: Mutex<()> = Mutex::new(());

/// A release, ready to be upgraded.
pub(crate) struct Release {
    name: &'static str,
    port: u16,
    _turn: MutexGuard<'static, ()>,
}

impl Release {
    /// Installs the chart with these values; `None` where there is no cluster to do so.
    pub(crate) fn install(name: &'static str, values: &str) -> Option<Self> {
        if env::var_os("LAPSE_CLUSTER").is_none() {
            eprintln!("SKIPPED: {name}: LAPSE_CLUSTER names no throw-away cluster (see tests/cluster/run)");
            return None;
        }
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        // Nor those of an earlier run of all tests.
        let series = u16::try_from(std::process::id() % 100).unwrap_or(0);
        let port = PORTS + 20 * series + INSTALLED.fetch_add(1, Ordering::Relaxed);
        let release = Self { name, port, _turn: turn };
        // One that an earlier, broken-off run has left.
        let _ = run(Command::new("helm").args(["uninstall", name, "--wait"]));
        let port = format!("service.nodePort={port},terminationGracePeriodSeconds=15");
        let mut install = Command::new("helm");
        install.args(["install", name, CHART, "--wait", "--timeout", "180s", "--set", &port]);
        if !values.is_empty() {
            install.args(["--set", values]);
        }
        let installed = run(&mut install);
        assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
        // Helm waits for no more pods than may not be unavailable: of one that may, for none.
        let of_it = format!("app.kubernetes.io/instance={name}");
        let rolled =
            run(Command::new("kubectl").args(["rollout", "status", "deployment", "--timeout", "180s", "-l", &of_it]));
        assert!(rolled.status.success(), "{}", String::from_utf8_lossy(&rolled.stderr));
        Some(release)
    }

    /// The command that upgrades it to these values.
    pub(crate) fn upgrade(&self, values: &str, more: &[&str]) -> Vec<String> {
        let words = ["helm", "upgrade", self.name, CHART, "--reuse-values", "--set", values];
        words.iter().chain(more).map(|word| (*word).to_owned()).collect()
    }

    /// Upgrades it without being watched.
    pub(crate) fn prepare(&self, values: &str) {
        let command = self.upgrade(values, &["--wait", "--timeout", "90s"]);
        let done = run(Command::new(&command[0]).args(&command[1..]));
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// Hammers it at its node port while `command` runs.
    pub(crate) fn hammer(&self, flags: &[&str], command: &[String]) -> Report {
        self.hammer_at(&[&self.url()], flags, command)
    }

    /// Where kube-proxy answers for it.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// Hammers these targets while `command` runs.
    pub(crate) fn hammer_at(&self, targets: &[&str], flags: &[&str], command: &[String]) -> Report {
        let out = tempfile::tempdir().unwrap();
        let folder = out.path().join("run");
        let mut lapse = Command::new(env!("CARGO_BIN_EXE_lapse"));
        lapse.arg("run").args(targets).args(["--quiet", "--baseline", "3s", "--settle", "3s"]);
        if !flags.contains(&"--settle-limit") {
            lapse.args(["--settle-limit", "30s"]);
        }
        // The cluster shares the machine with the prober: how much of the run is blind is not what is on trial.
        lapse
            .args(["--max-blind", "100%,10m", "--backend-header", "X-Pod"])
            .args(flags)
            .arg("--out")
            .arg(&folder)
            .arg("--")
            .args(command);
        let ended = run(&mut lapse);
        let report = Report::read(&folder, ended.status.code());
        eprintln!("{}: {}", self.name, report.line());
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

/// Where somebody asks for it, the run stays: it is what the tables in docs are made of.
fn keep(folder: &Path, name: &str) {
    let Some(kept) = env::var_os("LAPSE_CLUSTER_KEEP") else { return };
    let to = Path::new(&kept).join(name);
    std::fs::create_dir_all(&to).unwrap();
    for file in ["journal.lapse", "report.json", "report.html"] {
        std::fs::copy(folder.join(file), to.join(file)).unwrap();
    }
}
