//! Servers as people have them: TLS that ends without a word.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpListener;

use super::support::lapse::{Ended, Lapse};
use super::support::server::{Protocol, credentials};
use super::support::wire::Wire;

/// The text of a report on one line, so that a sentence is found however it is wrapped.
fn said(ended: &Ended) -> String {
    ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn probe(url: &str) -> Lapse {
    Lapse::run([url, "--rate", "20/s", "--duration", "1s", "--slow", "5s", "--timeout", "10s"])
}

fn classes(ended: &Ended) -> BTreeSet<String> {
    let lanes = ended.report().targets.remove(0).lanes;
    lanes.into_iter().flat_map(|lane| lane.classes.into_keys()).collect()
}

#[test]
fn tls_that_ends_without_close_notify_truncates_an_answer_without_a_length_and_is_explained() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (certificate, tls) = credentials(address, Protocol::Https1);
    std::thread::spawn(move || {
        for tcp in listener.incoming().flatten() {
            let tls = std::sync::Arc::clone(&tls);
            std::thread::spawn(move || -> std::io::Result<()> {
                let mut wire = Wire::new(tcp, Some(&tls))?;
                let _ = wire.read(&mut [0; 1024])?;
                wire.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nfine")?;
                wire.finish()?;
                while wire.read(&mut [0; 1024]).is_ok_and(|count| count > 0) {}
                Ok(())
            });
        }
    });
    let cacert = ["--cacert".as_ref(), certificate.path().as_os_str()];
    let ended = probe(&format!("https://{address}/")).and(cacert).end();
    assert_eq!(classes(&ended), ["truncated".to_owned()].into(), "{}", ended.stdout);
    let text = said(&ended);
    assert!(
        text.contains("every answer of the run came over TLS without a length and ended without close_notify"),
        "{text}"
    );
    assert!(
        ended.report().notes.iter().any(|note| note.contains("Content-Length or chunks")),
        "{:?}",
        ended.report().notes
    );
}
