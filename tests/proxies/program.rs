//! Starts nginx and haproxy, each in a temporary folder of its own.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A running proxy, which is ended when this is dropped.
pub(crate) struct Program {
    child: Child,
    port: u16,
    _folder: TempDir,
}

/// Whether nginx and haproxy are installed; prints SKIPPED if not.
pub(crate) fn both_installed() -> bool {
    let missing: Vec<_> = ["nginx", "haproxy"].into_iter().filter(|name| !is_installed(name)).collect();
    if !missing.is_empty() {
        eprintln!("SKIPPED: real proxies beside the model: {} not installed", missing.join(" and "));
    }
    missing.is_empty()
}

fn is_installed(name: &str) -> bool {
    Command::new(name).arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|ended| ended.success())
}

/// Starts nginx, configured as by ingress-nginx: keep-alive to the upstreams, and no upstream marked as failed.
pub(crate) fn nginx(upstreams: &[SocketAddr], connect: Duration) -> Program {
    let mut servers: Vec<_> = upstreams.iter().map(|upstream| format!("server {upstream} max_fails=0;")).collect();
    if servers.is_empty() {
        // nginx refuses a group without servers, so the group gets one that is marked as down.
        servers.push("server 127.0.0.1:1 down;".to_owned());
    }
    let upstream = format!("upstream pods {{ {} keepalive 320; }}", servers.join(" "));
    let location = format!(
        "proxy_pass http://pods; proxy_http_version 1.1; proxy_set_header Connection \"\";
         proxy_connect_timeout {}ms; proxy_read_timeout 2s;",
        connect.as_millis()
    );
    start_nginx(4096, &upstream, &location)
}

/// Starts an nginx that answers 200 by itself and has room for `connections` connections.
pub(crate) fn nginx_with_few_connections(connections: u16) -> Program {
    start_nginx(connections, "", "return 200 ok;")
}

/// Starts an nginx that answers 200 to this many requests a second and 503 to the rest, as ingress-nginx does with
/// `limit-rps`.
pub(crate) fn nginx_that_limits(rate: u16) -> Program {
    let zone = format!("limit_req_zone $binary_remote_addr zone=all:1m rate={rate}r/s;");
    start_nginx(1024, &zone, "limit_req zone=all burst=5 nodelay; empty_gif;")
}

/// Starts an nginx that sends every client to the same path over TLS.
pub(crate) fn nginx_that_redirects() -> Program {
    start_nginx(64, "", "return 308 https://$host$request_uri;")
}

fn start_nginx(connections: u16, http: &str, location: &str) -> Program {
    let (folder, port) = (TempDir::new().unwrap(), free_port());
    let dir = folder.path().display();
    let config = format!(
        "daemon off; master_process on; worker_processes 1; pid {dir}/pid; error_log {dir}/error.log;
events {{ worker_connections {connections}; }}
http {{
  access_log off; client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/fastcgi;
  uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi; keepalive_requests 1000000;
  {http}
  server {{ listen 127.0.0.1:{port}; location / {{ {location} }} }}
}}
"
    );
    let file = folder.path().join("nginx.conf");
    fs::write(&file, config).unwrap();
    let mut command = Command::new("nginx");
    command.arg("-c").arg(&file).arg("-p").arg(folder.path());
    Program::start(command, port, folder)
}

/// Starts haproxy with its common settings: one retry, on another server.
pub(crate) fn haproxy(upstreams: &[SocketAddr], connect: Duration) -> Program {
    let (folder, port) = (TempDir::new().unwrap(), free_port());
    let server = |(nth, upstream): (usize, &SocketAddr)| format!("  server pod{nth} {upstream}");
    let servers = upstreams.iter().enumerate().map(server).collect::<Vec<_>>().join("\n");
    let config = format!(
        "defaults
  mode http
  timeout connect {}ms
  timeout client 30s
  timeout server 2s
  retries 1
  option redispatch 1
  http-reuse safe
listen pods
  bind 127.0.0.1:{port}
{servers}
",
        connect.as_millis()
    );
    let file = folder.path().join("haproxy.cfg");
    fs::write(&file, config).unwrap();
    let mut command = Command::new("haproxy");
    command.arg("-db").arg("-f").arg(&file);
    Program::start(command, port, folder)
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Program {
    fn start(mut command: Command, port: u16, folder: TempDir) -> Self {
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let program = Self { child, port, _folder: folder };
        for _ in 0..500 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return program;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("{command:?} does not listen");
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// Makes the proxy reload its configuration.
    pub(crate) fn reload(&self) {
        self.signal(Signal::HUP);
    }

    fn signal(&self, signal: Signal) {
        let _ = kill_process(Pid::from_child(&self.child), signal);
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.signal(Signal::TERM);
        let _ = self.child.wait();
    }
}
