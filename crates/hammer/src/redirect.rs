//! Redirects that count as healthy answers. What is behind them is not measured, which a run has to say.

use std::cell::{Cell, RefCell};

use super::target::{Expect, Statuses};

/// The longest part of a `Location` header that is kept, in characters.
const LONGEST: usize = 300;

/// An answer that sends its client to another URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// The status code: 301, 302, 303, 307 or 308.
    pub status: u16,
    /// The `Location` header, or its beginning; `None` if the answer has none.
    pub to: Option<String>,
}

/// Keeps the first redirect of a lane that counts as healthy.
#[derive(Debug)]
pub(super) struct FirstRedirect {
    /// Whether a redirect would be news: the user has not asked for one, and there was none yet.
    awaited: Cell<bool>,
    untold: RefCell<Option<Redirect>>,
}

impl Redirect {
    /// Whether clients that are answered with `status` go on to another URL (RFC 9110, section 15.4).
    pub const fn is(status: u16) -> bool {
        matches!(status, 301 | 302 | 303 | 307 | 308)
    }

    /// The redirect of an answer with this `Location` header.
    pub fn new(status: u16, to: Option<&[u8]>) -> Self {
        let text = |bytes| String::from_utf8_lossy(bytes).chars().take(LONGEST).collect();
        Self { status, to: to.map(text) }
    }
}

impl FirstRedirect {
    /// Redirects are news only where `expect` has its default: other expectations were made on purpose. To a gRPC call
    /// none is a healthy answer.
    pub(super) fn new(expect: &Expect) -> Self {
        let awaited = Cell::new(expect.statuses == Statuses::default() && expect.grpc.is_none());
        Self { awaited, untold: RefCell::default() }
    }

    /// Takes note of an answer; `to` reads its `Location` header.
    pub(super) fn note<'a>(&self, status: u16, to: impl FnOnce() -> Option<&'a [u8]>) {
        if Redirect::is(status) && self.awaited.replace(false) {
            self.untold.replace(Some(Redirect::new(status, to())));
        }
    }

    /// The redirect, once.
    pub(super) fn take(&self) -> Option<Redirect> {
        self.untold.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_redirect_is_told_once_and_only_where_none_is_expected() {
        let first = FirstRedirect::new(&Expect::default());
        for status in [200, 304, 308, 301] {
            first.note(status, || Some(b"https://shop/"));
        }
        assert_eq!(first.take(), Some(Redirect { status: 308, to: Some("https://shop/".to_owned()) }));
        assert_eq!(first.take(), None);
        let expected = FirstRedirect::new(&Expect { statuses: "200-399,404".parse().unwrap(), ..Expect::default() });
        expected.note(308, || None);
        assert_eq!(expected.take(), None);
        assert_eq!(Redirect::new(302, Some(&[b'x'; 1000])).to.unwrap().len(), LONGEST);
    }
}
