//! The flags of `lapse run` that say how it connects.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::value;
use lapse_hammer::addresses::Resolve;
use lapse_hammer::target::ConnectTo;

/// How lapse connects.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that is typed or not")]
pub(super) struct ConnectionArgs {
    /// The connections of probes: from a keep-alive pool, a new one each, or both in turn [e.g. new].
    #[arg(
        long,
        value_name = "LANES",
        default_value = "reused,new",
        value_delimiter = ',',
        help_heading = "Connections"
    )]
    pub(super) lanes: Vec<LaneName>,
    /// The number of keep-alive connections that the `reused` lane of a target uses in turn [e.g. 1].
    #[arg(long, value_name = "N", default_value = "8", value_parser = value::count(1, 10_000), help_heading = "Connections")]
    pub(super) connections: u16,
    /// Use HTTP/1.1 only [e.g. where a server offers HTTP/2 as well].
    #[arg(long = "http1.1", conflicts_with = "http2", help_heading = "Connections")]
    pub(super) http1: bool,
    /// Use HTTP/2 only, with prior knowledge over plain http:// [e.g. behind a mesh; for gRPC see grpc://].
    #[arg(long, help_heading = "Connections")]
    pub(super) http2: bool,
    /// Connect to ADDR:PORT2 instead of HOST:PORT, as curl does [repeatable; e.g. shop.example.com:443:10.0.0.7:8443].
    #[arg(long, value_name = "HOST:PORT:ADDR:PORT2", help_heading = "Connections")]
    pub(super) connect_to: Vec<ConnectTo>,
    /// The addresses of HOST, instead of looking them up [repeatable; e.g. shop.example.com:443:10.0.0.7,10.0.0.8].
    #[arg(long, value_name = "HOST:PORT:ADDR,...", help_heading = "Connections")]
    pub(super) resolve: Vec<Resolve>,
    /// Look names up once, before the run, instead of for each new connection [e.g. where DNS is not the subject].
    #[arg(long, help_heading = "Connections")]
    pub(super) resolve_once: bool,
    /// Trust the certificates in this PEM file instead of the system's [e.g. ca.pem].
    #[arg(long, value_name = "FILE", help_heading = "Connections", conflicts_with = "insecure")]
    pub(super) cacert: Option<PathBuf>,
    /// Trust any certificate [e.g. for a self-signed one].
    #[arg(short = 'k', long, help_heading = "Connections")]
    pub(super) insecure: bool,
    /// The client's certificate chain, as PEM [e.g. client.pem].
    #[arg(long, value_name = "FILE", help_heading = "Connections", requires = "key")]
    pub(super) cert: Option<PathBuf>,
    /// The key of the client's certificate, as PEM [e.g. client.key].
    #[arg(long, value_name = "FILE", help_heading = "Connections", requires = "cert")]
    pub(super) key: Option<PathBuf>,
}

/// A connection policy, as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(super) enum LaneName {
    Reused,
    New,
}
