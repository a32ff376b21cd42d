//! What an upgrade from one release to the next does to the pods that serve.

use super::Source;
use super::manifests::Manifests;
use super::object;
use super::rollout::{self, Rollout};
use super::workload::Workload;

/// What an upgrade does to the pods that serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upgrade {
    /// The pod template of the workload changes: its pods are replaced. With the workload as it was before.
    Replaced(Box<Rollout>),
    /// The pod template stays: no pod is replaced.
    Unchanged,
    /// The Service is switched to the pods of this workload from those of another.
    Switched(Box<Switched>),
    /// Before the upgrade nothing served where the workload serves after it.
    Installed,
}

/// A Service that is switched from the pods of one workload to those of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switched {
    /// The workload whose pods served before.
    pub from: Rollout,
    /// The pods that the next workload has before the upgrade.
    pub standby: Standby,
    /// Whether the pods that served before stay.
    pub keeps_old: bool,
}

/// The pods of a workload to which a Service is switched, before the upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standby {
    /// There are none: the workload is new, or scaled to none.
    None,
    /// They are there, and stay.
    Stays,
    /// They are there, and the upgrade replaces them as well.
    Replaced,
}

/// What the upgrade from the release `before` to the release `after`, of which `rollout` is one, does to the pods that serve.
pub fn upgrade(before: &[Source<'_>], after: &[Source<'_>], rollout: &Rollout) -> Upgrade {
    let (before, after) = (object::read(before), object::read(after));
    let (before, after) = (Manifests::new(&before.objects, None), Manifests::new(&after.objects, None));
    let Some(now) = after.workloads.iter().find(|workload| workload.object.named == rollout.workload) else {
        return Upgrade::Installed;
    };
    let then = before.same_workload(now);
    let stays = then.is_some_and(|then| then.template.to_json() == now.template.to_json());
    let served = before.served();
    if let Some(old) = served.iter().find(|served| then.is_some_and(|then| served.workload.index == then.index)) {
        return if stays { Upgrade::Unchanged } else { Upgrade::Replaced(Box::new(rollout::of(&before, old))) };
    }
    let olds = served.iter().map(|served| (served.workload, rollout::of(&before, served)));
    let shares = |old: &Rollout| old.services.iter().any(|service| rollout.services.contains(service));
    let Some((workload, from)) = olds.into_iter().find(|(_, old)| shares(old)) else { return Upgrade::Installed };
    let has_pods = |manifests: &Manifests<'_>, workload: &Workload<'_>| manifests.replicas_of(workload) != Some(0);
    let standby = match then.filter(|then| has_pods(&before, then)) {
        None => Standby::None,
        Some(_) if stays => Standby::Stays,
        Some(_) => Standby::Replaced,
    };
    let keeps_old = after.same_workload(workload).is_some_and(|stayed| has_pods(&after, stayed));
    Upgrade::Switched(Box::new(Switched { from, standby, keeps_old }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollout::rollouts;

    fn deployment(name: &str, replicas: u32, image: &str) -> String {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec: {{replicas: {replicas}, template: {{metadata: {{labels: {{slot: {name}}}}}, spec: {{containers: [{{name: web, image: {image}}}]}}}}}}\n---\n"
        )
    }

    fn release(slot: &str, deployments: &[String]) -> String {
        let service = format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: shop}}\nspec: {{selector: {{slot: {slot}}}, ports: [{{port: 80}}]}}\n"
        );
        format!("{}{service}", deployments.concat())
    }

    fn upgrades(before: &str, after: &str) -> Upgrade {
        let source = |text: &'static str| [Source { name: "-", text: text.as_bytes() }];
        let [before, after] = [before, after].map(|text| source(Box::leak(text.to_owned().into_boxed_str())));
        let all = rollouts(&after).all;
        assert_eq!(all.len(), 1, "{all:?}");
        upgrade(&before, &after, &all[0])
    }

    #[test]
    fn a_template_that_changes_replaces_pods_and_a_number_does_not() {
        let of = |replicas, image| release("only", &[deployment("only", replicas, image)]);
        let Upgrade::Replaced(old) = upgrades(&of(2, "a"), &of(2, "b")) else { panic!("not replaced") };
        assert_eq!((old.workload.name.as_str(), old.replicas), ("only", 2));
        assert_eq!(upgrades(&of(2, "a"), &of(3, "a")), Upgrade::Unchanged);
        assert_eq!(upgrades("", &of(2, "a")), Upgrade::Installed);
    }

    #[test]
    fn a_selector_that_changes_switches_to_a_standby_that_is_there_or_not() {
        let of = |slot, blue, green, image| {
            release(slot, &[deployment("blue", blue, "a"), deployment("green", green, image)])
        };
        for (before, after, standby, keeps_old) in [
            (of("blue", 2, 2, "b"), of("green", 2, 2, "b"), Standby::Stays, true),
            (of("blue", 2, 2, "b"), of("green", 0, 2, "b"), Standby::Stays, false),
            (of("blue", 2, 0, "b"), of("green", 2, 2, "b"), Standby::None, true),
            (of("blue", 2, 2, "b"), of("green", 2, 2, "c"), Standby::Replaced, true),
            (release("blue", &[deployment("blue", 2, "a")]), of("green", 2, 2, "b"), Standby::None, true),
        ] {
            let Upgrade::Switched(switched) = upgrades(&before, &after) else { panic!("not switched: {after}") };
            assert_eq!(
                (switched.from.workload.name.as_str(), switched.standby, switched.keeps_old),
                ("blue", standby, keeps_old)
            );
        }
    }
}
