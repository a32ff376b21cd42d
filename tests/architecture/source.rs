//! Just enough of Rust's grammar to find every path that a file uses, with comments and literals out of the way.

/// A path from the crate's root that a file uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Used {
    pub(crate) line: usize,
    pub(crate) path: Vec<String>,
}

#[derive(Clone, Debug)]
struct Token {
    line: usize,
    text: String,
}

/// Every path in `text` that starts with `crate` or `super`, from the crate's root; `module` is the file's own path.
pub(crate) fn paths(text: &str, module: &[String]) -> Vec<Used> {
    let tokens = tokens(&blank(text));
    let mut used = Vec::new();
    let mut inside: Vec<(String, usize)> = Vec::new();
    let (mut depth, mut read) = (0, 0);
    for (at, token) in tokens.iter().enumerate() {
        let next = |by: usize| tokens.get(at + by).map_or("", |token| token.text.as_str());
        let starts = at >= read && (at == 0 || tokens[at - 1].text != "::");
        match token.text.as_str() {
            "{" => depth += 1,
            "}" => {
                depth -= 1;
                inside.retain(|(_, opened)| *opened < depth + 1);
            }
            "mod" if next(2) == "{" => inside.push((next(1).to_owned(), depth + 1)),
            "crate" if starts && next(1) == "::" => read = tree(&tokens, at + 2, Vec::new(), &mut used),
            "super" if starts && next(1) == "::" => {
                let mut here = module.to_vec();
                here.extend(inside.iter().map(|(name, _)| name.clone()));
                here.pop();
                read = tree(&tokens, at + 2, here, &mut used);
            }
            _ => {}
        }
    }
    used
}

/// Every path that begins anywhere with one of these names, whatever comes before it in a `use`.
pub(crate) fn mentions(text: &str, name: &str) -> Vec<usize> {
    let tokens = tokens(&blank(text));
    let wanted: Vec<_> = name.split("::").collect();
    let step = wanted.len() * 2 - 1;
    let starts =
        |window: &[Token]| window.iter().step_by(2).map(|token| token.text.as_str()).eq(wanted.iter().copied());
    let found = tokens.windows(step + 1).filter(|window| starts(&window[..step]) && window[step].text != "=");
    found.map(|window| window[0].line).collect()
}

/// Reads on from `at`, where a path stands at `prefix`, through groups; enters each whole path and says where it ended.
fn tree(tokens: &[Token], at: usize, prefix: Vec<String>, used: &mut Vec<Used>) -> usize {
    let Some(token) = tokens.get(at) else { return at };
    if token.text == "{" {
        return group(tokens, at + 1, &prefix, used);
    }
    let mut path = prefix;
    match token.text.as_str() {
        "super" => drop(path.pop()),
        "self" => {}
        name => path.push(name.to_owned()),
    }
    if tokens.get(at + 1).is_some_and(|next| next.text == "::") {
        return tree(tokens, at + 2, path, used);
    }
    used.push(Used { line: token.line, path });
    at + 1
}

/// Each branch of the group whose first branch is at `at`.
fn group(tokens: &[Token], mut at: usize, prefix: &[String], used: &mut Vec<Used>) -> usize {
    while let Some(token) = tokens.get(at).filter(|token| token.text != "}") {
        // After `as` comes a name that is no path.
        at = match token.text.as_str() {
            "," => at + 1,
            "as" => at + 2,
            _ => tree(tokens, at, prefix.to_vec(), used),
        };
    }
    at + 1
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let word = regex::Regex::new(r"[A-Za-z_][A-Za-z0-9_]*|::|[{},;=()*&<>.]").unwrap();
    for (line, text) in text.lines().enumerate() {
        tokens.extend(word.find_iter(text).map(|found| Token { line: line + 1, text: found.as_str().to_owned() }));
    }
    tokens
}

/// `text` with its comments and literals taken out, line by line as it was.
fn blank(text: &str) -> String {
    let skipped = regex::Regex::new(concat!(
        r"(?s)//[^\n]*",
        r"|/\*.*?\*/",
        r##"|b?r#".*?"#"##,
        r#"|b?r"[^"]*""#,
        r#"|b?"(?:\\.|[^"\\])*""#,
        r"|b?'(?:\\[^']+|\\'|[^'\\])'",
    ))
    .unwrap();
    let lines = |found: &regex::Captures<'_>| "\n".repeat(found[0].matches('\n').count()) + " ";
    skipped.replace_all(text, lines).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let module = ["run".to_owned(), "session".to_owned()];
        let found: Vec<_> =
            paths(text, &module).into_iter().map(|used| format!("{} {}", used.line, used.path.join("::"))).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn paths_are_found_wherever_they_stand() {
        check("use crate::measure::time::Offset;", &["1 measure::time::Offset"]);
        check("fn f() -> crate::lab::World { crate::lab::start() }", &["1 lab::World", "1 lab::start"]);
        check("pub(crate) fn f() {}\npub(in crate::run) struct S;", &["2 run"]);
    }

    #[test]
    fn groups_are_taken_apart() {
        check(
            "use crate::{measure::{self, time::{Offset, nanos}}, events,\n hammer::*};",
            &["1 measure", "1 measure::time::Offset", "1 measure::time::nanos", "1 events", "2 hammer::*"],
        );
    }

    #[test]
    fn super_is_followed_upwards_even_from_a_module_in_the_file() {
        check("use super::plan::Plan;", &["1 run::plan::Plan"]);
        check("use super::super::measure::lane;", &["1 measure::lane"]);
        check(
            "mod tests {\n use super::*;\n use super::super::plan; }\nuse super::plan;",
            &["2 run::session::*", "3 run::plan", "4 run::plan"],
        );
        check("use super::{super::lab, plan};", &["1 lab", "1 run::plan"]);
    }

    #[test]
    fn comments_and_literals_use_nothing() {
        check(
            "// crate::lab\n/* crate::lab\n */ let s = \"crate::lab \\\" crate::lab\"; let c = '\"'; crate::events::f();",
            &["3 events::f"],
        );
        check("let r = r#\"crate::lab \" \"#; fn f<'a>(x: &'a str) { crate::events::f() }", &["1 events::f"]);
    }

    #[test]
    fn a_crate_is_mentioned_by_any_path_into_it() {
        assert_eq!(mentions("use std::fs::File;\nuse tokio::net;\n// tokio", "std::fs"), [1]);
        assert_eq!(mentions("use std::fs::File;\nuse tokio::net;\n// tokio", "tokio"), [2]);
    }
}
