//! What a command of a manifest does: whether a shell runs it, how long it sleeps, whether the program replaces the
//! shell. A command that is not understood is unknown, never guessed.

use super::quantity::seconds;

const SHELLS: [&str; 6] = ["sh", "bash", "ash", "dash", "zsh", "ksh"];

/// The last part of a path.
pub(crate) fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

pub(crate) fn is_shell(program: &str) -> bool {
    SHELLS.contains(&base(program))
}

/// The script of `sh -c SCRIPT`.
pub(crate) fn script<'a>(command: &[&'a str]) -> Option<&'a str> {
    let (program, rest) = command.split_first()?;
    if !is_shell(program) {
        return None;
    }
    let flags = rest.iter().take_while(|word| word.starts_with('-')).count();
    let has_command = rest[..flags].iter().any(|flag| !flag.starts_with("--") && flag.contains('c'));
    rest.get(flags).copied().filter(|_| has_command)
}

/// The simple commands of a script in order, as words; `None` if it has loops, conditions or anything else that makes
/// its course unclear.
pub(crate) fn steps(script: &str) -> Option<Vec<Vec<&str>>> {
    const COURSE: [&str; 12] = ["while", "until", "for", "if", "case", "||", "&", "function", "{", "(", "trap", "wait"];
    if script.contains(['`', '|', '<', '>']) || script.contains("$(") {
        return None;
    }
    let spaced = script.replace("&&", ";");
    if spaced.contains('&') || script.split_whitespace().any(|word| COURSE.contains(&word)) {
        return None;
    }
    let steps = script.split([';', '\n']).flat_map(|part| part.split("&&"));
    let words = steps.map(|step| step.split_whitespace().collect::<Vec<_>>());
    Some(words.filter(|words| words.first().is_some_and(|word| !word.starts_with('#'))).collect())
}

/// The seconds that a command sleeps; `None` if that is not known, or it does not sleep.
pub(crate) fn sleeps(command: &[&str]) -> Option<f64> {
    let steps = match script(command) {
        Some(script) => steps(script)?,
        None => vec![command.to_vec()],
    };
    let naps = steps.iter().filter(|step| step.first().is_some_and(|program| base(program) == "sleep"));
    let mut total = None;
    for nap in naps {
        // Several arguments are added up, as GNU sleep does.
        let arguments = nap.get(1..).filter(|arguments| !arguments.is_empty())?;
        for argument in arguments {
            let argument = argument.trim_matches(['"', '\'']);
            total = Some(total.unwrap_or(0.0) + seconds(argument)?);
        }
    }
    total
}

/// Whether a shell stays process 1 while it runs more than one command: it then gets SIGTERM and does not pass it on.
pub(crate) fn keeps_signals(command: &[&str]) -> bool {
    const HANDLES: [&str; 9] =
        ["exec", "trap", "tini", "dumb-init", "catatonit", "s6-svscan", "supervisord", "runsvdir", "exec\t"];
    let Some(script) = script(command) else { return false };
    let words = || script.split(|c: char| c.is_whitespace() || matches!(c, ';' | '&' | '|' | '(' | ')' | '{' | '}'));
    let handles = words().any(|word| HANDLES.contains(&base(word)));
    let simple = steps(script).is_some_and(|steps| steps.len() <= 1);
    !handles && !simple
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleeps_are_added_up_and_unclear_ones_are_unknown() {
        let cases: [(&[&str], Option<f64>); 10] = [
            (&["sleep", "10"], Some(10.0)),
            (&["/bin/sleep", "1m"], Some(60.0)),
            (&["/bin/sh", "-c", "sleep 10"], Some(10.0)),
            (&["bash", "-ec", "sleep 5; nginx -s quit && sleep 10"], Some(15.0)),
            (&["sh", "-c", "while true; do sleep 1; done"], None),
            (&["sh", "-c", "sleep $DELAY"], None),
            (&["sh", "-c", "sleep 5 &"], None),
            (&["sh", "-c", "nginx -s quit"], None),
            (&["nginx", "-s", "quit"], None),
            (&["sleep"], None),
        ];
        for (command, expected) in cases {
            assert_eq!(sleeps(command), expected, "{command:?}");
        }
    }

    #[test]
    fn a_shell_that_stays_process_one() {
        let keeps = ["prepare; serve", "prepare && serve", "serve | tee log", "while true; do serve; done", "a\nb\n"];
        for script in keeps {
            assert!(keeps_signals(&["/bin/sh", "-c", script]), "{script}");
        }
        let passes = ["serve", "serve --port 80", "prepare; exec serve", "trap stop TERM; serve & wait", "  serve\n"];
        for script in passes {
            assert!(!keeps_signals(&["/bin/bash", "-ec", script]), "{script}");
        }
        assert!(!keeps_signals(&["/bin/server"]));
        assert!(!keeps_signals(&["sh", "/start.sh"]));
    }
}
