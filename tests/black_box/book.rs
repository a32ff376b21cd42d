//! The commands of the pages that people land on, run as they stand there, in the order in which they stand.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::cli::healthy;

/// The service of the pages.
const SERVICE: &str = "http://127.0.0.1:8080/";

const SHOP: &str = "\
kind: Deployment
apiVersion: apps/v1
metadata: {name: shop}
spec: {replicas: 2, template: {metadata: {labels: {app: shop}}, spec: {containers: [{name: web, ports: [{containerPort: 80}]}]}}}
---
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {selector: {app: shop}, ports: [{port: 80}]}
";

/// The exit code of a run that supports no verdict.
const INCONCLUSIVE: i32 = 3;

/// A block of commands, and the exit code of the last that fails; 0 if none may.
struct Block {
    commands: String,
    exit: i32,
}

/// The blocks of a page that are to be run: those marked `sh`, or `sh exit=CODE`.
fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut parts = page.split("```");
    // Text and code take turns.
    while let (Some(_), Some(code)) = (parts.next(), parts.next()) {
        let (mark, commands) = code.split_once('\n').unwrap_or((code, ""));
        let exit = match mark.strip_prefix("sh") {
            Some("") => 0,
            Some(rest) => rest.trim().strip_prefix("exit=").and_then(|code| code.parse().ok()).expect(mark),
            None => continue,
        };
        blocks.push(Block { commands: commands.to_owned(), exit });
    }
    blocks
}

/// Runs the blocks of a page in a folder that has what the page takes for given.
fn run(page: &str) {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let server = healthy();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("shop.yaml"), SHOP).unwrap();
    fs::write(folder.join("deploy.sh"), "#!/bin/sh\nsleep 0.2\n").unwrap();
    fs::set_permissions(folder.join("deploy.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink(repository.join("scenarios"), folder.join("scenarios")).unwrap();
    let lapse = Path::new(env!("CARGO_BIN_EXE_lapse")).parent().unwrap();
    let path = format!("{}:{}", lapse.display(), std::env::var("PATH").unwrap());
    let blocks = blocks(&fs::read_to_string(repository.join("docs").join(page)).unwrap());
    assert!(blocks.len() >= 3, "{page} has {} blocks to run", blocks.len());
    for block in blocks {
        let commands = block.commands.replace(SERVICE, &server.url());
        let script = format!(
            "lapse() {{ command lapse \"$@\" || {{ code=$?; [ $code = 3 ] && unsure=3 || failed=$code; }}; }}\n{commands}\nexit ${{failed:-${{unsure:-0}}}}"
        );
        let mut shell = Command::new("bash");
        shell.arg("-c").arg(script);
        shell.current_dir(folder).env("PATH", OsStr::new(&path)).env_remove("GITHUB_ACTIONS");
        let ended = shell.output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
        // What other tests take from the machine may leave a run inconclusive, which is no fault of the page.
        let as_said = [Some(block.exit), Some(INCONCLUSIVE)].contains(&ended.status.code());
        assert!(as_said, "{page}, exit code {:?}:\n{commands}\n{said}", ended.status.code());
    }
}

#[test]
fn the_commands_of_getting_started_do_what_the_page_says() {
    run("GETTING_STARTED.md");
}

#[test]
fn the_commands_of_the_questions_do_what_the_page_says() {
    run("FAQ.md");
}
