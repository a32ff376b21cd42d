//! What happens to the service during the run: nothing, a command, or the acts of a scenario.

use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::sleep;

use crate::command::{self, Command, Output, Running, SpawnError};
use lapse_hammer::clock::Clock;
use lapse_lab::world::World;
use lapse_measure::time::Offset;
use lapse_record::entry::Exit;
use lapse_record::event::{Event, Source};

/// How long a command may take to end after it was asked to, before it is made to.
const PATIENCE: Duration = Duration::from_secs(3);
/// What lies between two acts, so that one's aftermath is not the other's.
const BETWEEN_ACTS: Duration = Duration::from_secs(2);

/// What it does.
#[derive(Debug)]
pub(crate) enum Happening {
    /// An act of a scenario begins.
    Act(String, Offset),
    /// Something happened.
    Event(Event),
    /// The command ended.
    Exit(Exit),
    /// It is over.
    Done,
}

/// What it is told.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    /// Somebody sent this.
    Signal(Signal),
    /// Let go of everything at once.
    EndNow,
}

/// An activity that can begin at once.
#[derive(Debug)]
pub(crate) enum ReadyActivity {
    /// Nothing happens until then.
    Nothing(Offset),
    /// A command, and where its output goes.
    Command(Command, Output),
    /// The acts of a scenario, by name, in its world.
    Acts(Arc<World>, Vec<String>),
}

impl ReadyActivity {
    /// Begins. Fails with what to say of it if the command does not start.
    pub(crate) fn begin(self, clock: Clock) -> Result<RunningActivity, SpawnError> {
        Ok(match self {
            Self::Nothing(end) => RunningActivity::nothing(end, clock),
            Self::Command(command, output) => RunningActivity::command(command.spawn(move || clock.now(), output)?),
            Self::Acts(world, names) => RunningActivity::acts(world, names, clock),
        })
    }
}

/// The subject at work, in a task of its own.
#[derive(Debug)]
pub(crate) struct RunningActivity {
    happenings: UnboundedReceiver<Happening>,
    orders: UnboundedSender<Order>,
}

impl RunningActivity {
    /// Nothing happens until `end`.
    pub(crate) fn nothing(end: Offset, clock: Clock) -> Self {
        Self::spawn(move |happenings, mut orders| async move {
            tokio::select! {
                () = sleep(clock.until(end)) => {}
                _ = orders.recv() => {}
            }
            let _ = happenings.send(Happening::Done);
        })
    }

    /// A command runs.
    pub(crate) fn command(running: Running) -> Self {
        Self::spawn(|happenings, orders| follow(running, happenings, orders))
    }

    /// The acts of a scenario are played in its world.
    pub(crate) fn acts(world: Arc<World>, names: Vec<String>, clock: Clock) -> Self {
        Self::spawn(move |happenings, mut orders| async move {
            let play = async {
                for (place, name) in names.into_iter().enumerate() {
                    if place > 0 {
                        sleep(BETWEEN_ACTS).await;
                    }
                    let _ = happenings.send(Happening::Act(name, clock.now()));
                    if let Err(error) = world.roll(place).await {
                        let text = error.to_string();
                        let _ = happenings.send(Happening::Event(Event::new(clock.now(), Source::Lab, "failed", text)));
                    }
                }
            };
            tokio::select! {
                () = play => {}
                _ = orders.recv() => {}
            }
            let _ = happenings.send(Happening::Done);
        })
    }

    fn spawn<T>(task: impl FnOnce(UnboundedSender<Happening>, UnboundedReceiver<Order>) -> T) -> Self
    where
        T: Future<Output = ()> + Send + 'static,
    {
        let ((happened, happenings), (orders, ordered)) = (unbounded_channel(), unbounded_channel());
        tokio::spawn(task(happened, ordered));
        Self { happenings, orders }
    }

    /// What happens next; [`Happening::Done`] once it is over.
    pub(crate) async fn next(&mut self) -> Happening {
        self.happenings.recv().await.unwrap_or(Happening::Done)
    }

    /// Tells it something. If it is over already, that is all right.
    pub(crate) fn order(&self, order: Order) {
        let _ = self.orders.send(order);
    }
}

/// Follows a command to its end. The first signal asks it to end, and it is made to if it does not.
async fn follow(mut running: Running, happenings: UnboundedSender<Happening>, mut orders: UnboundedReceiver<Order>) {
    let mut asked = false;
    let mut patience = std::pin::pin!(None);
    loop {
        let late = async {
            match patience.as_mut().as_pin_mut() {
                Some(patience) => patience.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            happening = running.next() => match happening {
                Some(command::Happening::Line(event)) => drop(happenings.send(Happening::Event(event))),
                Some(command::Happening::Exited(exit)) => drop(happenings.send(Happening::Exit(exit))),
                None => break,
            },
            Some(order) = orders.recv() => match order {
                Order::Signal(signal) if !asked => {
                    asked = true;
                    running.signal(signal);
                    patience.set(Some(sleep(PATIENCE)));
                }
                Order::Signal(_) | Order::EndNow => running.end_now(),
            },
            () = late => {
                running.end();
                patience.set(None);
            }
        }
    }
    let _ = happenings.send(Happening::Done);
}
