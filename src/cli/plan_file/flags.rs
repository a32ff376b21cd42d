//! The keys of a plan, made of the flags of `lapse run`, and the check of their values by the flags' own parsers.

use std::error::Error as _;

use anyhow::{Context, Result};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command, CommandFactory};

use super::super::{Cli, plan};
use lapse_plan::{Form, Grammar, Key};
use lapse_report::format::{Format, Named};

/// The flags that no plan has: what is typed to say which plan, and what is the choice of the person who types.
const TYPED_ONLY: [&str; 7] = ["what", "command", "file", "profile", "live", "quiet", "prober"];

/// The flags of `lapse run` that a plan can give.
#[derive(Clone, Debug)]
pub(in super::super) struct Flags {
    run: Command,
    /// The identifiers of the flags of the keys, in the order of the grammar.
    ids: Vec<String>,
    pub(in super::super) grammar: Grammar,
}

impl Flags {
    /// The flags as the command line defines them.
    pub(in super::super) fn of_run() -> Result<Self> {
        let lapse = Cli::command();
        let run = lapse.find_subcommand("run").context("`lapse run` is no subcommand")?.clone();
        let given: Vec<_> = run.get_arguments().filter(|arg| !TYPED_ONLY.contains(&arg.get_id().as_str())).collect();
        let ids = given.iter().map(|arg| arg.get_id().to_string()).collect();
        let grammar = Grammar { keys: given.iter().map(|arg| key(arg)).collect() };
        Ok(Self { run, ids, grammar })
    }

    /// The same flags with more keys at the end, which stand for no flag that a plan may give.
    pub(in super::super) fn and(mut self, keys: &[&str]) -> Self {
        for name in keys {
            self.ids.push((*name).to_owned());
            self.grammar.keys.push(Key {
                section: None,
                name: (*name).to_owned(),
                flag: (*name).to_owned(),
                form: Form::One,
                help: String::new(),
                choices: Vec::new(),
            });
        }
        self
    }

    /// The key at a place of the grammar, with the identifier of its flag.
    pub(super) fn key(&self, place: usize) -> Option<(&Key, &str)> {
        Some((self.grammar.keys.get(place)?, self.ids.get(place)?))
    }

    /// The identifiers of the flags that a flag cannot be used with.
    pub(super) fn excluding(&self, id: &str) -> Vec<&str> {
        let conflicts = |arg: &Arg| self.run.get_arg_conflicts_with(arg);
        let with = |other: &&Arg| {
            let names = |arg: &Arg, id: &str| conflicts(arg).iter().any(|other| other.get_id() == id);
            self.run.get_arguments().any(|arg| arg.get_id() == id && names(arg, other.get_id().as_str()))
                || names(other, id)
        };
        self.run.get_arguments().filter(with).map(|arg| arg.get_id().as_str()).collect()
    }

    /// Why the flag of `key` does not take a value.
    pub(in super::super) fn check(&self, key: &Key, text: &str) -> Result<(), String> {
        let words = ["lapse run".to_owned(), format!("--{}={text}", key.flag)];
        if let Err(error) = self.run.clone().try_get_matches_from(words) {
            return refusal(&error).map_or(Ok(()), Err);
        }
        if key.flag == "target" {
            return plan::check_target(text).map_err(|error| format!("{error:#}"));
        }
        Ok(())
    }
}

/// What the parser of a flag says of its value; `None` if the error is not about the value.
fn refusal(error: &clap::Error) -> Option<String> {
    match (error.kind(), error.source()) {
        // The flag alone does not make a command line.
        (ErrorKind::MissingRequiredArgument | ErrorKind::ArgumentConflict, _) => None,
        (_, Some(why)) => Some(why.to_string()),
        (_, None) => Some(match error.get(ContextKind::ValidValue) {
            Some(ContextValue::Strings(valid)) if !valid.is_empty() => format!("choose one of {}", valid.join(", ")),
            _ => "write a value that its flag takes; `lapse run --help` has one".to_owned(),
        }),
    }
}

/// The key for a flag: its name as Kubernetes would spell it, in the map that the flag's heading calls for.
fn key(arg: &Arg) -> Key {
    let id = arg.get_id().as_str();
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let formats = || Format::ALL.iter().map(|format| format.name().to_owned()).collect();
    Key {
        section: section(id, arg.get_help_heading().unwrap_or_default()).map(str::to_owned),
        name: camel_case(id),
        flag: arg.get_long().unwrap_or(id).to_owned(),
        form: form(arg),
        help: help.split_whitespace().collect::<Vec<_>>().join(" "),
        choices: match id {
            "reports" => formats(),
            _ => arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect(),
        },
    }
}

/// The map that a key belongs into: as the headings of the help, but in the words of scenarios where these have some.
fn section(id: &str, heading: &str) -> Option<&'static str> {
    match (heading, id) {
        ("Timing" | "Held streams", _) | (_, "timeout" | "connect_timeout" | "slow" | "lanes" | "connections") => {
            Some("measure")
        }
        ("Request", _) => Some("request"),
        ("Connections", _) => Some("connect"),
        (budgets, _) if budgets.starts_with("Budgets") => Some("budgets"),
        (cluster, _) if cluster.starts_with("Cluster") => Some("cluster"),
        _ => None,
    }
}

fn form(arg: &Arg) -> Form {
    let names = arg.get_value_names().unwrap_or_default();
    let value = names.first().map_or("", |name| name.as_str());
    match (arg.get_action(), value) {
        (ArgAction::SetTrue, _) => Form::Switch,
        (ArgAction::Append, "NAME=URL" | "FORMAT=FILE") => Form::Named,
        (ArgAction::Append, "LINE") => Form::Headers,
        (ArgAction::Append, value) if value.starts_with('[') => Form::Scoped,
        (ArgAction::Append, _) => Form::Many,
        _ => Form::One,
    }
}

/// `max_outage` as `maxOutage`.
fn camel_case(id: &str) -> String {
    let mut words = id.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let mut letters = word.chars();
        let capital = letters.next().map(|letter| letter.to_ascii_uppercase());
        name + &capital.into_iter().chain(letters).collect::<String>()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_of_a_run_is_a_key_of_a_plan_or_is_typed_only() {
        let flags = Flags::of_run().unwrap();
        let of = |section| flags.grammar.of(section).map(|(_, key)| key.name.as_str()).collect::<Vec<_>>().join(" ");
        assert_eq!(of(None), "targets out name metrics metricsWait otlp reports");
        assert_eq!(
            of(Some("measure")),
            "rate duration waitUp baseline settle settleLimit failFast trials noPrecedence slow timeout connectTimeout lanes \
             connections held heldPath beat"
        );
        assert_eq!(
            of(Some("request")),
            "method headers freshHeaders freshEvery traceparent data dataLines urlLines expect expectBody backendHeader versionHeader"
        );
        assert_eq!(of(Some("connect")), "http1 http2 connectTo resolve resolveOnce cacert insecure cert key");
        assert_eq!(
            of(Some("budgets")),
            "maxDowntime maxOutage maxStrictOutage gate maxDown maxFailed minAvailability maxSlow maxDropped maxSilence ignoreShorterThan \
             resolution maxBlind"
        );
        assert_eq!(
            of(Some("cluster")),
            "release selector workloads namespace context kubeconfig noKube allowNoop inCluster inClusterImage \
             inClusterNamespace"
        );
        let typed_only = flags.run.get_arguments().filter(|arg| TYPED_ONLY.contains(&arg.get_id().as_str())).count();
        assert_eq!(typed_only, TYPED_ONLY.len());
        assert_eq!(flags.run.get_arguments().count(), flags.grammar.keys.len() + TYPED_ONLY.len());
    }

    #[test]
    fn a_scenario_and_a_plan_advise_the_prober_in_the_same_words() {
        let flags = Flags::of_run().unwrap();
        let of_a_scenario = ["rate", "baseline", "settle", "timeout", "slow"];
        assert!(of_a_scenario.iter().all(|key| flags.grammar.find(Some("measure"), key).is_some()));
    }

    #[test]
    fn values_are_refused_in_the_words_of_their_flags() {
        let flags = Flags::of_run().unwrap();
        let said = |section, name, text| {
            let (_, key) = flags.grammar.find(section, name).unwrap();
            flags.check(key, text).unwrap_err()
        };
        assert_eq!(said(Some("measure"), "rate", "fast"), "write probes a second, such as 1000/s");
        assert_eq!(said(Some("measure"), "lanes", "old"), "choose one of reused, new");
        assert!(said(None, "targets", "shop=ftp://x/").contains("not ftp://"));
        let (_, key) = flags.grammar.find(Some("connect"), "cert").unwrap();
        assert_eq!(flags.check(key, "client.pem"), Ok(()), "that it needs a key is not about its value");
    }

    /// After a change, `LAPSE_RENEW=1 cargo test the_committed_schema` renews the schema.
    #[test]
    fn the_committed_schema_of_a_plan_is_the_one_of_the_flags() {
        const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/plan.v1.json");
        let schema = lapse_plan::schema(&Flags::of_run().unwrap().grammar);
        if std::env::var_os("LAPSE_RENEW").is_some() {
            std::fs::write(COMMITTED, &schema).unwrap();
        }
        let committed = std::fs::read_to_string(COMMITTED).unwrap();
        assert!(schema == committed, "renew it: LAPSE_RENEW=1 cargo test the_committed_schema");
    }
}
