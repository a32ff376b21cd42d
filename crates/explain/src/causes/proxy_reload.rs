//! A proxy that replaced its workers.

use crate::cause::{Cause, Family, Shown, no_fix, rule};
use crate::evidence::{answers, config, lanes};

pub(super) const CAUSE: Cause = Cause {
    name: "proxy-reload",
    family: Family::Path,
    title: "a proxy replaced its workers, which closed the connections that clients had kept",
    mechanism: "A change of configuration makes nginx start new workers; the old ones close idle connections at \
                once and the others after their time limit. A request that is on its way on such a connection \
                fails.",
    signature: "One failure a kept connection at one moment, none on new ones, whatever pods do. In the cluster: \
                an Ingress, ConfigMap or Secret changed; no pod did.",
    rules: &[
        rule(35, 40, "a proxy replaced its workers just before", config::proxy_reloaded),
        rule(30, 50, "only kept connections lost requests", lanes::only_kept),
        rule(15, 20, "requests were cut while under way", answers::cut),
        rule(10, 0, "each connection lost one request", lanes::once_each),
        rule(5, 0, "the failures were spikes of milliseconds", lanes::in_spikes),
    ],
    remedy: "Clients that repeat idempotent requests which fail on a kept connection. Fewer changes of \
             Ingresses, several at a time.",
    fix: no_fix,
    tell_apart: "the log of the controller: \"Backend successfully reloaded\"",
    shown: &[
        Shown::Lab("reload-under-keep-alive"),
        Shown::Proxy("a_reload_of_nginx_is_no_outage_of_new_connections"),
    ],
    sources: &[
        "https://nginx.org/en/docs/control.html#reconfiguration",
    ],
};
