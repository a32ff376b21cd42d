//! The plugins of helm and kubectl, installed and used as a person would, around real rollouts.

use std::env;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::release::{Release, run};
use super::report::Report;

const PLUGINS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/plugins");
const FLAGS: [&str; 5] = ["--quiet", "--baseline=1s", "--settle=1s", "--settle-limit=20s", "--resolution=10m"];

#[test]
fn helm_lapse_measures_an_upgrade_with_helm_3_and_helm_4() {
    let Some(release) = Release::install("wine-plugin", "preStop.kind=sleep,pod.onSigterm=drain") else { return };
    for (program, plugin) in [("helm", "helm"), ("helm4", "helm4")] {
        let Some(program) = on_the_path(program) else {
            eprintln!("SKIPPED: the plugin for {program}: it is not on the PATH");
            continue;
        };
        let home = tempfile::tempdir().unwrap();
        // Both are called helm where people install them.
        let helm = home.path().join("helm");
        symlink(program, &helm).unwrap();
        let homes = ["HELM_DATA_HOME", "HELM_CONFIG_HOME", "HELM_CACHE_HOME"];
        let helm = || {
            let mut command = Command::new(&helm);
            command.envs(homes.map(|name| (name, home.path()))).env("HELM_PLUGINS", home.path().join("plugins"));
            command.env("LAPSE", env!("CARGO_BIN_EXE_lapse"));
            command
        };
        let installed = run(helm().args(["plugin", "install"]).arg(Path::new(PLUGINS).join(plugin)));
        assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));

        let folder = home.path().join("run");
        let upgrade = release.upgrade(&format!("release={plugin}"), &["--wait", "--timeout", "90s"]);
        let ended =
            run(helm().arg("lapse").args(FLAGS).arg("--out").arg(&folder).arg(release.url()).args(&upgrade[1..]));
        assert_followed(&folder, &ended);
    }
}

#[test]
fn kubectl_lapse_measures_a_restart() {
    let Some(release) = Release::install("wine-kubectl", "preStop.kind=sleep,pod.onSigterm=drain") else { return };
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("run");
    let path = env::join_paths([Path::new(PLUGINS).join("kubectl")].into_iter().chain(folders_of_the_path())).unwrap();
    let mut kubectl = Command::new("kubectl");
    kubectl.env("PATH", path).env("LAPSE", env!("CARGO_BIN_EXE_lapse")).arg("lapse").args(FLAGS).arg("--out");
    let ended = run(kubectl.arg(&folder).arg(release.url()).args(["rollout", "restart", "deployment/wine-kubectl"]));
    assert_followed(&folder, &ended);
}

/// Checks that the run in `folder` followed the rollout of two pods in the cluster, and that the program which ran the
/// plugin ended as lapse did.
fn assert_followed(folder: &Path, ended: &std::process::Output) {
    let error = String::from_utf8_lossy(&ended.stderr);
    assert!(folder.join("report.json").exists(), "{error}");
    let report = Report::read(folder, ended.status.code());
    assert_eq!(report.exit, Some(report.exit_code()), "{error}");
    assert!(matches!(report.exit, Some(0 | 1)), "{error}");
    assert!(report.events("pod-deleting").len() >= 2, "{error}");
}

fn folders_of_the_path() -> Vec<PathBuf> {
    env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect()
}

/// Where a program of this name is.
fn on_the_path(name: &str) -> Option<PathBuf> {
    folders_of_the_path().into_iter().map(|folder| folder.join(name)).find(|path| path.is_file())
}
