//! The cluster to watch, and the part of it to follow.

use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use clap::Args;

use crate::run::plan::{Activity, Follow, Noop};
use lapse_cluster::{Of, Scope, Workload};

/// The flags about the cluster.
#[derive(Debug, Args)]
#[command(next_help_heading = "Cluster (by itself with helm and kubectl)")]
pub(super) struct ClusterArgs {
    /// The Helm release whose rollout to follow [e.g. shop].
    #[arg(long, value_name = "NAME", conflicts_with_all = ["selector", "workloads"])]
    release: Option<String>,
    /// The label selector of the objects to follow [e.g. app=shop].
    #[arg(long, value_name = "LABELS", conflicts_with = "workloads")]
    selector: Option<String>,
    /// A workload to follow [repeatable; e.g. deploy/shop].
    #[arg(long = "workload", value_name = "KIND/NAME")]
    workloads: Vec<Workload>,
    /// The namespace [default: the command's, or the context's; e.g. prod].
    #[arg(short, long, value_name = "NAME")]
    namespace: Option<String>,
    /// The context of the kubeconfig [default: the command's, or the current one; e.g. blue].
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// The kubeconfig file [default: the command's, or where kubectl looks; e.g. ~/.kube/other].
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Watch no cluster [e.g. where the prober has no access].
    #[arg(long)]
    no_kube: bool,
    /// Judge a command that rolls nothing like any other, instead of as inconclusive [e.g. in a nightly job].
    #[arg(long)]
    allow_noop: bool,
}

impl ClusterArgs {
    /// The cluster and the namespace of the rollout, whether it is followed or not.
    pub(super) fn place(&self, workload: &Activity) -> Scope {
        let words = match workload {
            Activity::Command(command) => command.argv().collect(),
            Activity::Nothing(_) | Activity::Asked(_) | Activity::Scenario(_) => Vec::new(),
        };
        self.scope(Scope::of_command(words.iter().map(String::as_str)), Of::Everything)
    }

    /// The scope of what is read of a command, but for what is typed.
    fn scope(&self, read: Option<Scope>, of: Of) -> Scope {
        let read = read.unwrap_or(Scope { kubeconfig: None, context: None, namespace: None, of: Of::Everything });
        Scope {
            kubeconfig: self.kubeconfig.clone().or(read.kubeconfig),
            context: self.context.clone().or(read.context),
            namespace: self.namespace.clone().or(read.namespace),
            of,
        }
    }

    /// The part of the cluster to follow: as typed, else as the command's own arguments say.
    pub(super) fn follow(&self, workload: &Activity, is_target: bool) -> Result<Option<Follow>> {
        let typed = match (&self.release, &self.selector, self.workloads.as_slice()) {
            (Some(release), ..) => Some(Of::Release(release.clone())),
            (_, Some(selector), _) => Some(Of::Selector(selector.clone())),
            (.., []) => None,
            (.., workloads) => Some(Of::Workloads(workloads.to_vec())),
        };
        let placed = self.namespace.is_some() || self.context.is_some() || self.kubeconfig.is_some();
        let asked = typed.is_some() || placed || is_target;
        ensure!(
            !(self.no_kube && is_target),
            "a target is a part of a cluster, and --no-kube forbids to look for it: leave one of them out"
        );
        ensure!(
            !(self.no_kube && (typed.is_some() || placed)),
            "--no-kube forbids to look for what another flag says to follow: leave one of them out"
        );
        if self.no_kube {
            return Ok(None);
        }
        let words = match workload {
            Activity::Command(command) => command.argv().collect(),
            Activity::Scenario(_) if asked => {
                bail!(
                    "a scenario brings its own world: leave out what says which cluster to watch, or name a URL instead"
                )
            }
            Activity::Nothing(_) | Activity::Asked(_) | Activity::Scenario(_) => Vec::new(),
        };
        let read = Scope::of_command(words.iter().map(String::as_str));
        if read.is_none() && !asked {
            return Ok(None);
        }
        let of = typed.or_else(|| read.as_ref().map(|read| read.of.clone())).unwrap_or(Of::Everything);
        let scope = self.scope(read, of);
        let noop = if self.allow_noop { Noop::Allowed } else { Noop::Inconclusive };
        Ok(Some(Follow { scope, asked, noop }))
    }
}
