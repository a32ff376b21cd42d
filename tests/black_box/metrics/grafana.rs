//! The report `grafana`, sent as its documentation says.

use std::process::Command;

use serde_json::Value;

use super::receiver::Receiver;
use super::{flawed, report, run};

/// The keys that Grafana takes (`PostAnnotationsCmd`); others it ignores, so that a slip would go unseen.
const KEYS: [&str; 7] = ["dashboardId", "dashboardUID", "panelId", "tags", "text", "time", "timeEnd"];

/// The commands of the documentation.
fn documented() -> &'static str {
    let page = include_str!("../../../docs/METRICS.md");
    page.split("```bash\n").nth(1).and_then(|rest| rest.split("```").next()).expect("the page has commands")
}

#[test]
fn the_documented_commands_send_each_disruption_as_a_region() {
    if Command::new("curl").arg("--version").output().is_err() {
        eprintln!("SKIPPED: annotations sent to Grafana: there is no curl on this machine");
        return;
    }
    let (ended, receiver) = (run(&flawed(), &[]).end(), Receiver::start(200));
    let lapse = std::path::Path::new(env!("CARGO_BIN_EXE_lapse")).parent().unwrap();
    let sent = Command::new("bash")
        .args(["-e", "-o", "pipefail", "-c", documented()])
        .env("PATH", format!("{}:{}", lapse.display(), std::env::var("PATH").unwrap()))
        .env("RUN", ended.run_folder())
        .envs([("GRAFANA_URL", receiver.url()), ("GRAFANA_TOKEN", "glsa_abc".to_owned())])
        .env_remove("http_proxy")
        .output()
        .unwrap();
    assert!(sent.status.success(), "{sent:?}");
    let requests = receiver.requests();
    for one in &requests {
        assert!(one.head.starts_with("POST /api/annotations HTTP/1.1\r\n"), "{}", one.head);
        assert!(one.head.contains("Authorization: Bearer glsa_abc\r\n"), "{}", one.head);
        assert!(one.body.as_object().unwrap().keys().all(|key| KEYS.contains(&key.as_str())), "{}", one.body);
        assert!(one.body["text"].as_str().is_some_and(|text| !text.is_empty()), "{}", one.body);
        assert!(one.body["tags"].as_array().unwrap().iter().all(Value::is_string), "{}", one.body);
        assert!(one.body["time"].as_i64().unwrap() <= one.body["timeEnd"].as_i64().unwrap(), "{}", one.body);
    }
    let regions = requests.iter().filter(|one| one.body["tags"].as_array().unwrap().contains(&"disruption".into()));
    let report = report(&ended);
    let disruptions = report["targets"][0]["disruptions"].as_array().unwrap();
    assert_eq!(regions.clone().count(), disruptions.len());
    let longest = regions.map(|one| one.body["timeEnd"].as_u64().unwrap() - one.body["time"].as_u64().unwrap()).max();
    assert!(longest.is_some_and(|ms| ms >= 300), "{longest:?}");
}
