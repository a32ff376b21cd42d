//! Serves a world to external clients and performs its acts, without measuring.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::sleep;

use super::ledger::Ledger;
use super::scenario::Scenario;
use super::world::{Error, World};
use lapse_measure::time::Offset;
use lapse_record::event::Event;

/// The pause between two acts that start without being asked for.
const PAUSE: Duration = Duration::from_secs(2);

/// The condition on which each act starts.
#[derive(Debug)]
pub enum Trigger {
    /// The first act starts at once, the others follow.
    AtOnce,
    /// The first act starts with the first request, the others follow.
    FirstRequest,
    /// Each act starts with a message, such as one per key press; a closed channel starts no more.
    Asked(mpsc::Receiver<()>),
}

/// A scenario to serve, with its address and the condition on which its acts start.
#[derive(Debug)]
pub struct ServeConfig {
    /// The scenario.
    pub scenario: Scenario,
    /// The address of the outermost hop.
    pub listen: SocketAddr,
    /// The condition on which each act of the scenario starts.
    pub trigger: Trigger,
}

/// Serves the scenario of `config` and performs its acts, then goes on serving until `ended` resolves. Returns the
/// ledger.
pub async fn serve(
    config: ServeConfig,
    now: impl Fn() -> Offset + Clone + Send + Sync + 'static,
    events: mpsc::UnboundedSender<Event>,
    ended: impl Future<Output = ()>,
) -> Result<Ledger, Error> {
    let ServeConfig { scenario, listen, mut trigger } = config;
    let world = World::start_at(listen, scenario, now, events).await?;
    let result = tokio::select! {
        () = ended => Ok(()),
        error = perform(&world, &mut trigger) => error,
    };
    let ledger = world.ledger();
    world.stop().await;
    result.map(|()| ledger)
}

/// Performs all acts, then waits for ever; returns only an error.
async fn perform(world: &World, trigger: &mut Trigger) -> Result<(), Error> {
    for act in 0..world.scenario().acts().len() {
        match trigger {
            Trigger::AtOnce | Trigger::FirstRequest if act > 0 => sleep(PAUSE).await,
            Trigger::AtOnce => {}
            Trigger::FirstRequest => world.visited().await,
            Trigger::Asked(asked) => {
                if asked.recv().await.is_none() {
                    break;
                }
            }
        }
        world.roll(act).await?;
    }
    std::future::pending().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubelet::probe_ok;
    use lapse_hammer::clock::Clock;
    use lapse_record::event::EventKind;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn the_first_request_starts_the_rollout() {
        let clock = Clock::start();
        let scenario = Scenario::parse(include_str!("../../../scenarios/recreate.yaml")).unwrap();
        let listen = free_port();
        let (events, mut told) = mpsc::unbounded_channel();
        let (end, ended) = oneshot::channel::<()>();
        let ended = async { drop(ended.await) };
        let config = ServeConfig { scenario, listen, trigger: Trigger::FirstRequest };
        let served = serve(config, move || clock.now(), events, ended);
        let visit = async {
            let mut kinds = Vec::new();
            while let Some(event) = told.recv().await {
                if event.kind == EventKind::WorldReady {
                    assert!(!kinds.contains(&EventKind::RolloutStarted));
                    // Only the request matters: the rollout may already affect its answer.
                    probe_ok(listen, "/").await;
                } else if event.kind == EventKind::OldPodsGone {
                    break;
                }
                kinds.push(event.kind);
            }
            assert!(kinds.contains(&EventKind::RolloutComplete), "{kinds:?}");
            drop(end);
        };
        let (ledger, ()) = tokio::join!(served, visit);
        assert!(!ledger.unwrap().entries.is_empty());
    }

    fn free_port() -> SocketAddr {
        std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
    }
}
