//! The numbers that stand for answer classes on disk: once given, a number is never given again.

use lapse_measure::answer::{Class, Unsent};

/// A status code is this much more than itself.
const STATUS: u16 = 1000;

/// Defines the numbers in both directions at once.
macro_rules! numbers {
    ($($number:literal = $class:pat => $value:expr;)+) => {
        /// The number of `class`.
        pub(super) const fn number(class: Class) -> u16 {
            match class {
                Class::Status(code) => STATUS.saturating_add(code),
                $($class => $number,)+
            }
        }

        /// The class whose number this is, if there is one.
        pub(super) const fn of(number: u16) -> Option<Class> {
            match number {
                $($number => Some($value),)+
                1000..=1999 => Some(Class::Status(number - STATUS)),
                _ => None,
            }
        }
    };
}

numbers! {
    0 = Class::Ok => Class::Ok;
    1 = Class::Slow => Class::Slow;
    2 = Class::Dns => Class::Dns;
    3 = Class::Refused => Class::Refused;
    4 = Class::Unreachable => Class::Unreachable;
    5 = Class::ConnectTimeout => Class::ConnectTimeout;
    6 = Class::Tls => Class::Tls;
    7 = Class::Reset => Class::Reset;
    8 = Class::Closed => Class::Closed;
    9 = Class::ResponseTimeout => Class::ResponseTimeout;
    10 = Class::Truncated => Class::Truncated;
    11 = Class::Malformed => Class::Malformed;
    12 = Class::StreamReset => Class::StreamReset;
    13 = Class::UnexpectedBody => Class::UnexpectedBody;
    14 = Class::NotSent(Unsent::NoPort) => Class::NotSent(Unsent::NoPort);
    15 = Class::NotSent(Unsent::NoDescriptor) => Class::NotSent(Unsent::NoDescriptor);
    16 = Class::NotSent(Unsent::InFlightLimit) => Class::NotSent(Unsent::InFlightLimit);
    17 = Class::NotSent(Unsent::Stall) => Class::NotSent(Unsent::Stall);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_a_number_of_its_own_that_reads_back() {
        for class in Class::ALL.iter().copied().chain([Class::Status(0), Class::Status(999)]) {
            assert_eq!(of(number(class)), Some(class));
        }
        assert_eq!((of(999), of(2000)), (None, None));
    }
}
