//! The control lane's other end: a responder in the prober's own process. When it cannot be reached in
//! time, the fault is ours.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use hyper::Uri;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::spawn_local;

use super::target::{ConnectTo, Http, Target};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Answers on loopback, in this thread, until the runtime ends; says where.
pub(super) async fn respond() -> io::Result<Target> {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    let uri: Uri = format!("http://{}/", listener.local_addr()?).parse().map_err(io::Error::other)?;
    spawn_local(async move {
        // Without a descriptor left, the control lane fails: that is what it is for.
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
        tls: None,
        request,
        expect,
        addresses: None,
        backend: None,
    })
}

/// Answers each request on a connection. Nobody but the engine knows of it, and that sends one at a time, without a body.
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
