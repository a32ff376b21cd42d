//! What the clients of a replay are expected to do, and what they did of it.

use std::fmt;
use std::str::FromStr;

use lapse_measure::time::Human;

use crate::account::{Account, Figure, Range};
use crate::verdict::Outcome;

/// A figure and its limit, such as `amplification<=1.3`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expectation {
    figure: Figure,
    relation: Relation,
    /// A number, of `first-success` in seconds.
    limit: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    AtMost,
    AtLeast,
    Below,
    Above,
    Exactly,
}

impl Relation {
    /// In the order in which they are looked for: `<` begins `<=`, too.
    const ALL: [(&'static str, Self); 5] =
        [("<=", Self::AtMost), (">=", Self::AtLeast), ("<", Self::Below), (">", Self::Above), ("=", Self::Exactly)];

    fn sign(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, relation)| *relation == self).map_or("=", |(sign, _)| sign)
    }

    /// Whether all values of the range have it to `limit`, or none has; `None` if only some have.
    fn holds(self, Range { low, high }: Range, limit: f64) -> Option<bool> {
        let (all, none) = match self {
            Self::AtMost => (high <= limit, low > limit),
            Self::AtLeast => (low >= limit, high < limit),
            Self::Below => (high < limit, low >= limit),
            Self::Above => (low > limit, high <= limit),
            Self::Exactly => (low >= limit && high <= limit, low > limit || high < limit),
        };
        if all { Some(true) } else { none.then_some(false) }
    }
}

impl Expectation {
    /// The figure that is limited.
    pub const fn figure(&self) -> Figure {
        self.figure
    }

    /// What `account` says of it.
    pub fn judge(&self, account: &Account) -> Outcome {
        let range = match account.range(self.figure) {
            Ok(range) => range,
            Err(why) => return Outcome::Undecided(why),
        };
        let shown = self.show(range);
        match self.relation.holds(range, self.limit) {
            Some(true) => Outcome::Held(shown),
            Some(false) => Outcome::Broken(shown),
            None => Outcome::Undecided(format!("{shown}: {}", reasons(account))),
        }
    }

    fn show(&self, Range { low, high }: Range) -> String {
        let value = |value: f64| match self.figure {
            Figure::FirstSuccess => {
                Human(std::time::Duration::try_from_secs_f64(value).unwrap_or_default()).to_string()
            }
            Figure::Amplification | Figure::HerdRequests | Figure::HerdConnections => format!("{value:.2}"),
            _ => format!("{value}"),
        };
        let (least, most) = (value(low), value(high));
        if least == most { least } else { format!("{least} to {most}") }
    }
}

/// Why a figure is not certain.
fn reasons(account: &Account) -> String {
    let because = [
        (account.left_out, "requests had keys beyond those that are told apart"),
        (account.unfinished.sum(), "logical requests were under way at the end"),
        (account.failed_by_upstream.sum(), "failed because of the upstream"),
    ];
    let reasons: Vec<_> =
        because.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    reasons.join(", ")
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = if self.figure == Figure::FirstSuccess { "s" } else { "" };
        write!(f, "{}{}{}{unit}", self.figure.name(), self.relation.sign(), self.limit)
    }
}

impl FromStr for Expectation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = Relation::ALL
            .into_iter()
            .find_map(|(sign, relation)| text.split_once(sign).map(|(name, value)| (name, relation, value)));
        let (name, relation, value) =
            parts.ok_or("write a figure and its limit, such as user-failures=0 or amplification<=1.3")?;
        let named = Figure::ALL.into_iter().find(|figure| figure.name() == name.trim());
        let figure = named.ok_or_else(|| {
            let all = Figure::ALL.map(Figure::name).join(", ");
            format!("there is no figure {:?}: choose one of {all}", name.trim())
        })?;
        let value = value.trim();
        let limit = match figure {
            Figure::FirstSuccess => time(value).ok_or("write a time with its unit, such as first-success<=1s")?,
            _ => value.parse().ok().ok_or("write a number, such as user-failures=0 or amplification<=1.3")?,
        };
        if !(0.0..1e15).contains(&limit) {
            return Err("its limit must be a number from 0 on".to_owned());
        }
        Ok(Self { figure, relation, limit })
    }
}

/// Seconds of a time such as `250ms` or `1.5s`.
fn time(text: &str) -> Option<f64> {
    let (number, scale) = match text.strip_suffix("ms") {
        Some(number) => (number, 1e-3),
        None => (text.strip_suffix('s')?, 1.0),
    };
    number.parse().ok().map(|number: f64| number * scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Both;

    fn account(requests: u64, logical: u64, failed: u64) -> Account {
        let both = |keyed| Both { keyed, keyless: 0 };
        Account {
            requests,
            logical: both(logical),
            failed: both(failed),
            succeeded: both(logical - failed),
            ..Account::default()
        }
    }

    fn judge(expectation: &str, account: &Account) -> Outcome {
        expectation.parse::<Expectation>().unwrap().judge(account)
    }

    #[test]
    fn an_expectation_is_held_broken_or_undecided() {
        let calm = account(130, 100, 0);
        for held in ["user-failures=0", "amplification<=1.3", "succeeded>=100", "retries<31", "requests>129"] {
            assert!(matches!(judge(held, &calm), Outcome::Held(_)), "{held}");
        }
        for broken in ["amplification<=1.29", "amplification<1.3", "requests=131", "retries>30", "succeeded>=101"] {
            assert!(matches!(judge(broken, &calm), Outcome::Broken(_)), "{broken}");
        }
        assert_eq!(judge("amplification<=1.3", &calm), Outcome::Held("1.30".to_owned()));
        assert!(matches!(judge("first-success<=1s", &calm), Outcome::Undecided(_)), "there was no recovery");
        assert!(matches!(judge("amplification=1", &Account::default()), Outcome::Undecided(_)), "there was no request");
    }

    #[test]
    fn what_is_not_certain_decides_only_what_it_cannot_change() {
        let one = Both { keyed: 1, keyless: 0 };
        let pending = Account { unfinished: one, ..account(10, 10, 0) };
        assert!(matches!(judge("user-failures=0", &pending), Outcome::Undecided(_)));
        assert!(matches!(judge("user-failures<=1", &pending), Outcome::Held(_)));
        let upstream = Account { failed_by_upstream: one, ..account(10, 10, 1) };
        assert_eq!(
            judge("user-failures=0", &upstream),
            Outcome::Undecided("0 to 1: 1 failed because of the upstream".to_owned())
        );
        let flooded = Account { left_out: 5, ..account(10, 10, 0) };
        assert!(matches!(judge("amplification<=1.2", &flooded), Outcome::Undecided(_)));
        assert!(matches!(judge("amplification<=1.5", &flooded), Outcome::Held(_)));
    }

    #[test]
    fn an_expectation_prints_as_it_is_typed_and_nonsense_says_what_to_write() {
        for text in ["user-failures=0", "amplification<=1.3", "first-success<=0.25s", "herd-requests<3"] {
            assert_eq!(text.parse::<Expectation>().unwrap().to_string(), text);
        }
        assert_eq!("first-success<=250ms".parse::<Expectation>().unwrap().to_string(), "first-success<=0.25s");
        for (text, expected) in [
            ("", "write a figure and its limit"),
            ("failures=0", "choose one of requests, logical-requests"),
            ("user-failures=none", "write a number"),
            ("first-success<=1", "write a time with its unit"),
            ("amplification<=-1", "from 0 on"),
            ("amplification<=NaN", "from 0 on"),
            ("amplification<=inf", "from 0 on"),
        ] {
            let error = text.parse::<Expectation>().unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
