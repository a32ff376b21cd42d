//! Classifies failures by what happened on the stream, not by the texts of errors.

use std::error::Error;
use std::io;

use super::http1::{Broken, Why};
use super::stream::IoObservations;
use super::trace::{Failed, Stage, Trace};
use lapse_measure::answer::{Class, Unsent};
use lapse_record::error_chain::with_causes;

/// The class of a connection that could not be opened.
pub(super) fn connect(error: &io::Error) -> Failed {
    use rustix::io::Errno;
    let class = match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::CONNREFUSED) => Class::Refused,
        Some(Errno::TIMEDOUT) => Class::ConnectTimeout,
        Some(Errno::ADDRNOTAVAIL | Errno::ADDRINUSE) => Class::NotSent(Unsent::NoPort),
        Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => Class::NotSent(Unsent::NoDescriptor),
        Some(Errno::CONNRESET | Errno::CONNABORTED | Errno::PIPE) => Class::Reset,
        // EHOSTUNREACH, ENETUNREACH and all other errors that keep a packet from being delivered.
        _ => Class::Unreachable,
    };
    Failed::new(class, format!("connect: {error}"))
}

/// The class of a failed handshake: a broken connection is distinguished from an error of TLS itself.
pub(super) fn handshake(error: &io::Error) -> Failed {
    let class = match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted => Class::Reset,
        io::ErrorKind::UnexpectedEof => Class::Closed,
        _ => Class::Tls,
    };
    Failed::new(class, format!("TLS handshake: {error}"))
}

/// The class of an exchange over HTTP/1.1 that failed after the request was begun.
pub(super) fn http1(Broken { why, begun }: &Broken) -> Failed {
    let (class, detail) = match why {
        Why::Malformed(reason) => (Class::Malformed, reason.to_string()),
        Why::Io(error) if error.kind() == io::ErrorKind::InvalidData => (Class::Tls, error.to_string()),
        Why::Io(error) if *begun => (Class::Truncated, error.to_string()),
        Why::Io(error) => (Class::Reset, error.to_string()),
        Why::NoCloseNotify => {
            let why = "TLS ended without close_notify, and the answer has no length: nothing tells whether it is whole";
            (Class::Truncated, why.into())
        }
        Why::Closed if *begun => (Class::Truncated, "the connection was closed before the answer was complete".into()),
        Why::Closed => (Class::Closed, "the connection was closed without an answer".into()),
    };
    Failed::new(class, detail)
}

/// The class of an exchange over HTTP/2 that failed after the request was begun. `answered` says whether a stream of the
/// connection has been answered before: what the connection received says nothing about one stream.
pub(super) fn http2(error: &hyper::Error, observed: &IoObservations, answered: bool, trace: &Trace) -> Failed {
    Failed::new(class(error, observed, answered, trace), with_causes(error))
}

fn class(error: &hyper::Error, observed: &IoObservations, answered: bool, trace: &Trace) -> Class {
    let reading = trace.stage.get() == Stage::Reading;
    // Where a connection ends within a frame, the codec has an error of its own: neither an unexpected end nor a broken
    // pipe, as between two frames.
    let within_frame = find::<io::Error>(error).is_some_and(|io| io.kind() == io::ErrorKind::Other);
    if observed.ended() && within_frame {
        return Class::Truncated;
    }
    if let Some(h2) = find::<h2::Error>(error) {
        // h2 says so only of streams above the last one that the GOAWAY names. A server that sends it before it has
        // answered anything refuses service, however orderly.
        let orderly = h2.is_go_away() && h2.is_remote() && h2.reason() == Some(h2::Reason::NO_ERROR);
        if orderly && answered {
            return Class::NotSent(Unsent::GoAway);
        }
        match (h2.is_reset() || h2.is_go_away(), h2.is_remote(), h2.is_io()) {
            // A stream that was reset with its answer begun was cut short all the same.
            (true, true, _) => return Class::StreamReset,
            (_, false, false) if h2.is_library() || h2.is_go_away() => return Class::Malformed,
            _ => {}
        }
    }
    match (observed.broken(), observed.ended()) {
        (Some(io::ErrorKind::InvalidData), _) => Class::Tls,
        _ if reading && (observed.broken().is_some() || observed.ended()) => Class::Truncated,
        (Some(_), _) => Class::Reset,
        (None, false) if reading => Class::Malformed,
        // A close, or a connection that is gone without a known reason: the peer closed it.
        (None, _) => Class::Closed,
    }
}

fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_of_connect_has_a_class() {
        use rustix::io::Errno;
        let class = |errno: Errno| connect(&io::Error::from_raw_os_error(errno.raw_os_error())).class;
        assert_eq!(class(Errno::CONNREFUSED), Class::Refused);
        assert_eq!(class(Errno::HOSTUNREACH), Class::Unreachable);
        assert_eq!(class(Errno::NETUNREACH), Class::Unreachable);
        assert_eq!(class(Errno::TIMEDOUT), Class::ConnectTimeout);
        assert_eq!(class(Errno::ADDRNOTAVAIL), Class::NotSent(Unsent::NoPort));
        assert_eq!(class(Errno::MFILE), Class::NotSent(Unsent::NoDescriptor));
    }
}
