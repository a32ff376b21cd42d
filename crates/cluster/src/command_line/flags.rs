//! The words of a command line: which are flags, which are values of flags, and which stand for themselves.
//!
//! helm and kubectl read their words as the Go library pflag does: a flag that needs a value and has no `=` takes the
//! next word, whatever that is; one that has a value of its own (a switch, or `--dry-run`) takes it only after `=`.

/// The flags of a program that take a value in the next word.
#[derive(Debug)]
pub(super) struct ValueFlags {
    /// With one dash: single letters, which may stand together and have the value behind them.
    letters: &'static [(char, &'static str)],
    /// With two dashes.
    names: &'static [&'static str],
    /// Flags that are switches after one verb and take a value after the others.
    switches: &'static [(&'static str, &'static str)],
}

/// The flags of `helm upgrade`, `install`, `rollback` and `uninstall`, of Helm 3.19 and 4.3, from `pkg/cmd` (Helm 3:
/// `cmd/helm`) and `pkg/cli/environment.go` of helm's sources. `--dry-run` and `--wait` have an optional value.
pub(super) const HELM: ValueFlags = ValueFlags {
    letters: &[('f', "values"), ('l', "labels"), ('n', "namespace"), ('o', "output")],
    names: &[
        "burst-limit",
        "ca-file",
        "cascade",
        "cert-file",
        "color",
        "colour",
        "content-cache",
        "description",
        "history-max",
        "key-file",
        "keyring",
        "kube-apiserver",
        "kube-as-group",
        "kube-as-user",
        "kube-ca-file",
        "kube-context",
        "kube-tls-server-name",
        "kube-token",
        "kubeconfig",
        "labels",
        "name-template",
        "namespace",
        "output",
        "password",
        "post-renderer",
        "post-renderer-args",
        "qps",
        "registry-config",
        "repo",
        "repository-cache",
        "repository-config",
        "server-side",
        "set",
        "set-file",
        "set-json",
        "set-literal",
        "set-string",
        "timeout",
        "username",
        "values",
        "version",
    ],
    switches: &[("install", "server-side")],
};

/// The flags of kubectl 1.32 and 1.34, from `kubectl options` and the help of the verbs that are followed, of `drain`
/// and of `create`. `--cascade`, `--dry-run` and `--validate` have an optional value.
pub(super) const KUBECTL: ValueFlags = ValueFlags {
    letters: &[
        ('c', "containers"),
        ('e', "env"),
        ('f', "filename"),
        ('k', "kustomize"),
        ('l', "selector"),
        ('n', "namespace"),
        ('o', "output"),
        ('p', "patch"),
        ('r', "replicas"),
        ('s', "server"),
        ('v', "v"),
    ],
    names: &[
        "as",
        "as-group",
        "as-uid",
        "as-user-extra",
        "cache-dir",
        "certificate-authority",
        "chunk-size",
        "client-certificate",
        "client-key",
        "cluster",
        "containers",
        "context",
        "current-replicas",
        "env",
        "field-manager",
        "field-selector",
        "filename",
        "from",
        "grace-period",
        "group",
        "image",
        "keys",
        "kubeconfig",
        "kuberc",
        "kustomize",
        "limits",
        "log-flush-frequency",
        "namespace",
        "output",
        "password",
        "patch",
        "patch-file",
        "pod-selector",
        "port",
        "prefix",
        "profile",
        "profile-output",
        "prune-allowlist",
        "raw",
        "replicas",
        "request-timeout",
        "requests",
        "resource-version",
        "revision",
        "selector",
        "server",
        "serviceaccount",
        "skip-wait-for-delete-timeout",
        "subresource",
        "template",
        "timeout",
        "tls-server-name",
        "to-revision",
        "token",
        "type",
        "user",
        "username",
        "v",
        "vmodule",
    ],
    switches: &[],
};

/// A command line, taken apart.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// The words that are neither flags nor their values: the verb comes first.
    pub(super) plain: Vec<String>,
    flags: Vec<Flag>,
}

/// A flag, by its long name, and its value.
#[derive(Debug)]
struct Flag {
    name: String,
    value: String,
}

impl ValueFlags {
    fn letter(&self, letter: char) -> Option<&'static str> {
        self.letters.iter().find_map(|(short, name)| (*short == letter).then_some(*name))
    }

    /// Whether `--name` takes the next word. A flag that is not known is taken for a switch, as most are.
    fn takes_value(&self, name: &str, verb: Option<&str>) -> bool {
        let is_switch = self.switches.iter().any(|(of, switch)| verb == Some(*of) && *switch == name);
        self.names.contains(&name) && !is_switch
    }
}

impl Words {
    /// Takes the words behind the program's name apart.
    pub(super) fn of<'a>(words: impl IntoIterator<Item = &'a str>, known: &ValueFlags) -> Self {
        let mut taken = Self::default();
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            if word == "--" {
                taken.plain.extend(words.by_ref().map(str::to_owned));
            } else if let Some(flag) = word.strip_prefix("--") {
                taken.long(flag, known, &mut words);
            } else if let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) {
                taken.short(letters, known, &mut words);
            } else {
                taken.plain.push(word.to_owned());
            }
        }
        taken
    }

    fn long<'a>(&mut self, flag: &str, known: &ValueFlags, words: &mut impl Iterator<Item = &'a str>) {
        if let Some((name, value)) = flag.split_once('=') {
            self.add(name, value);
        } else if known.takes_value(flag, self.plain.first().map(String::as_str)) {
            self.add(flag, words.next().unwrap_or_default());
        }
    }

    /// `-n prod`, `-nprod`, `-n=prod`, `-in prod`: letters of switches, then one with a value.
    fn short<'a>(&mut self, letters: &str, known: &ValueFlags, words: &mut impl Iterator<Item = &'a str>) {
        for (place, letter) in letters.char_indices() {
            let rest = &letters[place + letter.len_utf8()..];
            if let Some(name) = known.letter(letter) {
                let value = if rest.is_empty() { words.next().unwrap_or_default() } else { rest };
                return self.add(name, value.strip_prefix('=').filter(|_| !rest.is_empty()).unwrap_or(value));
            }
            if rest.starts_with('=') {
                return;
            }
        }
    }

    fn add(&mut self, name: &str, value: &str) {
        self.flags.push(Flag { name: name.to_owned(), value: value.to_owned() });
    }

    /// The value of the last flag of this long name, if it is not empty.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        let given = self.flags.iter().rev().find(|flag| flag.name == name);
        given.map(|flag| flag.value.clone()).filter(|value| !value.is_empty())
    }
}
