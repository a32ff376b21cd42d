//! The token that callers show, compared in a time that tells nothing of it.

use ring::hmac::{self, HMAC_SHA256, Key, Tag};
use ring::rand::SystemRandom;

/// The least length of a token, in bytes: a shorter one could be guessed.
const LEAST: usize = 16;

/// Why a text is no token. No message has the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// It is too short.
    #[error("it has {0} characters: write at least {LEAST}, such as those of `openssl rand -hex 16`")]
    Short(usize),
    /// It has characters that no header can have.
    #[error("it has spaces or letters beyond ASCII: write those of `openssl rand -hex 16`")]
    Letters,
    /// The kernel gave no random numbers.
    #[error("the kernel gave no random numbers to keep it with")]
    NoKey,
}

/// A token, kept as its tag under a key that is drawn anew each time.
#[derive(Debug)]
pub(crate) struct Token {
    key: Key,
    tag: Tag,
}

impl Token {
    /// The token of this text, without white space around it. Fails if it could be guessed, or not be sent.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        if text.len() < LEAST {
            return Err(Error::Short(text.len()));
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::Letters);
        }
        let key = Key::generate(HMAC_SHA256, &SystemRandom::new()).map_err(|_| Error::NoKey)?;
        Ok(Self { tag: hmac::sign(&key, text.as_bytes()), key })
    }

    /// Whether `shown` is the token. The time that this takes depends on the length of `shown` alone.
    pub(crate) fn is(&self, shown: &str) -> bool {
        hmac::verify(&self.key, shown.as_bytes(), self.tag.as_ref()).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_itself_is_taken() {
        let token = Token::parse(" 0123456789abcdef\n").unwrap();
        assert!(token.is("0123456789abcdef"));
        for other in ["", "0123456789abcde", "0123456789abcdef0", "0123456789abcdeF", " 0123456789abcdef"] {
            assert!(!token.is(other), "{other:?}");
        }
    }

    #[test]
    fn a_token_that_could_be_guessed_or_not_be_sent_is_refused() {
        assert_eq!(Token::parse("secret").unwrap_err(), Error::Short(6));
        assert_eq!(Token::parse("0123456789 abcdef").unwrap_err(), Error::Letters);
        assert_eq!(Token::parse("0123456789abcdéé").unwrap_err(), Error::Letters);
    }
}
