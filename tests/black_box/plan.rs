//! A plan in a file: checked, completed by what is typed, and kept from secrets.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::Value;

use super::cli::healthy;
use super::support::fault::{Fault, Plan};
use super::support::lapse::{Ended, Lapse};
use super::support::server::{Protocol, Server};

const PLAN: &str = "\
name: shop
targets: {shop: 'http://shop.invalid/health'}
measure: {rate: 200/s, lanes: [new], settleLimit: 2m}
request:
  headers:
    Authorization: Bearer ${SHOP_TOKEN}
budgets:
  maxOutage: {new: 300ms}
  maxFailed: [0.1%, 5%/1s]
cluster: {release: shop}
profiles:
  ci:
    reports: {junit: lapse.xml}
    budgets: {maxOutage: 50ms}
";

fn check(plan: &str, args: &[&str]) -> Ended {
    Lapse::new(["plan", "check"]).file("lapse.yaml", plan).end_with(args)
}

/// A run by this plan, short, without a command.
fn short(plan: &str) -> Lapse {
    let lapse = Lapse::run(["--duration", "300ms", "--no-kube", "--resolution", "1s"]);
    lapse.file("lapse.yaml", plan)
}

/// A plan of one target, at a low rate.
fn plan_of(server: &Server, more: &str) -> String {
    format!("targets: {{shop: '{}'}}\nmeasure: {{rate: 50/s}}\n{more}", server.url())
}

#[test]
fn a_plan_that_can_be_used_is_printed_as_the_flags_that_it_amounts_to() {
    let ended = check(PLAN, &["--profile", "ci"]);
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    for line in [
        "lapse.yaml can be used; profiles: ci",
        "'--target=shop=http://shop.invalid/health' \\",
        "'--rate=200/s' \\",
        "'--lanes=new' \\",
        "'--header=Authorization: Bearer ${SHOP_TOKEN}' \\",
        "'--max-outage=50ms' \\",
        "'--max-failed=5%/1s' \\",
        "'--report=junit=lapse.xml'",
    ] {
        assert!(ended.stdout.lines().any(|printed| printed.trim() == line), "{line}\n{}", ended.stdout);
    }
    assert!(!ended.stdout.contains("300ms"), "the profile prevails: {}", ended.stdout);
    let unset =
        "a run would not begin here: lapse.yaml:6:20: the header `Authorization`: the variable SHOP_TOKEN is not set";
    assert!(ended.stderr.contains(unset), "{}", ended.stderr);
}

#[test]
fn all_errors_of_a_plan_are_said_at_once_each_with_its_place() {
    let ended = check(
        "tagets: {}\nmeasure:\n  rate: fast\n  lanes: [new, old]\nbudgets: {maxFailed: 101%}\ntargets: {a: 'ftp://x/'}\n",
        &[],
    );
    assert_eq!(ended.code(), Some(1), "{}", ended.stdout);
    let lines: Vec<_> = ended.stderr.lines().collect();
    assert_eq!(lines.len(), 6, "{}", ended.stderr);
    let said = [
        "lapse: lapse.yaml has 5 errors",
        "lapse.yaml:1:1: unknown key `tagets`; did you mean `targets`?",
        "lapse.yaml:3:9: `rate` cannot be `fast`: write probes a second, such as 1000/s",
        "lapse.yaml:4:16: `lanes` cannot be `old`: choose one of reused, new",
        "lapse.yaml:5:22: `maxFailed` cannot be `101%`: write a percentage from 0% to 100%",
        "lapse.yaml:6:14: `targets` cannot be `a=ftp://x/`: ",
    ];
    assert!(lines.iter().zip(said).all(|(line, said)| line.starts_with(said)), "{}", ended.stderr);
}

#[test]
fn errors_of_values_taken_together_have_a_place_too() {
    for (plan, place) in [
        ("connect:\n  http1: true\n  http2: true\n", "lapse.yaml:2:10: the argument '--http1.1' cannot be used"),
        ("measure: {settle: 5m}\n", "lapse.yaml:1:19: --settle 300s cannot be reached within --settle-limit"),
        (
            "targets: {a: 'http://a/'}\nprofiles: {x: {budgets: {maxOutage: {b: 1s}}}}\n",
            "lapse.yaml:2:41: --max-outage: there is no target or lane \"b\"",
        ),
    ] {
        let ended = check(plan, &[]);
        assert_eq!(ended.code(), Some(1), "{}", ended.stdout);
        assert!(ended.stderr.starts_with("lapse: ") && ended.stderr.contains(place), "{place}\n{}", ended.stderr);
    }
}

const SCENARIO: &str = "\
# Shows nothing in particular.
name: small
measure: {rate: 200/s, baseline: 300ms, settle: 300ms, lanes: [new]}
budgets: {maxFailed: 100%}
profiles:
  ci: {reports: {junit: lapse.xml}}
hops: [service: {lag: 10ms..20ms}]
pods:
  v1: {boot: 10ms, work: 1ms, preStop: 200ms, onSigterm: drain}
first: v1
acts:
  - {name: again, upgrade: v1, expect: {lost: any}}
";

#[test]
fn a_scenario_takes_the_keys_of_a_plan_and_what_is_nearer_prevails() {
    let plan = "measure: {rate: 50/s, slow: 2s}\nprofiles: {ci: {budgets: {maxDown: 9s}}}\n";
    let lapse = Lapse::run(["scenario.yaml", "--plan", "more.yaml", "--profile", "ci", "--baseline", "200ms"]);
    let ended = lapse.file("scenario.yaml", SCENARIO).file("more.yaml", plan).end();
    assert!(ended.stdout.contains("200 probes a second"), "the scenario prevails over the plan: {}", ended.stdout);
    let junit = ended.file("lapse.xml");
    assert!(junit.contains("max-failed") && junit.contains("max-down"), "{junit}");
    assert_eq!(ended.report().targets[0].lanes.len(), 1, "the lanes are those of the scenario");
    assert!(ended.stderr.contains("more.yaml with the profile ci gives --slow --max-down"), "{}", ended.stderr);
}

#[test]
fn all_errors_of_a_scenario_are_said_at_once_each_with_its_place() {
    let check = |text: &str| Lapse::new(["plan", "check", "small.yaml"]).file("small.yaml", text).end();
    let ended = check(SCENARIO);
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    assert!(
        ended.stdout.starts_with("small.yaml can be used: a scenario of one act; profiles: ci\n"),
        "{}",
        ended.stdout
    );
    let wrong = |changes: &[(&str, &str)]| {
        let text = changes.iter().fold(SCENARIO.to_owned(), |text, (from, to)| text.replace(from, to));
        let ended = check(&text);
        assert_eq!(ended.code(), Some(1), "{}", ended.stdout);
        let lines = ended
            .stderr
            .lines()
            .filter(|line| line.starts_with("small.yaml:") || line.starts_with("lapse: small.yaml:"));
        lines.map(|line| line.trim_start_matches("lapse: ").to_owned()).collect::<Vec<_>>()
    };
    let said = wrong(&[("200/s", "fast"), ("budgets", "bugdets"), ("lag", "lagg")]);
    assert_eq!(
        said,
        [
            "small.yaml:3:17: `rate` cannot be `fast`: write probes a second, such as 1000/s",
            "small.yaml:4:1: unknown key `bugdets`; did you mean `budgets`?",
            "small.yaml:7:18: unknown key `lagg`; did you mean `lag`?",
        ]
    );
    let said = wrong(&[("first: v1", "first: v2\nreplicas: 0\ntargets: {a: 'http://a/'}"), ("work: 1ms", "errors: 2")]);
    assert_eq!(
        said,
        [
            "small.yaml:9:20: pod template `v1`: `errors` is 2: write a share from 0 to 1",
            "small.yaml:10:1: `first` names the pod template `v2`, which is not under `pods`; did you mean `v1`?",
            "small.yaml:11:1: `replicas` must be from 1 to 100",
            "small.yaml:12:14: a scenario has no `targets`: its target is its own world; leave it out",
        ]
    );
    let taken = Lapse::run(["--plan", "small.yaml"]).file("small.yaml", SCENARIO).end();
    assert!(taken.stderr.contains("small.yaml is a scenario, no plan"), "{}", taken.stderr);
    let taken = Lapse::run(["lapse.yaml"]).file("lapse.yaml", PLAN).end();
    assert!(taken.stderr.contains("lapse.yaml has no world, so it is no scenario"), "{}", taken.stderr);
}

#[test]
fn hostile_plans_are_refused_and_nothing_panics() {
    let bomb = (1..9).fold("a0: &a0 [x, x, x, x, x, x, x, x]\n".to_owned(), |bomb, level| {
        let alias = format!("*a{}, ", level - 1).repeat(8);
        bomb + &format!("a{level}: &a{level} [{alias}]\n")
    });
    for plan in [bomb, "[".repeat(1 << 19), "x".repeat(2 << 20), "a: &a {b: *a}\n".to_owned(), "? {a: b}\n".to_owned()]
    {
        let ended = check(&plan, &[]);
        assert_eq!(ended.code(), Some(1), "{}", ended.stdout);
        assert!(
            ended.stderr.starts_with("lapse: lapse.yaml:1:") || ended.stderr.contains("values at the most"),
            "{}",
            ended.stderr
        );
        assert!(ended.stderr.len() < 500 && !ended.stderr.contains("panicked"), "{}", ended.stderr);
    }
    let ended = check("", &["no-such.yaml"]);
    assert_eq!(ended.code(), Some(2));
    assert!(ended.stderr.contains("cannot read the plan no-such.yaml"), "{}", ended.stderr);
}

#[test]
fn the_schema_is_the_published_one_and_agrees_with_the_check() {
    let ended = Lapse::new(["plan", "schema"]).end();
    let published = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/schema/plan.v1.json")).unwrap();
    assert_eq!(ended.stdout, published);
    let validator = jsonschema::validator_for(&serde_json::from_str(&published).unwrap()).unwrap();
    let as_json = |plan: &str| serde_saphyr::from_str::<Value>(plan).unwrap();
    let in_docs = examples();
    assert!(!in_docs.is_empty());
    for plan in in_docs.iter().map(String::as_str).chain([PLAN]) {
        let errors: Vec<_> = validator.iter_errors(&as_json(plan)).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}\n{plan}");
        assert_eq!(check(plan, &[]).code(), Some(0), "{plan}");
    }
    for wrong in ["tagets: {}", "measure: {lanes: old}", "reports: {pdf: a.pdf}", "profiles: {ci: {profiles: {}}}"] {
        assert!(!validator.is_valid(&as_json(wrong)), "{wrong}");
        assert_eq!(check(wrong, &[]).code(), Some(1), "{wrong}");
    }
}

/// The plans in the documentation: the blocks of YAML that begin with the line for editors.
fn examples() -> Vec<String> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/REFERENCE.md")).unwrap();
    let blocks = text.split("```").skip(1).step_by(2).filter_map(|block| block.strip_prefix("yaml\n"));
    blocks.filter(|block| block.starts_with("# yaml-language-server")).map(str::to_owned).collect()
}

#[test]
fn a_plan_in_the_folder_is_used_and_said_and_what_is_typed_prevails() {
    let server = healthy();
    let plan = plan_of(&server, "budgets: {gate: 200ms}\nprofiles: {slow: {measure: {rate: 20/s}}}\n");
    let rate = |ended: &Ended| {
        assert_eq!(ended.code(), Some(0), "{}\n{}", ended.stdout, ended.stderr);
        let report = std::fs::read_to_string(ended.run_folder().join("report.json")).unwrap();
        serde_json::from_str::<Value>(&report).unwrap()["run"]["rate"].as_u64().unwrap()
    };
    let ended = short(&plan).end();
    assert_eq!(rate(&ended), 50);
    assert!(ended.stderr.contains("lapse: lapse.yaml gives --target --rate --gate"), "{}", ended.stderr);
    assert_eq!(rate(&short(&plan).end_with(["--profile", "slow"])), 20);
    assert_eq!(rate(&short(&plan).end_with(["--profile", "slow", "--rate", "100/s"])), 100);
    assert_eq!(rate(&short(&plan).end_with(["--plan", "lapse.yaml", &server.url()])), 50);
    // A URL needs no plan.
    let ended = short("rate: wrong").end_with([&server.url(), "--rate", "30/s"]);
    assert_eq!(rate(&ended), 30);
    assert!(!ended.stderr.contains("lapse.yaml"), "{}", ended.stderr);
}

#[test]
fn a_command_takes_the_place_of_a_duration_and_the_profile_for_ci_writes_a_report() {
    let server = Server::start(Protocol::Http1, Plan::healthy().then(Fault::Status(503), 0, 60_000));
    let plan = format!(
        "targets: {{shop: '{}'}}\nmeasure: {{rate: 50/s, baseline: 0s, settle: 0s, settleLimit: 1s, duration: 1h}}\n",
        server.url()
    );
    let lapse = Lapse::run(["--plan", "lapse.yaml", "--no-kube", "--profile", "ci", "--", "sleep", "0.3"]);
    let lapse = lapse.file("lapse.yaml", &plan);
    let ended = lapse.end();
    assert_ne!(ended.code(), Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("lapse.yaml with the profile ci gives --target"), "{}", ended.stderr);
    assert!(ended.file("lapse.xml").contains("<testsuite"), "{}", ended.stderr);
}

#[test]
fn a_profile_that_there_is_not_and_a_plan_with_errors_end_before_the_first_probe() {
    let server = healthy();
    let cases = [
        (short(&plan_of(&server, "")).and(["--profile", "carier"]), "did you mean `carrier`?"),
        (short(&plan_of(&server, "budgets: {maxOutage: soon}\n")), "lapse.yaml:3:22: `maxOutage` cannot be `soon`"),
        (
            short(&plan_of(&server, "request: {headers: {A: 'x ${LAPSE_NOT_SET}'}}\n")),
            "lapse.yaml:3:24: the header `A`: the variable LAPSE_NOT_SET is not set",
        ),
        (
            short(&plan_of(&server, "request: {headers: {A: '@no-such-file'}}\n")),
            "the file no-such-file cannot be read",
        ),
        (Lapse::run(["lapse.yaml"]).file("lapse.yaml", PLAN), "write --plan lapse.yaml"),
    ];
    for (lapse, said) in cases {
        let ended = lapse.end();
        assert_eq!(ended.code(), Some(2), "{said}\n{}", ended.stderr);
        assert!(ended.stderr.contains(said), "{said}\n{}", ended.stderr);
    }
    assert!(server.ledger().start.is_none(), "the server saw no connection");
}

#[test]
fn headers_take_secrets_from_the_environment_and_from_files_and_no_file_of_the_run_has_them() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let reading = std::thread::spawn(move || {
        let (mut tcp, _) = listener.accept().unwrap();
        let (mut seen, mut buffer) = (String::new(), [0; 1024]);
        while !seen.ends_with("\r\n\r\n") {
            let count = tcp.read(&mut buffer).unwrap();
            assert!(count > 0, "{seen}");
            seen.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
        }
        tcp.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
        seen
    });
    let plan = format!(
        "targets: {{shop: 'http://{address}/'}}\nmeasure: {{lanes: [new], rate: 1, timeout: 5s, duration: 1s}}\n\
         request:\n  method: POST\n  headers: {{Authorization: 'Bearer ${{SHOP_TOKEN}}', X-Key: '@key.txt', X-Own: plan}}\n"
    );
    let lapse = Lapse::run(["-H", "X-Own: typed"]).file("lapse.yaml", &plan).file("key.txt", "k3y-of-a-file\n");
    let ended = lapse.env("SHOP_TOKEN", OsStr::new("t0ken-of-the-environment")).end();
    let seen = reading.join().unwrap().to_lowercase();
    for line in ["authorization: bearer t0ken-of-the-environment", "x-key: k3y-of-a-file", "x-own: typed"] {
        assert!(seen.lines().any(|sent| sent == line), "{line}\n{seen}");
    }
    assert!(!seen.contains("x-own: plan"), "{seen}");
    let written =
        std::fs::read_dir(ended.run_folder()).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
    let said = [ended.stdout.clone().into_bytes(), ended.stderr.clone().into_bytes()];
    for text in written.chain(said) {
        let text = String::from_utf8_lossy(&text);
        assert!(!text.contains("t0ken-of") && !text.contains("k3y-of"), "{text}");
    }
}

#[test]
fn a_secret_that_no_header_may_have_is_refused_without_being_shown() {
    let server = healthy();
    let plan = plan_of(&server, "request: {headers: {A: '${SHOP_TOKEN}'}}\n");
    let ended = short(&plan).env("SHOP_TOKEN", OsStr::new("s3cret\nline")).end();
    assert_eq!(ended.code(), Some(2));
    assert!(ended.stderr.contains("lapse.yaml:3:24") && ended.stderr.contains("${SHOP_TOKEN}"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("s3cret"), "{}", ended.stderr);
}
