//! What `lapse serve` refuses: callers without the token, addresses that were not named, more than its limits, nonsense.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::{failing, healthy, serving, with};
use crate::support::lapse::Lapse;
use crate::support::serve::{Serve, lapse, order};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn only_a_caller_with_the_token_may_ask() {
    let shop = healthy();
    let mut serve =
        Serve::start(lapse(&shop.url()).and(["--token-file", "token"]).file("token", &format!("{TOKEN}\n")));
    let order = r#"{"plan": "shop", "measure": {"duration": "300ms"}}"#;
    for header in ["", "authorization: Bearer wrong\r\n", "authorization: Basic 0123456789abcdef0123456789abcdef\r\n"] {
        serve.headers = header.to_owned();
        for (method, path) in
            [("GET", "/v1/measurements"), ("POST", "/v1/measurements"), ("GET", "/metrics"), ("GET", "/v1/x")]
        {
            let answer = serve.ask(method, path, order);
            assert!(
                answer.status == 401 && answer.head.contains("www-authenticate: Bearer"),
                "{header}{path}: {answer:?}"
            );
            assert!(answer.message().contains("Authorization: Bearer TOKEN") && !answer.body.contains(TOKEN));
        }
        assert_eq!(serve.get("/healthz").status, 200);
    }
    assert!(shop.ledger().requests.is_empty(), "nothing was measured");
    serve.headers = format!("authorization: bearer {TOKEN}\r\nhost: lapse.shop.svc\r\n");
    let measured = serve.measure("?wait=60s", &serde_json::from_str(order).unwrap());
    assert_eq!(measured["verdict"], "pass", "{measured}");
    // The address of the live page is a secret of its own.
    serve.headers = String::new();
    assert_eq!(serve.get(measured["live"].as_str().unwrap()).status, 200);
    assert_eq!(serve.get("/live/00000000000000000000000000000000/").status, 404);
}

#[test]
fn a_server_that_others_could_use_does_not_begin_without_a_token() {
    for (args, token, said) in [
        (&["--listen", "0.0.0.0:0"][..], None, "--token-file"),
        (&["--listen", "0.0.0.0:0"], Some("short"), "LAPSE_SERVE_TOKEN"),
        (&["--token-file", "missing"], None, "missing"),
        (&["--plan", "other=missing.yaml"], None, "missing.yaml"),
        (&["--plan", "other=wrong.yaml"], None, "wrong.yaml:2:"),
        (&["--plan", "other=fast.yaml"], None, "--max-rate"),
        (&["--allow", "http://shop/"], None, "write HOST"),
    ] {
        let lapse = lapse("http://127.0.0.1:9/")
            .file("wrong.yaml", "targets: {shop: 'http://127.0.0.1/'}\nmeasure: {rate: fast}\n")
            .file("fast.yaml", "targets: {shop: 'http://127.0.0.1/'}\nmeasure: {rate: 5000/s}\n");
        let lapse = match token {
            Some(token) => lapse.env("LAPSE_SERVE_TOKEN", OsStr::new(token)),
            None => lapse,
        };
        let ended = lapse.end_with(args);
        assert_eq!(ended.code(), Some(2), "{args:?}: {}{}", ended.stdout, ended.stderr);
        assert!(ended.stderr.contains(said), "{args:?}: {}", ended.stderr);
    }
    let nothing = Lapse::new(["serve", "--listen", "127.0.0.1:0"]).end();
    assert!(nothing.code() == Some(2) && nothing.stderr.contains("--plan NAME=FILE"), "{}", nothing.stderr);
}

#[test]
fn an_address_that_the_operator_did_not_name_gets_no_request() {
    let (shop, other) = (healthy(), healthy());
    let serve = Serve::start(lapse(&shop.url()).and(["--allow", "shop.example.com"]));
    let refused = serve.ask("POST", "/v1/measurements", &order(&other).to_string());
    assert_eq!(refused.status, 403, "{refused:?}");
    let (address, message) = (other.address().to_string(), refused.message());
    assert!(message.contains(&address) && message.contains("--allow"), "{message}");
    let elsewhere = json!({
        "targets": { "shop": "http://shop.example.com/" },
        "connect": { "connectTo": format!("shop.example.com:80:{address}") },
    });
    assert_eq!(serve.ask("POST", "/v1/measurements", &elsewhere.to_string()).status, 400);
    assert!(other.ledger().requests.is_empty());
}

#[test]
fn more_than_a_limit_is_refused_with_the_limit() {
    let (shop, ill) = (healthy(), failing());
    let serve = Serve::start(lapse(&shop.url()).and(["--allow", "127.0.0.0/8", "--max-running", "1"]));
    for (key, value, limit) in [("rate", "5000/s", "1000/s"), ("duration", "2h", "--max-duration")] {
        let refused = serve.ask("POST", "/v1/measurements", &with(order(&ill), "measure", key, value).to_string());
        assert!(refused.status == 422 && refused.message().contains(limit), "{refused:?}");
    }
    let large = serve.ask("POST", "/v1/measurements", &" ".repeat(70 << 10));
    assert!(large.status == 413 && large.message().contains("64 KiB"), "{large:?}");
    serve.measure("", &json!({ "plan": "shop" }));
    let second = serve.ask("POST", "/v1/measurements", r#"{"plan": "shop"}"#);
    assert!(second.status == 429 && second.message().contains("--max-running"), "{second:?}");
    assert!(ill.ledger().requests.is_empty());
    let metrics = serve.get("/metrics").body;
    assert!(
        metrics.contains("lapse_serve_running 1\n") && metrics.contains("lapse_serve_refused_total 4\n"),
        "{metrics}"
    );
}

#[test]
fn nonsense_is_refused_in_one_sentence_and_does_no_harm() {
    let (serve, shop) = serving();
    let bodies = [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        "{".to_owned(),
        "\u{0}\u{1b}[31m".to_owned(),
        "[".repeat(60_000),
        "{\"a\":".repeat(10_000),
        format!("a: &a [{}]\nb: [*a, *a]", "&x [1], ".repeat(2_000)),
        "targets: {a: 'file:///etc/passwd'}".to_owned(),
        "targets: {a: 'http://127.0.0.1/', a: 'http://127.0.0.1/'}".to_owned(),
        "targets: {svc: 'svc/shop:80'}".to_owned(),
        "{\"plan\": \"../../etc/passwd\"}".to_owned(),
        "{\"plan\": [\"shop\"]}".to_owned(),
        "{\"plan\": \"shop\", \"out\": \"/tmp/x\"}".to_owned(),
        "{\"plan\": \"shop\", \"measure\": {\"rate\": \"1e999/s\"}}".to_owned(),
    ];
    for body in bodies {
        let answer = serve.ask("POST", "/v1/measurements", &body);
        assert!(matches!(answer.status, 400 | 403 | 404 | 422), "{body:.80}: {answer:?}");
        let message = answer.message();
        assert!(!message.is_empty() && !message.contains('\u{1b}'), "{body:.80}: {message}");
    }
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/v1/measurements/../../etc/passwd"),
        ("GET", "/v1/measurements/0/report.json"),
        ("PUT", "/v1/measurements"),
        ("POST", "/v1/measurements?wait=forever"),
        ("POST", "/v1/measurements?wait=2h"),
        ("POST", "/v1/measurements?key=a/b"),
        ("POST", "/v1/measurements?other=1"),
        ("DELETE", "/metrics"),
    ] {
        let answer = serve.ask(method, path, "");
        assert!(
            matches!(answer.status, 400 | 404 | 405) && !answer.message().is_empty(),
            "{method} {path}: {answer:?}"
        );
    }
    let mut garbage = TcpStream::connect(serve.address).unwrap();
    garbage.write_all(b"\x16\x03\x01 nonsense\r\n\r\n").unwrap();
    let _ = garbage.read_to_end(&mut Vec::new());
    let all: Value = serve.get("/v1/measurements").json();
    assert_eq!(all["measurements"], json!([]), "nothing was started");
    assert_eq!(serve.measure("?wait=60s", &order(&shop))["verdict"], "pass");
}

#[test]
fn a_page_of_another_site_can_ask_for_nothing() {
    let (mut serve, _shop) = serving();
    serve.headers = "host: evil.example\r\n".to_owned();
    let renamed = serve.get("/v1/measurements");
    assert!(renamed.status == 421 && renamed.message().contains("token"), "{renamed:?}");
    serve.headers = "origin: http://evil.example\r\n".to_owned();
    assert_eq!(serve.ask("POST", "/v1/measurements", r#"{"plan": "shop"}"#).status, 403);
}
