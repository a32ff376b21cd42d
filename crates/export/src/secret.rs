//! What may be secret in a text: values that are called so, and values that look so.

use std::borrow::Cow;

use regex::{Captures, Regex};

/// What stands in the place of a secret.
pub(crate) const REDACTED: &str = "[redacted]";

/// Words in the name of a value that is not to be handed on.
const NAMES: &str = "(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|credentials?\
                     |auth(?:orization)?|cookie|session[-_]?id|signature)";

/// Values that are secret by their form, each with what it is called.
const FORMS: &[(&str, &str)] = &[
    ("a private key", r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z)"),
    ("a password in a URL", r"(?P<keep>[a-z][a-z0-9+.-]*://[^/\s:@]+:)[^/\s@]+(?P<after>@)"),
    ("an authorization", r"(?i)(?P<keep>\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}"),
    ("a JSON web token", r"\beyJ[\w-]{6,}\.[\w-]{6,}\.[\w-]*"),
    ("an AWS access key", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    ("a token of a code host", r"\b(?:gh[pousr]_|github_pat_|glpat-)[\w-]{16,}"),
    ("a token of a chat", r"\bxox[abeoprs]-[\w-]{10,}"),
];

/// The kinds of values that are taken out.
#[derive(Debug)]
pub(crate) struct Secrets {
    /// The name of an option whose next word is secret.
    option: Regex,
    kinds: Vec<(String, Regex)>,
}

impl Secrets {
    /// The kinds that lapse knows, and what matches `extra`: its group named `keep` stays, the rest of the match goes.
    pub(crate) fn new(extra: &[Regex]) -> Result<Self, regex::Error> {
        // A value ends where the next one may begin; one in quotes ends with them.
        let named = format!(r#"(?i)(?P<keep>[\w.-]*{NAMES}[\w.-]*["']?\s*[=:]\s*)(?:"[^"]*"|'[^']*'|[^\s"',;&}}]+)"#);
        let mut kinds = Vec::new();
        for extra in extra {
            kinds.push((format!("what matches {:?}", extra.as_str()), extra.clone()));
        }
        for (what, form) in FORMS {
            kinds.push(((*what).to_owned(), Regex::new(form)?));
        }
        kinds.push(("a value that is called secret".to_owned(), Regex::new(&named)?));
        Ok(Self { option: Regex::new(&format!("(?i)^--?[a-z0-9-]*{NAMES}[a-z0-9-]*$"))?, kinds })
    }

    /// Whether this word of a command line is an option whose value, the next word, is secret.
    pub(crate) fn is_option(&self, word: &str) -> bool {
        self.option.is_match(word)
    }

    /// The text without what may be secret. `found` is told of what kind each value was that was taken out.
    pub(crate) fn taken_out<'t>(&self, text: &'t str, mut found: impl FnMut(&str)) -> Cow<'t, str> {
        let mut rest = Cow::Borrowed(text);
        for (what, kind) in &self.kinds {
            let replace = |all: &Captures<'_>| {
                let group = |name: &str| all.name(name).map_or("", |part| part.as_str());
                let value = all[0][group("keep").len()..].trim_start_matches(['"', '\'']);
                // What an earlier kind has taken out is no secret any more, nor is what says how it was given.
                let scheme = ["bearer", "basic"].iter().any(|scheme| value.eq_ignore_ascii_case(scheme));
                if scheme || value.starts_with(REDACTED) {
                    return all[0].to_owned();
                }
                found(what);
                format!("{}{REDACTED}{}", group("keep"), group("after"))
            };
            if let Cow::Owned(replaced) = kind.replace_all(&rest, replace) {
                rest = Cow::Owned(replaced);
            }
        }
        rest
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use proptest::prelude::*;

    static SECRETS: LazyLock<Secrets> =
        LazyLock::new(|| Secrets::new(&[Regex::new("(?P<keep>customer )[0-9]+").unwrap()]).unwrap());

    fn taken_out(text: &str) -> String {
        SECRETS.taken_out(text, |_| {}).into_owned()
    }

    #[test]
    fn values_that_are_called_secret_go_and_their_names_stay() {
        let cases = [
            ("db.password=hunter2", "db.password=[redacted]"),
            ("global.imageToken: 'a b c'", "global.imageToken: [redacted]"),
            (r#"{"api_key":"x y","qty":1}"#, r#"{"api_key":[redacted],"qty":1}"#),
            ("https://shop/?token=abc&qty=1", "https://shop/?token=[redacted]&qty=1"),
            ("image.tag=v2,auth.secretKey=s3", "image.tag=v2,auth.secretKey=[redacted]"),
            ("Set-Cookie: sid=1", "Set-Cookie: [redacted]"),
        ];
        for (text, expected) in cases {
            assert_eq!(taken_out(text), expected);
        }
    }

    #[test]
    fn values_that_look_secret_go() {
        let cases = [
            ("postgres://shop:hunter2@db/shop", "postgres://shop:[redacted]@db/shop"),
            ("sent Bearer abcdefgh.ijkl to", "sent Bearer [redacted] to"),
            ("Authorization: Basic c2hvcDpwdw==", "Authorization: Basic [redacted]"),
            ("got eyJhbGciOi.eyJzdWIiOiIx.SflKxw", "got [redacted]"),
            ("AKIAIOSFODNN7EXAMPLE", "[redacted]"),
            ("cloned with ghp_0123456789abcdefghij", "cloned with [redacted]"),
            ("a -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- b", "a [redacted] b"),
            ("-----BEGIN PRIVATE KEY-----\ncut off", "[redacted]"),
            ("customer 4711 was refused", "customer [redacted] was refused"),
        ];
        for (text, expected) in cases {
            assert_eq!(taken_out(text), expected);
        }
    }

    #[test]
    fn what_a_rollout_says_stays() {
        for text in [
            "deployment.apps/shop successfully rolled out",
            "Readiness probe failed: HTTP probe failed with statuscode: 503",
            "image shop:1.4.2, 2 of 3 pods ready",
            "connection refused (os error 111)",
            "https://shop.example.com/health?verbose=1",
        ] {
            assert_eq!(taken_out(text), text);
        }
    }

    #[test]
    fn an_option_that_names_a_secret_is_known() {
        for option in ["--password", "--kube-token", "-token", "--docker-password"] {
            assert!(SECRETS.is_option(option), "{option}");
        }
        for option in ["--set", "--namespace", "password", "--wait"] {
            assert!(!SECRETS.is_option(option), "{option}");
        }
    }

    proptest! {
        #[test]
        fn a_second_time_nothing_is_found(text in r"[ -~]{0,80}(password|token)[=: ]{1,2}[ -~]{0,20}") {
            let once = taken_out(&text);
            prop_assert_eq!(taken_out(&once), once);
        }
    }
}
