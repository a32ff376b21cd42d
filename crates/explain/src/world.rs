//! The events of a run as the lives of pods, the endpoints over time, and the settings of the workloads.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use lapse_measure::span::Span;
use lapse_measure::time::Offset;
use lapse_record::event::detail::{ContainerExit, Detail, Notice, Workload};
use lapse_record::event::{Event, EventKind, Object, Source};
use lapse_record::record::Record;

/// How late a cluster's watch may hear of the exit of a container.
const WATCH: Duration = Duration::from_millis(1_500);
/// How late the lab may report what it did itself.
const LAB: Duration = Duration::from_millis(150);

/// The events of a run, in order.
#[derive(Clone, Debug, Default)]
pub struct World<'a> {
    /// Whether a cluster or a lab reported anything: without either, nothing is known of pods.
    pub watched: bool,
    /// How late an event may have been seen: a cluster's watch hears of an exit a second or more after it happened, the
    /// lab knows at once.
    pub heard: Duration,
    /// The pods that any event is about, in the order of their first event.
    pub pods: Vec<PodLife<'a>>,
    /// The number of pods in the endpoints after each change; empty if endpoints were not reported.
    routed: Vec<(Offset, usize)>,
    settings: Vec<(Offset, Option<&'a Object>, &'a Workload)>,
    /// The pods that were created within the run and became ready, in the order of that, by their places in `pods`; with
    /// each the place in this list of the last one before it that is of another template.
    came_ready: Vec<(usize, Option<usize>)>,
    /// All events but the lines of the command's output, of which there may be tens of thousands.
    pub events: Vec<&'a Event>,
}

/// The life of one pod, as far as events told it.
#[derive(Clone, Debug, Default)]
pub struct PodLife<'a> {
    /// The name.
    pub name: &'a str,
    /// The template that it was made from; `None` if that is not known.
    pub template: Option<&'a str>,
    /// When it was created; `None` if it was there before the run.
    pub created: Option<Offset>,
    /// When it became ready for the first time, or the begin of the watch if it was ready then.
    pub ready: Option<Offset>,
    /// When it lost its readiness.
    pub unready: Vec<Offset>,
    /// When its deletion was seen.
    pub deleting: Option<Offset>,
    /// When it was sent SIGTERM; only the lab reports that.
    pub sigterm: Option<Offset>,
    /// When it joined the endpoints first.
    pub joined: Option<Offset>,
    /// When it last left the endpoints.
    pub left: Option<Offset>,
    /// When the exit of its containers was seen, and how each ended.
    pub exits: Vec<(Offset, Option<&'a ContainerExit>)>,
    /// When its containers were started again.
    pub restarts: Vec<Offset>,
    /// When it was gone.
    pub gone: Option<Offset>,
    /// Its own address; `None` if no event gave it.
    pub address: Option<IpAddr>,
}

impl PodLife<'_> {
    /// When the first exit after its deletion was seen, and how the container ended.
    pub fn exited(&self) -> Option<(Offset, Option<&ContainerExit>)> {
        let deleting = self.deleting?;
        self.exits.iter().find(|(at, _)| *at >= deleting).copied()
    }

    /// The time from its deletion to the exit of its first container, as the watch saw both.
    pub fn took_to_end(&self) -> Option<Duration> {
        Some(self.exited()?.0.since(self.deleting?))
    }

    /// Whether the pod was there before the run and was deleted in it.
    pub fn is_old(&self) -> bool {
        self.created.is_none() && self.deleting.is_some()
    }

    /// When it could no longer get or answer requests: it had left the endpoints, or ended.
    pub fn out(&self) -> Option<Offset> {
        [self.left, self.exited().map(|(exited, _)| exited), self.gone].into_iter().flatten().min()
    }

    /// Whether the pod was created within the run, from another template than `old` where both are known.
    pub fn replaces(&self, old: &PodLife<'_>) -> bool {
        self.created.is_some() && self.template.zip(old.template).is_none_or(|(new, old)| new != old)
    }

    /// Whether the pod still is to be counted on at this time: created, and not being deleted.
    pub fn is_wanted(&self, at: Offset) -> bool {
        self.created.is_none_or(|created| created <= at) && self.deleting.is_none_or(|deleting| at < deleting)
    }
}

impl<'a> World<'a> {
    /// The events of this record.
    pub fn of(record: &'a Record) -> Self {
        let events = record.events.iter().filter(|event| !event.kind.is_line()).collect();
        let mut world = Self { events, heard: LAB, ..Self::default() };
        let mut index: BTreeMap<&str, usize> = BTreeMap::new();
        let mut routed: BTreeSet<&str> = BTreeSet::new();
        for event in record.events.iter().filter(|event| !event.kind.is_line()) {
            world.watched |= matches!(event.source, Source::Kubernetes | Source::Lab);
            if event.source == Source::Kubernetes {
                world.heard = WATCH;
            }
            if let Some(Detail::Workload(settings)) = &event.detail {
                world.settings.push((event.at, event.object.as_ref(), settings));
            }
            let Some(object) = event.object.as_ref().filter(|object| object.is_pod()) else { continue };
            let name = object.name.as_str();
            let nth = *index.entry(name).or_insert(world.pods.len());
            if nth == world.pods.len() {
                world.pods.push(PodLife { name, ..PodLife::default() });
            }
            world.pods[nth].apply(event);
            let changed = match event.kind {
                EventKind::EndpointFound | EventKind::EndpointAdded => routed.insert(name),
                EventKind::EndpointRemoved => routed.remove(name),
                _ => false,
            };
            if changed {
                // One update of the list may exchange pods: in between there was no shorter list.
                if world.routed.last().is_some_and(|(at, _)| *at == event.at) {
                    world.routed.pop();
                }
                world.routed.push((event.at, routed.len()));
            }
        }
        world.came_ready = came_ready(&world.pods);
        world
    }

    /// When a pod that replaces `old` became ready, the last time at or before `at`.
    ///
    /// Takes a search of the list, not a walk through it: rules ask this of each pod that ended.
    pub(crate) fn replaced(&self, old: &PodLife<'_>, at: Offset) -> Option<Offset> {
        let ready = |(nth, _): &(usize, Option<usize>)| self.pods[*nth].ready;
        let before = self.came_ready.partition_point(|each| ready(each) <= Some(at));
        let (nth, other) = self.came_ready[..before].last()?;
        if self.pods[*nth].replaces(old) { self.pods[*nth].ready } else { ready(self.came_ready.get((*other)?)?) }
    }

    /// The number of pods in the endpoints at this time; `None` if endpoints were not reported.
    pub fn routed(&self, at: Offset) -> Option<usize> {
        let first = self.routed.first()?;
        let nth = self.routed.partition_point(|(changed, _)| *changed <= at);
        Some(nth.checked_sub(1).map_or(first.1, |nth| self.routed[nth].1))
    }

    /// The fewest pods in the endpoints at any time of this span, and when that began.
    pub fn fewest_routed(&self, span: Span) -> Option<(usize, Offset)> {
        let changes = self.routed.iter().filter(|(at, _)| span.from < *at && *at <= span.to);
        let all = changes.map(|(at, count)| (*count, *at));
        std::iter::once((self.routed(span.from)?, span.from)).chain(all).min()
    }

    /// The first time from `from` on at which a pod was in the endpoints again.
    pub fn routed_again(&self, from: Offset) -> Option<Offset> {
        self.routed.iter().find(|(at, count)| *at > from && *count > 0).map(|(at, _)| *at)
    }

    /// The settings of the pods that a rollout replaces at this time: those from before it.
    pub fn old_settings(&self, at: Offset) -> Option<&'a Workload> {
        let newest = self.settings(at)?;
        let before = self.settings.iter().filter(|(from, ..)| *from <= at).map(|(_, _, settings)| *settings);
        Some(before.rev().find(|settings| settings.template != newest.template).unwrap_or(newest))
    }

    /// The settings of the workload whose rollout was the last to begin before this time, which are those of the new
    /// pods; those of the first workload if none had begun. A workload that wants no pods has no new ones: the old
    /// version of a blue-green switch may change last.
    pub fn settings(&self, at: Offset) -> Option<&'a Workload> {
        let known = || self.settings.iter().filter(|(.., settings)| settings.replicas > 0);
        known().rfind(|(from, ..)| *from <= at).or_else(|| known().next()).map(|(_, _, settings)| *settings)
    }

    /// Consecutive settings of the same workload, each with the one before.
    pub fn setting_changes(&self) -> impl Iterator<Item = (Offset, &'a Workload, &'a Workload)> + '_ {
        self.settings.iter().enumerate().filter_map(|(nth, (at, object, after))| {
            let before = self.settings[..nth].iter().rfind(|(_, other, _)| other == object)?;
            Some((*at, before.2, *after))
        })
    }

    /// The events of these kinds within a span.
    pub fn events_of<'s>(&'s self, span: Span, kinds: &'s [EventKind]) -> impl Iterator<Item = &'a Event> + 's {
        self.events
            .iter()
            .copied()
            .filter(move |event| span.from <= event.at && event.at <= span.to && kinds.contains(&event.kind))
    }

    /// The Events of the cluster with one of these reasons within a span.
    pub fn notices<'s>(
        &'s self,
        span: Span,
        reasons: &'s [&str],
    ) -> impl Iterator<Item = (&'a Event, &'a Notice)> + 's {
        self.events.iter().copied().filter(move |event| span.from <= event.at && event.at <= span.to).filter_map(
            |event| match &event.detail {
                Some(Detail::Notice(notice)) if reasons.contains(&notice.reason.as_str()) => Some((event, notice)),
                _ => None,
            },
        )
    }

    /// Whether anything was rolled out or deleted in the run.
    pub fn rolled(&self) -> bool {
        self.events.iter().any(|event| event.kind.rolls())
    }
}

impl<'a> PodLife<'a> {
    fn apply(&mut self, event: &'a Event) {
        let at = event.at;
        self.address = self.address.or(event.address);
        match event.kind {
            EventKind::PodFound | EventKind::PodReady => self.ready = self.ready.or(Some(at)),
            EventKind::PodCreated => self.created = self.created.or(Some(at)),
            EventKind::PodUnready => self.unready.push(at),
            EventKind::PodDeleting => self.deleting = self.deleting.or(Some(at)),
            EventKind::PodSigterm => self.sigterm = self.sigterm.or(Some(at)),
            // The lab creates its first pods within the run, and has them listed before the first probe.
            EventKind::EndpointFound => (self.created, self.joined) = (None, self.joined.or(Some(at))),
            EventKind::EndpointAdded => self.joined = self.joined.or(Some(at)),
            EventKind::EndpointRemoved => self.left = Some(at),
            EventKind::ContainerExited => {
                let exit = if let Some(Detail::Exit(exit)) = &event.detail { Some(exit) } else { None };
                self.exits.push((at, exit));
            }
            EventKind::ContainerRestarted | EventKind::PodRestarting => self.restarts.push(at),
            EventKind::PodGone => self.gone = self.gone.or(Some(at)),
            _ => {}
        }
        if let Some(Detail::PodTemplate(template)) = &event.detail {
            self.template = Some(template);
        }
    }
}

/// The pods that were created within the run and became ready, in the order of that, each with the last one before it that
/// is of another template.
fn came_ready(pods: &[PodLife<'_>]) -> Vec<(usize, Option<usize>)> {
    let new = |nth: &usize| pods[*nth].created.is_some() && pods[*nth].ready.is_some();
    let mut order: Vec<usize> = (0..pods.len()).filter(new).collect();
    order.sort_by_key(|nth| pods[*nth].ready);
    let mut all: Vec<(usize, Option<usize>)> = Vec::with_capacity(order.len());
    for (place, nth) in order.into_iter().enumerate() {
        let before = all.last().map(|(last, other)| {
            // One whose template is not known replaces any.
            let same = pods[*last].template.is_some() && pods[*last].template == pods[nth].template;
            if same { *other } else { place.checked_sub(1) }
        });
        all.push((nth, before.flatten()));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: [Option<u64>; 3] = [None, Some(1), Some(2)];
    const TEMPLATES: [Option<&str>; 3] = [None, Some("a"), Some("b")];

    /// A pod of one of 18 kinds: by whether it is new, its template, and when it became ready.
    fn pod(kind: usize) -> PodLife<'static> {
        let second = |number| Offset::from_nanos(number * 1_000_000_000);
        PodLife {
            created: (kind % 2 == 1).then_some(Offset::ZERO),
            template: TEMPLATES[kind / 2 % 3],
            ready: TIMES[kind / 6].map(second),
            ..PodLife::default()
        }
    }

    #[test]
    fn the_last_replacement_is_what_a_walk_through_all_pods_finds() {
        for kinds in 0..18_usize.pow(3) {
            let pods: Vec<PodLife<'static>> = (0..3).map(|nth| pod(kinds / 18_usize.pow(nth) % 18)).collect();
            let world = World { came_ready: came_ready(&pods), pods, ..World::default() };
            for template in TEMPLATES {
                let old = PodLife { template, ..PodLife::default() };
                for at in [0, 1, 2].map(|second| Offset::from_nanos(second * 1_000_000_000)) {
                    let of_all = world.pods.iter().filter(|new| new.replaces(&old)).filter_map(|new| new.ready);
                    assert_eq!(world.replaced(&old, at), of_all.filter(|ready| *ready <= at).max(), "{:?}", world.pods);
                }
            }
        }
    }
}
