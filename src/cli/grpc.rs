//! Targets that are gRPC calls: `grpc://HOST:PORT` asks the health service, `grpc://HOST:PORT/SERVICE/METHOD` a method.

use anyhow::{Context, Result, bail, ensure};
use hyper::Uri;

use super::RunArgs;
use lapse_hammer::grpc::{GrpcCall, HEALTH};
use lapse_hammer::target::{Expect, Http, Request, Statuses};

/// The call that the URL of a target names, and the URL to send it to; `None` if it is no gRPC target.
pub(super) fn call(typed: &str, uri: impl Fn(&str) -> Result<Uri>) -> Result<Option<(Uri, GrpcCall)>> {
    let rest = ["grpc://", "grpcs://"].iter().find_map(|scheme| typed.strip_prefix(scheme));
    let Some(rest) = rest else { return Ok(None) };
    let secure = if typed.starts_with("grpcs") { "https" } else { "http" };
    let url = uri(&format!("{secure}://{rest}"))?;
    let (path, query) = (url.path(), url.query());
    let (call, path) = match path.trim_end_matches('/').trim_start_matches('/').split('/').collect::<Vec<_>>()[..] {
        [""] => (GrpcCall::Health(service(typed, query)?), HEALTH),
        [service, method] if !service.is_empty() && !method.is_empty() => {
            ensure!(query.is_none(), "{typed:?}: a method takes no query: give its message with --data @FILE");
            (GrpcCall::Method, path)
        }
        _ => bail!("{typed:?}: write the path of a gRPC call as /package.Service/Method, or none for the health check"),
    };
    let mut parts = url.clone().into_parts();
    parts.path_and_query = Some(path.parse().with_context(|| format!("{typed:?} is not a URL"))?);
    Ok(Some((Uri::from_parts(parts).with_context(|| format!("{typed:?} is not a URL"))?, call)))
}

/// The service whose health is asked for; all of the server's if that is empty.
fn service(typed: &str, query: Option<&str>) -> Result<String> {
    let Some(query) = query else { return Ok(String::new()) };
    let pairs: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).collect();
    match &pairs[..] {
        [(key, service)] if key == "service" => Ok(service.clone().into_owned()),
        _ => bail!("{typed:?}: a health check has no parameter but ?service=NAME"),
    }
}

/// Completes what is sent and expected for a gRPC target; an error names the flag that says nothing of a call.
pub(super) fn complete(args: &RunArgs, call: GrpcCall, request: &mut Request, expect: &mut Expect) -> Result<Http> {
    let says_nothing = [
        ("-X", args.request.method.is_some()),
        ("--expect", args.request.expect != Statuses::default()),
        ("--expect-body", args.request.expect_body.is_some()),
        ("--http1.1", args.connection.http1),
        ("--data-lines", args.request.data_lines.is_some()),
        ("--url-lines", args.request.url_lines.is_some()),
        ("--data", args.request.data.is_some() && call != GrpcCall::Method),
    ];
    if let Some((flag, _)) = says_nothing.iter().find(|(_, is_typed)| *is_typed) {
        bail!(
            "{flag} says nothing of a gRPC {}: leave it out",
            if *flag == "--data" { "health check" } else { "call" }
        );
    }
    let call_request = call.request(args.request.headers.iter().cloned().collect(), &request.body);
    let (traceparent, fresh) = (request.traceparent, std::mem::take(&mut request.fresh));
    *request = Request { traceparent, fresh, ..call_request };
    *expect = Expect { grpc: Some(call), ..Expect::default() };
    Ok(Http::Http2)
}
