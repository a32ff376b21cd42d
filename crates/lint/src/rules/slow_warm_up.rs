//! A Java program with little CPU that takes its full share as soon as it is ready.

use super::prelude::*;
use crate::quantity::millicores;

pub(super) const RULE: Rule = Rule {
    name: "slow-warm-up",
    cause: "slow-warm-up",
    clears: false,
    severity: Severity::Note,
    field: "spec.template.spec.containers[*].resources.limits.cpu",
    says: "a Java program with at most one CPU and no time to warm up",
    why: "A Java program is slow until its code is compiled, and compiling takes CPU. With its full share of requests at \
          once it answers late for some ten seconds, or not in time.",
    fix: "Warm it up before it is ready, set `minReadySeconds: 30`, and leave room over the CPU request.",
    scenario: Some("slow-warm-up.yaml"),
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for served in manifests.served() {
        let patience = served.workload.spec.get("minReadySeconds").integer().unwrap_or(0);
        for container in served.answering().filter(|container| container.image().is_java()) {
            outcome.checked(served.workload.object);
            let field = container.field.dig("resources.limits.cpu");
            let Some(cpu) = field.text() else { continue };
            if patience < 10 && millicores(cpu).is_some_and(|cpu| cpu <= 1000) {
                let message = format!("container `{}` runs Java on at most `{cpu}` of a CPU", container.name);
                outcome.find_served(&served, Severity::Note, &field, &message);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, holds, shop};

    #[test]
    fn java_on_little_cpu() {
        let text = shop("", "", "resources:\n  limits:\n    cpu: 500m").replace("example.com/shop:1.2", "tomcat:10");
        let expected = "note spec.template.spec.containers[0].resources.limits.cpu @ cpu: 500m";
        assert_eq!(found("slow-warm-up", &text), [expected]);
        assert!(holds("slow-warm-up", &text.replace("500m", "2")));
        assert_eq!(found("slow-warm-up", &text.replace("tomcat:10", "shop:1")), [""; 0]);
    }
}
