//! References in the value of a header: `${NAME}` stands for a variable of the environment, `@FILE` for what a file holds.
//!
//! `$${` stands for `${` itself, and `@@` at the beginning for `@`. Messages have names of variables and files, never what
//! they hold.

/// The value of a header, with its references.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// The contents of a file, without the line break at the end.
    File(String),
    /// Parts, one after the other.
    Parts(Vec<Part>),
}

/// A part of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A text as it is.
    Text(String),
    /// The value of a variable.
    Variable(String),
}

impl Value {
    /// Parses a value as written.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.strip_prefix('@') {
            Some("") => return Err("`@` names no file: write @FILE, or @@ for the sign itself".to_owned()),
            Some(escaped) if escaped.starts_with('@') => return parts(escaped).map(Self::Parts),
            Some(file) => return Ok(Self::File(file.to_owned())),
            None => {}
        }
        parts(text).map(Self::Parts)
    }

    /// The value with what its references stand for. `variable` gives the value of a variable, and `file` what a file
    /// holds; their errors are returned.
    pub fn fill(
        &self,
        variable: impl Fn(&str) -> Result<String, String>,
        file: impl Fn(&str) -> Result<String, String>,
    ) -> Result<String, String> {
        match self {
            Self::File(name) => {
                let text = file(name)?;
                let line = text.strip_suffix('\n').unwrap_or(&text);
                Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
            }
            Self::Parts(parts) => parts
                .iter()
                .map(|part| match part {
                    Part::Text(text) => Ok(text.clone()),
                    Part::Variable(name) => variable(name),
                })
                .collect(),
        }
    }
}

/// Cuts a text at its references.
fn parts(text: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let (mut plain, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            plain.push_str(before);
            plain.push_str("${");
            rest = after;
            continue;
        }
        let unclosed = "`${` has no `}`: write ${NAME}, or $${ for the signs themselves";
        let (name, after) = after.split_once('}').ok_or(unclosed)?;
        let fits = |(place, letter): (usize, char)| {
            letter == '_' || letter.is_ascii_alphabetic() || (place > 0 && letter.is_ascii_digit())
        };
        if name.is_empty() || !name.char_indices().all(fits) {
            return Err(format!(
                "`${{{}}}` names no variable: write ${{NAME}}, of letters, digits and _, or $${{ for the signs themselves",
                super::shown(name)
            ));
        }
        plain.push_str(before);
        if !plain.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut plain)));
        }
        parts.push(Part::Variable(name.to_owned()));
        rest = after;
    }
    plain.push_str(rest);
    if !plain.is_empty() || parts.is_empty() {
        parts.push(Part::Text(plain));
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filled(text: &str) -> Result<String, String> {
        let variable = |name: &str| if name == "TOKEN" { Ok("s3cret".to_owned()) } else { Err(format!("no {name}")) };
        Value::parse(text)?.fill(variable, |file| Ok(format!("of {file}\r\n")))
    }

    #[test]
    fn references_are_replaced_and_signs_can_be_written() {
        for (text, value) in [
            ("plain", "plain"),
            ("", ""),
            ("Bearer ${TOKEN}", "Bearer s3cret"),
            ("${TOKEN}${TOKEN}!", "s3crets3cret!"),
            ("$TOKEN costs 5$", "$TOKEN costs 5$"),
            ("$${TOKEN} ${TOKEN}", "${TOKEN} s3cret"),
            ("@key.txt", "of key.txt"),
            ("@@key ${TOKEN}", "@key s3cret"),
            ("a@b", "a@b"),
        ] {
            assert_eq!(filled(text), Ok(value.to_owned()), "{text}");
        }
        assert_eq!(filled("${OTHER}"), Err("no OTHER".to_owned()));
        for (text, why) in [("${TOKEN", "has no `}`"), ("${A:-b}", "`${A:-b}` names no variable"), ("@", "no file")] {
            assert!(filled(text).unwrap_err().contains(why), "{text}: {:?}", filled(text));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "[$@{}A-Z_: é]{0,24}") {
            let _ = filled(&text);
        }
    }
}
