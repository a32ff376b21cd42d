//! What several rules ask of AWS load balancers.

use super::prelude::*;
use crate::manifests::Served;

/// The annotation by which an AWS load balancer sends requests to the addresses of pods, on an Ingress or a Service that
/// leads to the workload.
pub(super) fn targets_pods<'a>(manifests: &Manifests<'a>, served: &Served<'_, 'a>) -> Option<Field<'a>> {
    let routes = served.services.iter().flat_map(|service| manifests.routes_to(service));
    let ingress = routes.map(|backend| annotations(backend.object).get("alb.ingress.kubernetes.io/target-type"));
    let service = served
        .services
        .iter()
        .map(|service| annotations(service.object).get("service.beta.kubernetes.io/aws-load-balancer-nlb-target-type"));
    ingress.chain(service).find(|field| field.is("ip"))
}

pub(super) fn annotations(object: &crate::object::Object) -> Field<'_> {
    Field::root(object).dig("metadata.annotations")
}
