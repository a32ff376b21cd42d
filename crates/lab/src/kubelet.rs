//! The kubelet's work for a pod: starts its process, runs its probes, and terminates it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::app::{App, Phase};
use super::pod::Pod;
use super::scenario::pod::{Honesty, Liveness, OnSigterm, Readiness};
use lapse_record::event::EventKind;
use lapse_record::event::detail::{ContainerExit, Detail};

/// The timeout of a probe, the default of Kubernetes.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);
/// The numbers of the signals that end a process.
const SIGTERM: i32 = 15;
const SIGKILL: i32 = 9;
/// The time that SIGTERM still gets if the preStop hook has used up the grace period.
const EXTENSION: Duration = Duration::from_secs(2);

/// Runs `pod` from its creation until it is gone.
pub(super) async fn keep(pod: Arc<Pod>) {
    pod.tell_with(Detail::PodTemplate(pod.template().to_owned()), EventKind::PodCreated, "is created");
    tokio::select! {
        () = pod.deleted() => {}
        () = run(&pod) => {}
    }
    let exit = terminate(&pod).await;
    pod.tear_down(exit).await;
}

/// Starts the pod's process, and again whenever its liveness probe fails.
async fn run(pod: &Arc<Pod>) {
    sleep(pod.spec().schedule.draw()).await;
    loop {
        pod.start();
        let app = pod.app();
        tokio::select! {
            () = watch_readiness(pod, pod.spec().readiness) => {}
            () = watch_liveness(pod, pod.spec().liveness) => {}
        }
        pod.mark_ready(false);
        pod.tell(EventKind::PodRestarting, "fails its liveness probe and is restarted");
        end(&app, pod.spec().grace.draw()).await;
    }
}

/// Terminates the pod: preStop hook, SIGTERM, and SIGKILL at the end of the grace period, which includes the hook.
/// Returns how its process ended.
async fn terminate(pod: &Pod) -> ContainerExit {
    let (grace, pre_stop) = (pod.spec().grace.draw(), pod.spec().pre_stop.draw());
    sleep(pre_stop.min(grace)).await;
    pod.tell(EventKind::PodSigterm, "gets SIGTERM");
    let left = grace.checked_sub(pre_stop).filter(|left| !left.is_zero()).unwrap_or(EXTENSION);
    let code = match end(&pod.app(), left).await {
        Ended::Killed => {
            pod.tell(EventKind::PodKilled, "did not end within its grace period and is killed");
            128 + SIGKILL
        }
        // SIGTERM ends a process that does nothing about it.
        Ended::ByItself if pod.spec().on_sigterm == OnSigterm::Exit => 128 + SIGTERM,
        Ended::ByItself => 0,
    };
    ContainerExit { code: Some(code), ..ContainerExit::default() }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    ByItself,
    Killed,
}

async fn end(app: &App, grace: Duration) -> Ended {
    let ended = if timeout(grace, app.sigterm()).await.is_ok() { Ended::ByItself } else { Ended::Killed };
    app.enter(Phase::Dead);
    ended
}

async fn watch_readiness(pod: &Pod, probe: Readiness) {
    if probe.probe == Honesty::Missing {
        pod.mark_ready(true);
        return std::future::pending().await;
    }
    sleep(probe.initial_delay.draw()).await;
    let mut bad = 0;
    loop {
        bad = if probe_ok(pod.address(), "/-/ready").await { 0 } else { bad + 1 };
        if bad == 0 || bad >= probe.failures {
            pod.mark_ready(bad == 0);
        }
        sleep(probe.period.draw()).await;
    }
}

/// Returns when the liveness probe has failed often enough for a restart; never without a probe.
async fn watch_liveness(pod: &Pod, probe: Option<Liveness>) {
    let Some(probe) = probe else { return std::future::pending().await };
    sleep(probe.initial_delay.draw()).await;
    let mut bad = 0;
    while bad < probe.failures {
        bad = if probe_ok(pod.address(), "/-/live").await { 0 } else { bad + 1 };
        sleep(probe.period.draw()).await;
    }
}

/// Whether a GET of `path` is answered with 200 within the probe timeout.
pub(super) async fn probe_ok(address: SocketAddr, path: &str) -> bool {
    matches!(timeout(PROBE_TIMEOUT, ask(address, path)).await, Ok(Ok(true)))
}

async fn ask(address: SocketAddr, path: &str) -> io::Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nuser-agent: probe\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer.starts_with(b"HTTP/1.1 200"))
}
