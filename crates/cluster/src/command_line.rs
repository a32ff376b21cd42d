//! The part of a cluster that a command line of helm or kubectl is about to roll.
//!
//! Only words are read: nothing is run, no manifest is rendered. What cannot be told from words is the whole namespace.

use super::kind::Kind;
use super::scope::{Of, Scope, Workload};

/// The flags of helm that take a value in the next word.
const HELM: [&str; 39] = [
    "-n",
    "--namespace",
    "--kube-context",
    "--kubeconfig",
    "-f",
    "--values",
    "--set",
    "--set-file",
    "--set-json",
    "--set-literal",
    "--set-string",
    "--timeout",
    "--version",
    "--repo",
    "--description",
    "--history-max",
    "-o",
    "--output",
    "-l",
    "--labels",
    "--name-template",
    "--post-renderer",
    "--post-renderer-args",
    "--ca-file",
    "--cert-file",
    "--key-file",
    "--keyring",
    "--username",
    "--password",
    "--burst-limit",
    "--qps",
    "--kube-apiserver",
    "--kube-as-group",
    "--kube-as-user",
    "--kube-ca-file",
    "--kube-token",
    "--kube-tls-server-name",
    "--registry-config",
    "--repository-cache",
];

/// The flags of kubectl that take a value in the next word.
const KUBECTL: [&str; 38] = [
    "-n",
    "--namespace",
    "--context",
    "--kubeconfig",
    "--cluster",
    "--user",
    "-s",
    "--server",
    "--token",
    "--as",
    "--as-group",
    "--as-uid",
    "--request-timeout",
    "-f",
    "--filename",
    "-k",
    "--kustomize",
    "-l",
    "--selector",
    "-o",
    "--output",
    "-p",
    "--patch",
    "--patch-file",
    "--type",
    "--replicas",
    "--current-replicas",
    "--image",
    "--timeout",
    "--field-manager",
    "--grace-period",
    "-c",
    "--containers",
    "--to-revision",
    "-v",
    "--resource-version",
    "--tls-server-name",
    "--certificate-authority",
];

/// A command line, taken apart.
#[derive(Debug, Default)]
struct Words {
    /// The words that are no flags.
    plain: Vec<String>,
    /// Flags with their values.
    flags: Vec<Flag>,
}

/// A flag and its value.
#[derive(Debug)]
struct Flag {
    name: String,
    value: String,
}

impl Scope {
    /// The scope of the rollout that this command line starts; `None` if it starts none that helm or kubectl would.
    pub fn of_command<'a>(argv: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let argv: Vec<String> = argv.into_iter().map(str::to_owned).collect();
        let argv = of_shell(&argv).unwrap_or(argv);
        let start = argv.iter().position(|word| matches!(program(word), "helm" | "kubectl"))?;
        let (tool, rest) = (program(&argv[start]), &argv[start + 1..]);
        // Words at which a shell ends a command end it here, too.
        let rest: Vec<_> = rest.iter().take_while(|word| !matches!(word.as_str(), "&&" | "||" | ";" | "|")).collect();
        match tool {
            "helm" => of_helm(&Words::of(&rest, &HELM)),
            _ => of_kubectl(&Words::of(&rest, &KUBECTL)),
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
    Some(words.scope(of, "--kube-context"))
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
    let of = match words.value(&["-l", "--selector"]) {
        _ if !workloads.is_empty() => Of::Workloads(workloads),
        Some(selector) => Of::Selector(selector),
        None => Of::Everything,
    };
    Some(words.scope(of, "--context"))
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

impl Words {
    fn of(words: &[&String], with_value: &[&str]) -> Self {
        let mut taken = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.split_once('=') {
                Some((flag, value)) if word.starts_with('-') => taken.add(flag, value),
                _ if with_value.contains(&word.as_str()) => {
                    taken.add(word, words.next().map_or("", |value| value.as_str()));
                }
                // `-nprod`.
                _ if word.starts_with("-n") && !word.starts_with("--") => {
                    taken.add("-n", &word[2..]);
                }
                _ if word.starts_with('-') => {}
                _ => taken.plain.push((*word).clone()),
            }
        }
        taken
    }

    fn add(&mut self, flag: &str, value: &str) {
        self.flags.push(Flag { name: flag.to_owned(), value: value.to_owned() });
    }

    /// The value of the last of these flags.
    fn value(&self, flags: &[&str]) -> Option<String> {
        let given = self.flags.iter().rev().find(|flag| flags.contains(&flag.name.as_str()));
        given.map(|flag| flag.value.clone()).filter(|value| !value.is_empty())
    }

    fn scope(&self, of: Of, context: &str) -> Scope {
        Scope {
            kubeconfig: self.value(&["--kubeconfig"]).map(Into::into),
            context: self.value(&[context]),
            namespace: self.value(&["-n", "--namespace"]),
            of,
        }
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
