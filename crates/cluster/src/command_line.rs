//! The part of a cluster that a command line of helm or kubectl is about to roll.
//!
//! Only words are read: nothing is run, no manifest is rendered. What cannot be told from words is the whole namespace.

mod flags;

use self::flags::{HELM, KUBECTL, Words};
use super::kind::Kind;
use super::scope::{Of, Scope, Workload};

impl Scope {
    /// The scope of the rollout that this command line starts; `None` if it starts none that helm or kubectl would.
    pub fn of_command<'a>(argv: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let argv: Vec<String> = argv.into_iter().map(str::to_owned).collect();
        let argv = of_shell(&argv).unwrap_or(argv);
        let start = argv.iter().position(|word| matches!(program(word), "helm" | "kubectl"))?;
        let (tool, rest) = (program(&argv[start]), &argv[start + 1..]);
        // Words at which a shell ends a command end it here, too.
        let rest = rest.iter().map(String::as_str).take_while(|word| !matches!(*word, "&&" | "||" | ";" | "|"));
        match tool {
            "helm" => of_helm(&Words::of(rest, &HELM)),
            _ => of_kubectl(&Words::of(rest, &KUBECTL)),
        }
    }
}

fn program(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

/// The words of `sh -c 'WORDS'`.
fn of_shell(argv: &[String]) -> Option<Vec<String>> {
    let shell = argv.iter().position(|word| matches!(program(word), "sh" | "bash" | "dash" | "zsh"))?;
    let text = argv[shell..].iter().skip_while(|word| !word.starts_with('-') || !word.ends_with('c')).nth(1)?;
    shlex::split(text)
}

fn of_helm(words: &Words) -> Option<Scope> {
    let of = match (words.plain.first()?.as_str(), words.plain.get(1)) {
        ("upgrade" | "rollback" | "uninstall" | "delete" | "un" | "del", Some(release)) => Of::Release(release.clone()),
        // With one name only, helm makes the other one up.
        ("install", Some(release)) if words.plain.len() > 2 => Of::Release(release.clone()),
        ("install", _) => Of::Everything,
        _ => return None,
    };
    Some(scope_of(words, of, "kube-context"))
}

fn of_kubectl(words: &Words) -> Option<Scope> {
    let verb = words.plain.first()?.as_str();
    let objects = match verb {
        "set" | "rollout" => words.plain.get(2..)?,
        "apply" | "create" | "replace" => &[],
        "delete" | "scale" | "patch" | "edit" | "annotate" | "label" => &words.plain[1..],
        _ => return None,
    };
    if verb == "rollout" && !matches!(words.plain[1].as_str(), "restart" | "undo" | "resume") {
        return None;
    }
    let workloads = workloads(objects);
    let of = match words.value("selector") {
        _ if !workloads.is_empty() => Of::Workloads(workloads),
        Some(selector) => Of::Selector(selector),
        None => Of::Everything,
    };
    Some(scope_of(words, of, "context"))
}

/// `deploy/a deploy/b`, or `deploy a b`.
fn workloads(objects: &[String]) -> Vec<Workload> {
    let by_slash: Vec<Workload> = objects.iter().filter_map(|word| word.parse().ok()).collect();
    match objects.split_first().and_then(|(kind, names)| Some((Kind::typed(kind)?, names))) {
        Some((kind, names)) if by_slash.is_empty() => {
            // `kubectl set image deploy wine app=wine:2`: what is set is no name.
            let names = names.iter().filter(|name| !name.contains('='));
            names.map(|name| Workload { kind, name: name.clone() }).collect()
        }
        _ => by_slash,
    }
}

fn scope_of(words: &Words, of: Of, context: &str) -> Scope {
    Scope {
        kubeconfig: words.value("kubeconfig").map(Into::into),
        context: words.value(context),
        namespace: words.value("namespace"),
        of,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(line: &str) -> Option<Scope> {
        Scope::of_command(shlex::split(line).unwrap().iter().map(String::as_str))
    }

    fn of(line: &str) -> String {
        scope(line).map_or_else(|| "nothing".to_owned(), |scope| scope.of.to_string())
    }

    #[test]
    fn a_release_is_found_wherever_flags_stand() {
        for line in [
            "helm upgrade shop ./chart -n prod",
            "helm -n prod upgrade --install --wait --timeout 5m --set image.tag=2 shop ./chart",
            "/usr/local/bin/helm --namespace=prod upgrade --atomic -f values.yaml shop oci://registry/shop",
            "sudo -E env HELM_DEBUG=1 helm rollback -nprod shop 3",
            "sh -ec 'helm upgrade shop ./chart -n prod && kubectl get pods'",
            "helm install shop ./chart --namespace prod --create-namespace",
        ] {
            let scope = scope(line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!((scope.of, scope.namespace.as_deref()), (Of::Release("shop".into()), Some("prod")), "{line}");
        }
    }

    #[test]
    fn the_value_of_a_flag_is_no_release() {
        for line in [
            "helm upgrade --server-side false shop ./chart",
            "helm --color never upgrade shop ./chart",
            "helm --colour always --content-cache /tmp/c --repository-config /tmp/r upgrade shop ./chart",
            "helm upgrade --burst-limit 100 --qps 50 -i --wait --dry-run=server shop ./chart",
            "helm rollback --server-side auto --wait=legacy shop 3",
            "helm uninstall --cascade foreground --wait shop",
            "helm install --server-side --wait --dry-run shop ./chart",
            "helm upgrade -il owner=me -fvalues.yaml -o=json shop ./chart",
            "helm upgrade --install -- shop ./chart",
        ] {
            assert_eq!(scope(line).unwrap().of, Of::Release("shop".into()), "{line}");
        }
        for line in [
            "kubectl set env -e A=1 --keys x --prefix y --from cm/z deploy/wine",
            "kubectl --cache-dir /tmp/c -v 6 rollout restart --field-manager me deploy/wine",
            "kubectl delete --cascade --dry-run -Rn prod --raw x deploy/wine",
            "kubectl set resources --limits cpu=1 --requests cpu=1 deploy/wine",
            "kubectl scale --timeout 5s --replicas 3 deploy/wine",
        ] {
            assert_eq!(of(line), "deployment/wine", "{line}");
        }
        assert_eq!(scope("kubectl delete -Rn prod deploy/wine").unwrap().namespace.as_deref(), Some("prod"));
    }

    #[test]
    fn which_cluster_is_read_as_the_command_reads_it() {
        let found = scope("helm upgrade shop . --kube-context blue --kubeconfig /etc/kube").unwrap();
        assert_eq!((found.context.as_deref(), found.namespace), (Some("blue"), None));
        assert_eq!(found.kubeconfig, Some("/etc/kube".into()));
        assert_eq!(
            scope("kubectl --context blue rollout restart deploy/wine").unwrap().context.as_deref(),
            Some("blue")
        );
    }

    #[test]
    fn kubectl_names_workloads_or_labels_or_nothing_in_particular() {
        assert_eq!(of("kubectl set image deploy/wine wine=wine:2 -n prod"), "deployment/wine");
        assert_eq!(of("kubectl set image deployment wine wine=wine:2"), "deployment/wine");
        assert_eq!(of("kubectl rollout restart sts/a ds/b"), "statefulset/a, daemonset/b");
        assert_eq!(of("kubectl rollout undo deployments.apps/wine --to-revision 2"), "deployment/wine");
        assert_eq!(of("kubectl delete pods -l app=wine"), "what is labelled app=wine");
        assert_eq!(of("kubectl apply -f wine.yaml"), "everything");
        assert_eq!(of("helm install ./chart --generate-name"), "everything");
    }

    #[test]
    fn commands_that_roll_nothing_out_are_not_followed() {
        for line in [
            "helm list",
            "kubectl get pods",
            "kubectl rollout status deploy/wine",
            "make deploy",
            "helm",
            "kubectl set",
        ] {
            assert_eq!(of(line), "nothing", "{line}");
        }
    }
}
