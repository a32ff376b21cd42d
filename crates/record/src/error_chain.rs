//! Error texts for people: an error and its causes in one line.

use std::error::Error;

/// The messages of `error` and its causes, outermost first, joined by colons. Many libraries repeat the cause's message
/// in their own; a message that the text already contains is left out.
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let message = cause.to_string();
        if !text.contains(&message) {
            text = format!("{text}: {message}");
        }
        next = cause.source();
    }
    text
}

/// The message of the innermost cause, which says most where the outer ones only name layers.
pub fn innermost(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{message}")]
    struct Link {
        message: &'static str,
        source: Option<Box<Self>>,
    }

    #[test]
    fn a_message_that_the_outer_error_repeats_appears_once() {
        let refused = Link { message: "connection refused", source: None };
        let connect = Link { message: "connect: connection refused", source: Some(Box::new(refused)) };
        let list = Link { message: "cannot list pods", source: Some(Box::new(connect)) };
        assert_eq!(with_causes(&list), "cannot list pods: connect: connection refused");
    }
}
