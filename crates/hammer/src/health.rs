//! The control lane's responder, in the prober's own process. A control probe that fails or is slow shows that the
//! prober itself was held up.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use hyper::Uri;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::spawn_local;

use super::port;
use super::target::{ConnectTo, Http, Target};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Starts a responder on a free loopback port, in this thread's runtime, and returns it as a target. It runs until the
/// runtime ends; the error is that of binding the port.
pub(super) async fn respond() -> io::Result<Target> {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.map_err(port::explain)?;
    let uri: Uri = format!("http://{}/", listener.local_addr()?).parse().map_err(io::Error::other)?;
    spawn_local(async move {
        // If no descriptor is left, the responder ends and control probes fail, which is the signal they are for.
        while let Ok((stream, _)) = listener.accept().await {
            spawn_local(answer(stream));
        }
    });
    let (request, expect, connect_to): (_, _, Vec<ConnectTo>) = Default::default();
    Ok(Target {
        name: "control".to_owned(),
        uri,
        http: Http::Http1,
        connect_to,
        resolve: Vec::new(),
        tls: None,
        request,
        expect,
        addresses: None,
        backend: None,
        version: None,
    })
}

/// Answers the requests of one connection. Their end is found by the empty line alone: the only client is the engine,
/// which sends no body and one request at a time.
async fn answer(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut request, mut length) = ([0; 2048], 0);
    loop {
        match stream.read(&mut request[length..]).await? {
            0 => return Ok(()),
            read => length += read,
        }
        if request[..length].ends_with(b"\r\n\r\n") {
            stream.write_all(ANSWER).await?;
            length = 0;
        }
    }
}
