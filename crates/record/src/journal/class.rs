//! The numbers of answer classes in the journal. A number is never reused for another class.

use lapse_measure::answer::{Class, GrpcStatus, Unsent};

/// Status code n has the number n + 1000.
const STATUS_OFFSET: u16 = 1000;

/// Defines the mapping in both directions from one table.
macro_rules! numbers {
    ($($number:literal = [$($class:tt)+];)+) => {
        /// The number of `class` in the journal.
        pub(super) const fn number(class: Class) -> u16 {
            match class {
                Class::Status(code) => STATUS_OFFSET.saturating_add(code),
                $($($class)+ => $number,)+
            }
        }

        /// The class with this number; `None` for an unknown number.
        pub(super) const fn of(number: u16) -> Option<Class> {
            match number {
                $($number => Some($($class)+),)+
                1000..=1999 => Some(Class::Status(number - STATUS_OFFSET)),
                _ => None,
            }
        }
    };
}

numbers! {
    0 = [Class::Ok];
    1 = [Class::Slow];
    2 = [Class::Dns];
    3 = [Class::Refused];
    4 = [Class::Unreachable];
    5 = [Class::ConnectTimeout];
    6 = [Class::Tls];
    7 = [Class::Reset];
    8 = [Class::Closed];
    9 = [Class::ResponseTimeout];
    10 = [Class::Truncated];
    11 = [Class::Malformed];
    12 = [Class::StreamReset];
    13 = [Class::UnexpectedBody];
    14 = [Class::NotSent(Unsent::NoPort)];
    15 = [Class::NotSent(Unsent::NoDescriptor)];
    16 = [Class::NotSent(Unsent::InFlightLimit)];
    17 = [Class::NotSent(Unsent::Stall)];
    18 = [Class::NotSent(Unsent::GoAway)];
    19 = [Class::NotSent(Unsent::Concurrency)];
    20 = [Class::Grpc(GrpcStatus::Cancelled)];
    21 = [Class::Grpc(GrpcStatus::Unknown)];
    22 = [Class::Grpc(GrpcStatus::InvalidArgument)];
    23 = [Class::Grpc(GrpcStatus::DeadlineExceeded)];
    24 = [Class::Grpc(GrpcStatus::NotFound)];
    25 = [Class::Grpc(GrpcStatus::AlreadyExists)];
    26 = [Class::Grpc(GrpcStatus::PermissionDenied)];
    27 = [Class::Grpc(GrpcStatus::ResourceExhausted)];
    28 = [Class::Grpc(GrpcStatus::FailedPrecondition)];
    29 = [Class::Grpc(GrpcStatus::Aborted)];
    30 = [Class::Grpc(GrpcStatus::OutOfRange)];
    31 = [Class::Grpc(GrpcStatus::Unimplemented)];
    32 = [Class::Grpc(GrpcStatus::Internal)];
    33 = [Class::Grpc(GrpcStatus::Unavailable)];
    34 = [Class::Grpc(GrpcStatus::DataLoss)];
    35 = [Class::Grpc(GrpcStatus::Unauthenticated)];
    36 = [Class::Grpc(GrpcStatus::NotServing)];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_is_read_back_from_its_number() {
        for class in Class::ALL.iter().copied().chain([Class::Status(0), Class::Status(999)]) {
            assert_eq!(of(number(class)), Some(class));
        }
        assert_eq!((of(999), of(2000)), (None, None));
    }

    #[test]
    fn the_numbers_are_the_same_as_in_all_earlier_journals() {
        let words = [
            "ok",
            "slow",
            "dns",
            "refused",
            "unreachable",
            "connect-timeout",
            "tls",
            "reset",
            "closed",
            "response-timeout",
            "truncated",
            "malformed",
            "stream-reset",
            "unexpected-body",
            "not-sent no-port",
            "not-sent no-descriptor",
            "not-sent in-flight-limit",
            "not-sent stall",
            "not-sent goaway",
            "not-sent concurrency",
            "grpc CANCELLED",
            "grpc UNKNOWN",
            "grpc INVALID_ARGUMENT",
            "grpc DEADLINE_EXCEEDED",
            "grpc NOT_FOUND",
            "grpc ALREADY_EXISTS",
            "grpc PERMISSION_DENIED",
            "grpc RESOURCE_EXHAUSTED",
            "grpc FAILED_PRECONDITION",
            "grpc ABORTED",
            "grpc OUT_OF_RANGE",
            "grpc UNIMPLEMENTED",
            "grpc INTERNAL",
            "grpc UNAVAILABLE",
            "grpc DATA_LOSS",
            "grpc UNAUTHENTICATED",
            "grpc NOT_SERVING",
        ];
        let read: Vec<_> = (0..37).map(|number| of(number).unwrap().to_string()).collect();
        assert_eq!(read, words);
        assert_eq!((of(37), of(1503)), (None, Some(Class::Status(503))));
    }
}
