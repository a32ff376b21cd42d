//! A change of a Service or an Ingress that replaces its address or its load balancer.

use super::prelude::*;
use crate::manifests::together;
use crate::object::Object;

pub(super) const RULE: Rule = Rule {
    name: "service-replaced",
    cause: "service-recreated",
    clears: true,
    severity: Severity::Warning,
    field: "metadata.annotations",
    says: "the upgrade takes away the address or the load balancer of a Service or an Ingress",
    why: "The load balancer is deleted and another one made, with another address: clients fail for as long as that takes \
          and DNS remembers the old one.",
    fix: "Make a second Service or Ingress beside this one, move DNS to it, and delete this one in a later release.",
    scenario: None,
    check,
};

/// The fields and annotations with which a load balancer is made.
const FIELDS: [&str; 3] = ["type", "clusterIP", "ingressClassName"];
const ANNOTATIONS: [&str; 8] = [
    "service.beta.kubernetes.io/aws-load-balancer-type",
    "service.beta.kubernetes.io/aws-load-balancer-scheme",
    "service.beta.kubernetes.io/aws-load-balancer-internal",
    "service.beta.kubernetes.io/azure-load-balancer-internal",
    "networking.gke.io/load-balancer-type",
    "alb.ingress.kubernetes.io/scheme",
    "alb.ingress.kubernetes.io/group.name",
    "kubernetes.io/ingress.class",
];

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    let Some(before) = manifests.before else { return };
    for kind in [Kind::Service, Kind::Ingress] {
        for object in manifests.of_kind(kind) {
            let is_it = |old: &&Object| old.name == object.name && together(old, object);
            let Some(old) = before.of_kind(kind).find(is_it) else { continue };
            outcome.checked(object);
            let (now, was) = (Field::root(object), Field::root(old));
            let annotations =
                |root: &Field<'_>, name| root.dig("metadata.annotations").get(name).text().map(str::to_owned);
            for name in ANNOTATIONS {
                if annotations(&now, name) != annotations(&was, name) && annotations(&was, name).is_some() {
                    let field = now.dig("metadata.annotations").get(name);
                    outcome.find(&field, &change(was.dig("metadata.annotations").get(name).text(), field.text()));
                }
            }
            for name in FIELDS {
                let (now, was) = (now.get("spec").get(name), was.get("spec").get(name));
                if now.text() != was.text() && loses(name, was.text(), now.text()) {
                    outcome.find(&now, &change(was.text(), now.text()));
                }
            }
        }
    }
}

/// Whether a change of the field takes an address away.
fn loses(name: &str, was: Option<&str>, now: Option<&str>) -> bool {
    match name {
        "type" => was == Some("LoadBalancer") || (was == Some("NodePort") && now != Some("LoadBalancer")),
        "clusterIP" => was == Some("None") || now == Some("None"),
        _ => was.is_some(),
    }
}

fn change(was: Option<&str>, now: Option<&str>) -> String {
    let quoted = |text: Option<&str>| text.map_or_else(|| "nothing".to_owned(), |text| format!("`{text}`"));
    format!("changes from {} to {}, which replaces the address that clients use", quoted(was), quoted(now))
}

#[cfg(test)]
mod tests {
    use crate::testing::{found_between, shop};

    #[test]
    fn an_address_that_goes() {
        let with =
            |kind: &str| shop("", "", "").replace("spec:\n  selector", &format!("spec:\n  type: {kind}\n  selector"));
        let found = |was: &str, now: &str| found_between("service-replaced", &with(was), &with(now));
        assert_eq!(found("LoadBalancer", "ClusterIP"), ["warning spec.type @ type: ClusterIP"]);
        assert_eq!(found("ClusterIP", "LoadBalancer"), [""; 0], "the address in the cluster stays");
        assert_eq!(found("NodePort", "LoadBalancer"), [""; 0], "a load balancer has node ports too");
    }

    #[test]
    fn a_load_balancer_of_another_kind() {
        let with = |scheme: &str| {
            let annotation = format!("annotations: {{alb.ingress.kubernetes.io/scheme: {scheme}}}");
            format!("apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: a\n  {annotation}\n")
        };
        let found = found_between("service-replaced", &with("internal"), &with("internet-facing"));
        let line = "annotations: {alb.ingress.kubernetes.io/scheme: internet-facing}";
        assert_eq!(found, [format!("warning metadata.annotations[\"alb.ingress.kubernetes.io/scheme\"] @ {line}")]);
        assert_eq!(found_between("service-replaced", &with("internal"), &with("internal")), [""; 0]);
    }
}
