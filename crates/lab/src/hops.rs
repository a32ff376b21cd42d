//! Builds the hops of a world from the pods outwards: the innermost hop routes to pods, each other one to the hop
//! behind it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::sync::watch;

use super::duration_range::DurationRange;
use super::elb;
use super::endpoints::{Endpoints, Lateness, List};
use super::proxy::{Front, Proxy, ProxyConfig, Upstream};
use super::scenario::hop::{ElbSpec, HopSpec, IngressSpec, Reloads};
use super::service::Service;
use super::world_log::WorldLog;
use lapse_gate::GatedListener;

/// A port of a hop that cannot be opened.
#[derive(Debug)]
pub(super) struct NotOpened {
    pub(super) address: SocketAddr,
    pub(super) source: io::Error,
}

/// Opens the hops of `specs`, given outermost first, and returns their addresses in the same order; the first listens
/// at `entrance`.
pub(super) fn open(
    specs: &[HopSpec],
    entrance: SocketAddr,
    endpoints: &mut Endpoints,
    log: &Arc<WorldLog>,
) -> Result<Vec<SocketAddr>, NotOpened> {
    let mut hops: Vec<SocketAddr> = Vec::new();
    for (place, spec) in specs.iter().enumerate().rev() {
        let address = if place == 0 { entrance } else { SocketAddr::from((Ipv4Addr::LOCALHOST, 0)) };
        let behind = match hops.last() {
            Some(hop) => Upstream::Hop(*hop),
            None => Upstream::Pods(list(spec, endpoints, log)),
        };
        let opened = GatedListener::bind(address).and_then(|gate| {
            hops.push(gate.address());
            open_one(spec, gate, &behind, log)
        });
        opened.map_err(|source| NotOpened { address, source })?;
    }
    hops.reverse();
    Ok(hops)
}

fn open_one(spec: &HopSpec, gate: GatedListener, behind: &Upstream, log: &Arc<WorldLog>) -> io::Result<()> {
    let proxy = |config| Proxy::new(config, behind.clone(), Arc::clone(log));
    match (spec, behind) {
        (HopSpec::Service(_), Upstream::Pods(list)) => {
            tokio::spawn(Service::open(gate, Arc::clone(log))?.run(list.clone()));
        }
        (HopSpec::Service(_), Upstream::Hop(_)) => {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "a service passes connections on to pods only"));
        }
        (HopSpec::Ingress(spec), _) => {
            tokio::spawn(Front::open(gate, proxy(ingress_config(spec)), spec.reloads)?.run());
        }
        (HopSpec::Elb(spec), _) => {
            tokio::spawn(Front::open(gate, proxy(elb_config(spec)), Reloads::Never)?.run());
        }
    }
    Ok(())
}

/// The delayed list of pods that a hop routes by.
fn list(spec: &HopSpec, endpoints: &mut Endpoints, log: &Arc<WorldLog>) -> watch::Receiver<List> {
    match spec {
        HopSpec::Service(service) => endpoints.copy(spec.name(), late(service.lag)),
        HopSpec::Ingress(ingress) => endpoints.copy(spec.name(), Lateness { lag: ingress.lag, hold: ingress.hold }),
        HopSpec::Elb(elb) => {
            let registered = endpoints.copy(spec.name(), late(elb.lag));
            elb::healthy(registered, elb.health_check, Arc::clone(log))
        }
    }
}

const fn late(lag: DurationRange) -> Lateness {
    Lateness { lag, hold: DurationRange::ZERO }
}

fn ingress_config(spec: &IngressSpec) -> ProxyConfig {
    ProxyConfig {
        name: "ingress",
        server: "nginx",
        tries: spec.tries as usize,
        connect_timeout: spec.connect_timeout.draw(),
        answer_timeout: spec.answer_timeout.draw(),
    }
}

fn elb_config(spec: &ElbSpec) -> ProxyConfig {
    ProxyConfig {
        name: "elb",
        server: "awselb/2.0",
        tries: 1,
        connect_timeout: spec.connect_timeout.draw(),
        answer_timeout: spec.answer_timeout.draw(),
    }
}
