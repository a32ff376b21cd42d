//! The first suspect of a service that failed before anything was done to it, by how its probes failed.

use std::collections::BTreeMap;

use super::answer::{Class, GrpcStatus};

/// The likely cause of the most frequent class of failure, as a clause; `None` if nothing failed.
pub(super) fn of(classes: &BTreeMap<Class, u64>) -> Option<String> {
    let (class, _) = classes.iter().max_by_key(|(_, count)| **count)?;
    Some(match class {
        Class::Dns => "the name does not resolve from here".to_owned(),
        Class::Refused => "nothing listens at that address and port".to_owned(),
        Class::Unreachable => "there is no route to that address from here".to_owned(),
        Class::ConnectTimeout => "packets to that address are dropped, by a firewall for instance".to_owned(),
        Class::ResponseTimeout => "answers take longer than --timeout".to_owned(),
        Class::Tls => "the certificate or the handshake is refused: see --cacert and --insecure".to_owned(),
        Class::Status(429 | 503) => "a limiter that answers the prober: try a lower --rate".to_owned(),
        Class::Status(code @ 300..400) => format!("a redirect ({code}): name the URL that it leads to"),
        Class::Status(code) => format!("the service answers this request with {code}: see --expect"),
        Class::Grpc(GrpcStatus::NotServing) => "the service itself says that it is not serving".to_owned(),
        Class::Grpc(GrpcStatus::Unimplemented) => {
            "the server has no such method; without a health service, name a method: grpc://HOST:PORT/SERVICE/METHOD"
                .to_owned()
        }
        Class::Grpc(GrpcStatus::Unauthenticated | GrpcStatus::PermissionDenied) => {
            "the call needs credentials: send them with -H 'authorization: ...'".to_owned()
        }
        Class::Grpc(_) => format!("the service answers this call with {class}"),
        Class::UnexpectedBody => "--expect-body does not match what the service answers".to_owned(),
        Class::Truncated | Class::Malformed => "what answers there does not end, or does not speak, HTTP".to_owned(),
        other => format!("whatever ends these requests with {other}"),
    })
}
