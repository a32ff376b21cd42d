//! The activity of a run: nothing, a command, or the acts of a scenario.

use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::sleep;

use crate::command::{self, Command, Output, Running, SpawnError};
use lapse_hammer::clock::Clock;
use lapse_lab::world::World;
use lapse_measure::time::{Human, Offset};
use lapse_record::entry::Exit;
use lapse_record::event::{Event, EventKind, Source};

/// The time that a signalled command gets to end before it is killed.
const SIGNAL_GRACE: Duration = Duration::from_secs(3);
/// The pause between two acts, so that failures after one are not taken for the other's.
const BETWEEN_ACTS: Duration = Duration::from_secs(2);

/// An update from a running activity.
#[derive(Debug)]
pub(crate) enum ActivityUpdate {
    /// An act of the scenario begins, at that offset.
    Act(String, Offset),
    /// An event of the command or of the scenario.
    Event(Event),
    /// The command ended.
    Exit(Exit),
    /// The activity goes on for longer than it may, for this reason, and completes here.
    Overdue(String),
    /// The activity is complete.
    Done,
}

/// An order to a running activity.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    /// Forwards a signal that the user sent.
    Signal(Signal),
    /// Ends the activity at once.
    EndNow,
}

/// An activity that can begin at once.
#[derive(Debug)]
pub(crate) enum ReadyActivity {
    /// An activity without effect, and when it ends.
    Nothing(Offset),
    /// What another program does meanwhile, and the time after which its end is no longer waited for.
    Asked(Duration),
    /// A command, and where its output goes.
    Command(Command, Output),
    /// The world of a scenario, and the names of its acts.
    Acts(Arc<World>, Vec<String>),
}

impl ReadyActivity {
    /// Starts the activity. Fails if the command cannot be started.
    pub(crate) fn begin(self, clock: Clock) -> Result<RunningActivity, SpawnError> {
        Ok(match self {
            Self::Nothing(end) => RunningActivity::nothing(end, clock),
            Self::Asked(limit) => RunningActivity::asked(limit),
            Self::Command(command, output) => RunningActivity::command(command.spawn(move || clock.now(), output)?),
            Self::Acts(world, names) => RunningActivity::acts(world, names, clock),
        })
    }
}

/// A running activity, in a task of its own.
#[derive(Debug)]
pub(crate) struct RunningActivity {
    updates: UnboundedReceiver<ActivityUpdate>,
    orders: UnboundedSender<Order>,
}

impl RunningActivity {
    /// An activity without effect that completes at `end`.
    pub(crate) fn nothing(end: Offset, clock: Clock) -> Self {
        Self::spawn(move |updates, mut orders| async move {
            tokio::select! {
                () = sleep(clock.until(end)) => {}
                _ = orders.recv() => {}
            }
            let _ = updates.send(ActivityUpdate::Done);
        })
    }

    /// An activity of another program, which completes when that says so, or after `limit`.
    pub(crate) fn asked(limit: Duration) -> Self {
        Self::spawn(move |updates, mut orders| async move {
            tokio::select! {
                () = sleep(limit) => {
                    let why = format!("nothing ended the event within {}: what came later was not measured", Human(limit));
                    let _ = updates.send(ActivityUpdate::Overdue(why));
                }
                _ = orders.recv() => {}
            }
            let _ = updates.send(ActivityUpdate::Done);
        })
    }

    /// An activity that follows a running command.
    pub(crate) fn command(running: Running) -> Self {
        Self::spawn(|updates, orders| follow(running, updates, orders))
    }

    /// An activity that performs the acts of a scenario in its world.
    pub(crate) fn acts(world: Arc<World>, names: Vec<String>, clock: Clock) -> Self {
        Self::spawn(move |updates, mut orders| async move {
            let play = async {
                for (place, name) in names.into_iter().enumerate() {
                    if place > 0 {
                        sleep(BETWEEN_ACTS).await;
                    }
                    let _ = updates.send(ActivityUpdate::Act(name, clock.now()));
                    if let Err(error) = world.roll(place).await {
                        let text = error.to_string();
                        let _ = updates.send(ActivityUpdate::Event(Event::new(
                            clock.now(),
                            Source::Lab,
                            EventKind::Failed,
                            text,
                        )));
                    }
                }
            };
            tokio::select! {
                () = play => {}
                _ = orders.recv() => {}
            }
            let _ = updates.send(ActivityUpdate::Done);
        })
    }

    fn spawn<T>(task: impl FnOnce(UnboundedSender<ActivityUpdate>, UnboundedReceiver<Order>) -> T) -> Self
    where
        T: Future<Output = ()> + Send + 'static,
    {
        let ((happened, updates), (orders, ordered)) = (unbounded_channel(), unbounded_channel());
        tokio::spawn(task(happened, ordered));
        Self { updates, orders }
    }

    /// The next update; [`ActivityUpdate::Done`] once the activity is complete.
    pub(crate) async fn next(&mut self) -> ActivityUpdate {
        self.updates.recv().await.unwrap_or(ActivityUpdate::Done)
    }

    /// Sends an order; ignored if the activity is complete.
    pub(crate) fn order(&self, order: Order) {
        let _ = self.orders.send(order);
    }
}

/// Follows a command to its end. The first signal asks it to end; if it does not, it is killed.
async fn follow(mut running: Running, updates: UnboundedSender<ActivityUpdate>, mut orders: UnboundedReceiver<Order>) {
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
            update = running.next() => match update {
                Some(command::CommandUpdate::Line(event)) => drop(updates.send(ActivityUpdate::Event(event))),
                Some(command::CommandUpdate::Exited(exit)) => drop(updates.send(ActivityUpdate::Exit(exit))),
                None => break,
            },
            Some(order) = orders.recv() => match order {
                Order::Signal(signal) if !asked => {
                    asked = true;
                    running.signal(signal);
                    patience.set(Some(sleep(SIGNAL_GRACE)));
                }
                Order::Signal(_) | Order::EndNow => running.end_now(),
            },
            () = late => {
                running.end();
                patience.set(None);
            }
        }
    }
    let _ = updates.send(ActivityUpdate::Done);
}
