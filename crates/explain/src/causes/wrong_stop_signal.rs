//! A stop signal that means "now" to the server.

use crate::case::Case;
use crate::cause::{Cause, Family, Outcome, Shown, no_fix, rule};
use crate::evidence::{answers, lanes, pods};

pub(super) const CAUSE: Cause = Cause {
    name: "wrong-stop-signal",
    family: Family::Termination,
    title: "pods were sent the signal that makes their server stop at once instead of draining",
    mechanism: "Some servers drain on one signal and drop everything on another. nginx stops at once on SIGTERM \
                and drains on SIGQUIT; php-fpm does the same, Apache drains on SIGWINCH. An image that does not \
                name the right STOPSIGNAL gets SIGTERM, and requests under way are lost.",
    signature: "As exit-without-drain: a spike of a few milliseconds per old pod, on new and kept connections. \
                The process exits with code 0, because to the server it was an orderly stop.",
    rules: &[
        rule(40, 0, "the image names no signal, or one that does not drain", stop_signal),
        rule(10, 30, "requests were cut while under way", answers::cut),
        rule(8, 20, "the failures were spikes of milliseconds", lanes::in_spikes),
        rule(8, 10, "the pod exited at once", pods::ended_at_once),
        rule(8, 20, "failures began while a pod was ending", pods::began_with_an_end),
        rule(5, 0, "a container is named after such a server", named_after_a_server),
    ],
    remedy: "Build the image with `STOPSIGNAL SIGQUIT` (nginx, php-fpm), or set `lifecycle.stopSignal` where the \
             cluster has it. A preStop hook that runs `nginx -s quit` must also wait for the drain: SIGTERM \
             follows as soon as the hook returns.",
    fix: no_fix,
    tell_apart: "`docker inspect -f {{.Config.StopSignal}} IMAGE` shows the signal that the image asks for",
    shown: &[
        Shown::NotYet("the process of a pod in the lab reacts to SIGTERM as the scenario says, so no signal is the \
                    wrong one"),
    ],
    sources: &[
        "https://nginx.org/en/docs/control.html",
        "https://github.com/nginx/docker-nginx/issues/377",
        "https://kubernetes.io/blog/2025/05/14/kubernetes-v1-33-updates-to-container-lifecycle/",
    ],
};

/// Images are not part of a record.
fn stop_signal(_: &Case<'_>) -> Outcome {
    Outcome::Unknown("the stop signal of the image is not known: `docker inspect -f {{.Config.StopSignal}} IMAGE` \
                      shows it")
}

/// A container has the name of a server that does not drain on SIGTERM.
fn named_after_a_server(case: &Case<'_>) -> Outcome {
    const SERVERS: [&str; 5] = ["nginx", "openresty", "php-fpm", "httpd", "apache"];
    let containers = case.world.settings(case.span.from).map(|all| all.containers.as_slice()).unwrap_or_default();
    let named = |name: &str| SERVERS.iter().any(|server| name.contains(server));
    match containers.iter().find(|container| named(&container.name)) {
        Some(container) => Outcome::Seen(format!("the container is called {}", container.name)),
        None => Outcome::Absent,
    }
}
