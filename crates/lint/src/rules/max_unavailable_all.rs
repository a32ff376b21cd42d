//! A rolling update that may take all pods away at once.

use serde_json::json;

use super::prelude::*;
use super::recreate::forced_by;
use crate::manifests::Served;
use crate::quantity::Pods;
use crate::workload::Rolling;

pub(super) const RULE: Rule = Rule {
    name: "max-unavailable-all",
    cause: "max-unavailable",
    clears: true,
    severity: Severity::Error,
    field: "spec.strategy.rollingUpdate.maxUnavailable",
    says: "maxUnavailable allows for no pod at all",
    why: "The controller may end the old pods as soon as new ones are created, ready or not, as many as maxUnavailable \
          says: here all of them.",
    fix: "Use `maxUnavailable: 0` and `maxSurge: 1`: a new pod is ready before an old one goes.",
    scenario: Some("max-unavailable-one.yaml"),
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for served in manifests.served() {
        match (served.workload.strategy(), served.replicas.least) {
            (Strategy::Rolling(rolling), Some(least)) => check_rolling(&served, &rolling, least, outcome),
            (Strategy::PerNode(rolling), _) => {
                outcome.checked(served.workload.object);
                if matches!(rolling.unavailable, Pods::Percent(percent) if percent >= 100) {
                    let field = rolling.field.get("maxUnavailable");
                    let message = "the pods of all nodes may go at once";
                    let patch = json!({"spec": {"updateStrategy": {"rollingUpdate": {"maxUnavailable": 1}}}});
                    outcome.find_served(&served, Severity::Error, &field, message).mend(patch);
                }
            }
            _ => {}
        }
    }
}

fn check_rolling(served: &Served<'_, '_>, rolling: &Rolling<'_>, least: u32, outcome: &mut Outcome) {
    outcome.checked(served.workload.object);
    let (surge, unavailable) = rolling.resolve(least);
    if unavailable < least {
        return;
    }
    let stated = rolling.field.get("maxUnavailable");
    let field = if stated.is_there() { stated } else { rolling.field.get("maxSurge") };
    let pods = if least == 1 { "the only pod".to_owned() } else { format!("all {least} pods") };
    let message = format!("{pods} may go before another one is ready (maxUnavailable {unavailable}, maxSurge {surge})");
    let forced = forced_by(served.workload);
    let severity = if forced.is_some() { Severity::Warning } else { Severity::Error };
    let message = forced.map_or_else(|| message.clone(), |what| format!("{message}; {what} may be the reason for it"));
    let finding = outcome.find_served(served, severity, &field, &message);
    if forced.is_none() {
        finding.mend(json!({"spec": {"strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}}}));
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, holds, shop};

    #[test]
    fn the_only_pod_goes_first() {
        let text = shop("strategy:\n  rollingUpdate:\n    maxUnavailable: 1", "", "");
        let expected = "error spec.strategy.rollingUpdate.maxUnavailable @ maxUnavailable: 1";
        assert_eq!(found("max-unavailable-all", &text), [expected]);
        let text = shop("replicas: 3\nstrategy:\n  rollingUpdate:\n    maxUnavailable: 100%", "", "");
        assert_eq!(found("max-unavailable-all", &text).len(), 1);
        let text = shop("strategy: {rollingUpdate: {maxSurge: 0}}", "", "");
        let expected = "error spec.strategy.rollingUpdate.maxSurge @ strategy: {rollingUpdate: {maxSurge: 0}}";
        assert_eq!(found("max-unavailable-all", &text), [expected], "25 % round to none, so that one may go");
    }

    #[test]
    fn one_of_several_and_the_defaults() {
        assert!(holds(
            "max-unavailable-all",
            &shop("replicas: 2\nstrategy: {rollingUpdate: {maxUnavailable: 1}}", "", "")
        ));
        assert!(holds("max-unavailable-all", &shop("", "", "")));
        assert!(holds("max-unavailable-all", &shop("replicas: 1", "", "")));
    }

    #[test]
    fn an_autoscaler_decides_how_many_there_are() {
        let text = shop("strategy: {rollingUpdate: {maxUnavailable: 1}}", "", "");
        let autoscaler = |least: u32| {
            format!(
                "{text}---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {{name: shop}}\nspec: \
                 {{minReplicas: {least}, scaleTargetRef: {{kind: Deployment, name: shop}}}}\n"
            )
        };
        assert!(holds("max-unavailable-all", &autoscaler(2)));
        assert_eq!(found("max-unavailable-all", &autoscaler(1)).len(), 1);
    }
}
