//! An old nginx image, which stops at once on the signal that it is sent.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    name: "nginx-stop-signal",
    cause: "wrong-stop-signal",
    clears: true,
    severity: Severity::Warning,
    field: "spec.template.spec.containers[*].image",
    says: "an nginx image that is stopped with SIGTERM",
    why: "nginx ends at once on SIGTERM and finishes its requests on SIGQUIT. The official image asks for SIGQUIT only \
          since 1.19.5.",
    fix: "Use a newer image, or `lifecycle.stopSignal: SIGQUIT` where the cluster has it, or a preStop hook that runs \
          `nginx -s quit` and waits.",
    scenario: Some("exit-at-once.yaml"),
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for served in manifests.served() {
        for container in served.answering() {
            let image = container.image();
            if !image.is_official_nginx() {
                continue;
            }
            outcome.checked(served.workload.object);
            let version = image.version();
            // Builds of 1.18 from after the change have it as well.
            let old = matches!(version.as_slice(), [1, minor, ..] if *minor < 18)
                || matches!(version.as_slice(), [1, 19, patch, ..] if *patch < 5);
            let stop = container.field.dig("lifecycle.stopSignal");
            let quits = container.pre_stop().is_some_and(|hook| hook.command.join(" ").contains("quit"));
            let message = if stop.is("SIGTERM") {
                "nginx is stopped with SIGTERM, on which it drops its requests".to_owned()
            } else if old && stop.is_absent() {
                format!("the image `{}` is stopped with SIGTERM, on which nginx drops its requests", image.reference)
            } else {
                continue;
            };
            if !quits {
                let field = if stop.is_there() { stop } else { container.field.get("image") };
                outcome.find_served(&served, served.severity(), &field, &message);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, holds, shop};

    #[test]
    fn nginx_of_before_the_change() {
        let with = |image: &str, container: &str| shop("", "", container).replace("example.com/shop:1.2", image);
        let expected = "warning spec.template.spec.containers[0].image @ image: nginx:1.17.3-alpine";
        assert_eq!(found("nginx-stop-signal", &with("nginx:1.17.3-alpine", "")), [expected]);
        for image in ["nginx:1.19.5", "nginx:1.27", "nginx:stable", "nginx", "nginx:1", "docker.io/library/nginx:1.18"]
        {
            assert!(holds("nginx-stop-signal", &with(image, "")), "{image}");
        }
        let quits = "lifecycle: {preStop: {exec: {command: [sh, -c, nginx -s quit; sleep 9]}}}";
        assert!(holds("nginx-stop-signal", &with("nginx:1.14", quits)));
        assert_eq!(found("nginx-stop-signal", &with("bitnami/nginx:1.14", "")), [""; 0]);
    }
}
