//! Targets that answer with a redirect which counts as up: said once, on the terminal and in every report.

use lapse_hammer::redirect::Redirect;
use lapse_measure::lane::TargetId;
use lapse_measure::time::Offset;
use lapse_record::event::{Event, EventKind, Source};

use super::check::Checked;

/// The targets of a run, and what was said of them.
#[derive(Debug)]
pub(crate) struct RedirectNotices(Vec<Told>);

/// How far the redirect of a target has been told.
#[derive(Debug)]
struct Told {
    name: String,
    on_terminal: bool,
    in_record: bool,
}

impl RedirectNotices {
    /// The targets of these names, of which the check before the run has told what it met.
    pub(crate) fn new(names: Vec<String>, checked: &[Checked]) -> Self {
        let told =
            |(name, checked): (String, &Checked)| Told { name, on_terminal: checked.redirects, in_record: false };
        Self(names.into_iter().zip(checked).map(told).collect())
    }

    /// The event for a redirect that probes met, and whether it is new on the terminal; `None` if it is in the record.
    pub(crate) fn met(&mut self, target: TargetId, redirect: &Redirect, at: Offset) -> Option<(Event, bool)> {
        let told = self.0.get_mut(target.0).filter(|told| !told.in_record)?;
        told.in_record = true;
        let event = Event::new(at, Source::Prober, EventKind::Redirected, notice(&told.name, redirect));
        Some((event, !std::mem::replace(&mut told.on_terminal, true)))
    }
}

/// What a redirect means for the measurement, and what to do.
pub(crate) fn notice(name: &str, Redirect { status, to }: &Redirect) -> String {
    match to {
        Some(to) => format!(
            "{name} answers {status} to {to}: what is behind it is not measured; give that URL, or --expect 200 to have it \
             count as failed"
        ),
        None => format!(
            "{name} answers {status}, a redirect that names no URL: nothing behind it is measured; --expect 200 has it \
             count as failed"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapse_measure::lane::Protocol;

    #[test]
    fn each_target_is_told_once_in_the_record_and_once_on_the_terminal() {
        let checked = |redirects| Checked { protocol: Protocol::Http1, warning: None, redirects };
        let mut notices = RedirectNotices::new(vec!["a".into(), "b".into()], &[checked(true), checked(false)]);
        let redirect = Redirect { status: 308, to: Some("https://shop/".to_owned()) };
        let mut met = |target| notices.met(TargetId(target), &redirect, Offset::ZERO).map(|(_, is_new)| is_new);
        assert_eq!([met(0), met(0), met(1), met(1), met(2)], [Some(false), None, Some(true), None, None]);
        let said = "shop answers 308 to https://shop/: what is behind it is not measured; give that URL, or --expect 200 to \
                    have it count as failed";
        assert_eq!(notice("shop", &redirect), said);
    }
}
