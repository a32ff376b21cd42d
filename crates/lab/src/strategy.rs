//! Rollout strategies, with the arithmetic of the Deployment controller.
//!
//! A pure function of the number of pods: how many to create and to delete next. Pods that are being deleted do not
//! count, as in Kubernetes.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};

use super::duration_range::DurationRange;

/// The word of a scenario for old pods that stay.
const ALWAYS: &str = "always";

/// A number of pods, absolute or as a percentage of the replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// An absolute number of pods.
    Number(u32),
    /// A percentage of the replicas.
    Percent(u32),
}

/// How a rollout replaces old pods with new ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Strategy {
    /// Replaces a few pods at a time.
    RollingUpdate(RollingUpdate),
    /// Deletes all old pods and waits until they are gone before it creates new ones.
    Recreate,
    /// Creates a second set of pods, then switches the Service's selector.
    BlueGreen(BlueGreen),
}

/// The limits of a rolling update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RollingUpdate {
    /// The maximum number of pods beyond the replicas.
    pub max_surge: Quantity,
    /// The maximum number of replicas that may be unavailable.
    pub max_unavailable: Quantity,
    /// The time for which a pod must have been ready to count as available.
    #[serde(skip_serializing_if = "DurationRange::is_nothing")]
    pub min_ready: DurationRange,
}

/// The timing of a blue-green rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct BlueGreen {
    /// When the selector is switched.
    pub switch: Switch,
    /// For how long the old pods stay after the switch.
    pub keep_old: KeepOld,
}

/// For how long old pods stay after the switch to new ones; `always`, or a length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub enum KeepOld {
    /// So long, and then they are deleted.
    For(DurationRange),
    /// They are not deleted.
    Always,
}

/// When the selector is switched to the new pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Switch {
    /// As soon as the new pods exist, ready or not.
    WhenCreated,
    /// Once all new pods are ready.
    WhenReady,
}

/// The numbers of pods that are not being deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Old pods.
    pub old: u32,
    /// Old pods that are available.
    pub old_available: u32,
    /// New pods.
    pub new: u32,
    /// New pods that are available.
    pub new_available: u32,
}

/// The next step of a rolling update.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// The number of new pods to create.
    pub create: u32,
    /// The number of old pods to delete; unavailable ones go first.
    pub delete: u32,
}

// === impl Quantity ===

impl Quantity {
    fn of(self, replicas: u32, round: impl Fn(u64) -> u64) -> u32 {
        match self {
            Self::Number(number) => number,
            Self::Percent(percent) => {
                u32::try_from(round(u64::from(percent) * u64::from(replicas))).unwrap_or(u32::MAX)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(QuantityVisitor)
    }
}

impl serde::Serialize for Quantity {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => serializer.serialize_u32(*number),
            Self::Percent(percent) => serializer.collect_str(&format_args!("{percent}%")),
        }
    }
}

struct QuantityVisitor;

impl Visitor<'_> for QuantityVisitor {
    type Value = Quantity;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of pods such as 1, or a share of the replicas such as 25%")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Quantity, E> {
        let refused = |_| E::invalid_value(de::Unexpected::Unsigned(number), &self);
        u32::try_from(number).map(Quantity::Number).map_err(refused)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Quantity, E> {
        let refused = |_| E::invalid_value(de::Unexpected::Signed(number), &self);
        u32::try_from(number).map(Quantity::Number).map_err(refused)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Quantity, E> {
        let percent = text.strip_suffix('%').and_then(|number| number.parse().ok());
        percent.map(Quantity::Percent).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

// === impl Strategy ===

impl Default for Strategy {
    fn default() -> Self {
        Self::RollingUpdate(RollingUpdate::default())
    }
}

impl Default for BlueGreen {
    fn default() -> Self {
        Self { switch: Switch::WhenReady, keep_old: KeepOld::For(DurationRange::ZERO) }
    }
}

impl TryFrom<String> for KeepOld {
    type Error = <DurationRange as TryFrom<String>>::Error;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text == ALWAYS { Ok(Self::Always) } else { text.try_into().map(Self::For) }
    }
}

impl serde::Serialize for KeepOld {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::For(length) => length.serialize(serializer),
            Self::Always => serializer.serialize_str(ALWAYS),
        }
    }
}

impl Default for RollingUpdate {
    fn default() -> Self {
        Self {
            max_surge: Quantity::Percent(25),
            max_unavailable: Quantity::Percent(25),
            min_ready: DurationRange::ZERO,
        }
    }
}

// === impl RollingUpdate ===

impl RollingUpdate {
    /// The number of pods allowed beyond `replicas`; percentages are rounded up.
    pub fn surge(&self, replicas: u32) -> u32 {
        self.max_surge.of(replicas, |hundredths| hundredths.div_ceil(100))
    }

    /// The number of replicas that may be unavailable; percentages are rounded down. If that and the surge are both
    /// zero it is one, or the rollout could never move.
    pub fn unavailable(&self, replicas: u32) -> u32 {
        let unavailable = self.max_unavailable.of(replicas, |hundredths| hundredths / 100).min(replicas);
        if unavailable == 0 && self.surge(replicas) == 0 { 1 } else { unavailable }
    }

    /// Whether surge and unavailable are both written as 0, which Kubernetes refuses.
    pub fn is_stuck(&self) -> bool {
        let nothing = |quantity| matches!(quantity, Quantity::Number(0) | Quantity::Percent(0));
        nothing(self.max_surge) && nothing(self.max_unavailable)
    }

    /// The next step towards `replicas` new pods; an empty step while the update waits for pods.
    pub fn next(&self, replicas: u32, census: Census) -> Step {
        let room = (replicas.saturating_add(self.surge(replicas))).saturating_sub(census.old + census.new);
        let create = room.min(replicas.saturating_sub(census.new));
        let needed = replicas - self.unavailable(replicas);
        let new_unavailable = census.new - census.new_available;
        let spare = (census.old + census.new).saturating_sub(needed + new_unavailable);
        let unhealthy = (census.old - census.old_available).min(spare);
        let healthy = (census.old_available + census.new_available).saturating_sub(needed).min(census.old_available);
        Step { create, delete: unhealthy + healthy.min(spare - unhealthy) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rolling(surge: Quantity, unavailable: Quantity) -> RollingUpdate {
        RollingUpdate { max_surge: surge, max_unavailable: unavailable, min_ready: DurationRange::ZERO }
    }

    #[test]
    fn shares_round_as_kubernetes_rounds_them() {
        let quarter = RollingUpdate::default();
        let both = |replicas| (quarter.surge(replicas), quarter.unavailable(replicas));
        assert_eq!([1, 2, 3, 4, 5].map(both), [(1, 0), (1, 0), (1, 0), (1, 1), (2, 1)]);
        let tiny = rolling(Quantity::Number(0), Quantity::Percent(10));
        assert_eq!((tiny.surge(2), tiny.unavailable(2), tiny.is_stuck()), (0, 1, false));
        assert!(rolling(Quantity::Number(0), Quantity::Percent(0)).is_stuck());
    }

    #[test]
    fn an_old_pod_goes_only_when_a_new_one_is_available() {
        let one_by_one = rolling(Quantity::Number(1), Quantity::Number(0));
        let census = |new, new_available| Census { old: 2, old_available: 2, new, new_available };
        assert_eq!(one_by_one.next(2, census(0, 0)), Step { create: 1, delete: 0 });
        assert_eq!(one_by_one.next(2, census(1, 0)), Step::default());
        assert_eq!(one_by_one.next(2, census(1, 1)), Step { create: 0, delete: 1 });
    }

    fn quantity() -> impl Generator<Value = Quantity> {
        prop_oneof![(0_u32..8).prop_map(Quantity::Number), (0_u32..=120).prop_map(Quantity::Percent)]
    }
    use proptest::strategy::Strategy as Generator;

    proptest! {
        /// For any order in which new pods become available, the limits hold at each step, and the rollout ends.
        #[test]
        fn a_rollout_keeps_its_limits_and_comes_to_an_end(
            replicas in 0_u32..20, surge in quantity(), unavailable in quantity(), ready in prop::collection::vec(0_u32..4, 1..9),
        ) {
            let update = rolling(surge, unavailable);
            let mut census = Census { old: replicas, old_available: replicas, new: 0, new_available: 0 };
            let mut turns = ready.iter().cycle();
            for turn in 0.. {
                prop_assert!(turn < 500, "no end: {census:?}");
                if census.old == 0 && census.new_available == replicas {
                    break;
                }
                let step = update.next(replicas, census);
                census.new += step.create;
                census.old -= step.delete;
                census.old_available = census.old_available.min(census.old);
                prop_assert!(census.old + census.new <= replicas + update.surge(replicas));
                prop_assert!(census.old_available + census.new_available >= replicas - update.unavailable(replicas));
                let arrives = turns.next().copied().unwrap_or(0).max(u32::from(turn % 9 == 8));
                census.new_available = census.new.min(census.new_available + arrives);
            }
        }
    }
}
