//! The verdict on the clients of a replay: whether they did what was expected of them.

use crate::account::Account;
use crate::expectation::Expectation;
use crate::playback::Position;

/// What became of an expectation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It held; the value.
    Held(String),
    /// It did not; the value.
    Broken(String),
    /// The ledger cannot tell; the reason.
    Undecided(String),
}

/// What the verdict comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// Every expectation held.
    Pass,
    /// One did not.
    Fail,
    /// The ledger supports no verdict.
    Inconclusive,
    /// The replay was interrupted before its end.
    Interrupted,
}

/// A verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// What it comes to.
    pub conclusion: Conclusion,
    /// Each expectation, and what became of it.
    pub outcomes: Vec<(Expectation, Outcome)>,
    /// Why no verdict is supported, whatever was expected.
    pub doubts: Vec<String>,
}

impl Conclusion {
    /// The exit code, as of `lapse run`.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fail => 1,
            Self::Inconclusive => 3,
            Self::Interrupted => 130,
        }
    }

    /// The conclusion in a word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
            Self::Interrupted => "interrupted",
        }
    }
}

impl Verdict {
    /// The verdict on `account`, of a replay that was at `position` when it ended, by a signal if `interrupted`.
    pub fn on(account: &Account, position: Position, interrupted: bool, expectations: &[Expectation]) -> Self {
        let mut doubts = Vec::new();
        match position {
            Position::Waiting => doubts.push("the replay was not started".to_owned()),
            Position::At(_) => doubts.push("the replay was not played to its end".to_owned()),
            Position::Over if account.logical.sum() == 0 => {
                doubts.push("no request came while the run was played".to_owned());
            }
            Position::Over => {}
        }
        let outcomes: Vec<_> = expectations.iter().map(|one| (*one, one.judge(account))).collect();
        let any = |of: fn(&Outcome) -> bool| outcomes.iter().any(|(_, outcome)| of(outcome));
        let conclusion = if interrupted && position != Position::Over {
            Conclusion::Interrupted
        } else if !doubts.is_empty() {
            Conclusion::Inconclusive
        } else if any(|outcome| matches!(outcome, Outcome::Broken(_))) {
            Conclusion::Fail
        } else if any(|outcome| matches!(outcome, Outcome::Undecided(_))) {
            Conclusion::Inconclusive
        } else {
            Conclusion::Pass
        };
        Self { conclusion, outcomes, doubts }
    }
}

#[cfg(test)]
mod tests {
    use lapse_measure::time::Offset;

    use super::*;
    use crate::account::Both;

    #[test]
    fn the_first_that_applies_wins() {
        let both = |keyed| Both { keyed, keyless: 0 };
        let account = Account { requests: 2, logical: both(2), failed: both(1), ..Account::default() };
        let expected = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<Expectation>>();
        let on = |account: &Account, position, interrupted, texts: &[&str]| {
            Verdict::on(account, position, interrupted, &expected(texts)).conclusion.exit_code()
        };
        let (at, over) = (Position::At(Offset::ZERO), Position::Over);
        assert_eq!(on(&account, over, false, &["requests=2"]), 0);
        assert_eq!(on(&account, over, true, &["requests=2"]), 0, "a signal after the end");
        assert_eq!(on(&account, over, false, &["user-failures=0", "first-success<1s"]), 1);
        assert_eq!(on(&account, over, false, &["requests=2", "first-success<1s"]), 3);
        assert_eq!(on(&account, at, false, &["user-failures=0"]), 3);
        assert_eq!(on(&account, at, true, &["user-failures=0"]), 130);
        assert_eq!(on(&Account::default(), over, false, &["user-failures=0"]), 3, "no request came");
        assert_eq!(on(&Account::default(), Position::Waiting, false, &[]), 3);
    }
}
