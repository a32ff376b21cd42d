use proptest::prelude::*;

use super::*;
use crate::layer::merge;
use lapse_yaml::{MOST_BYTES, MOST_VALUES};

fn key(section: &str, name: &str, flag: &str, form: Form) -> Key {
    let section = (!section.is_empty()).then(|| section.to_owned());
    let (help, choices) = (String::new(), Vec::new());
    Key { section, name: name.to_owned(), flag: flag.to_owned(), form, help, choices }
}

fn grammar() -> Grammar {
    Grammar {
        keys: vec![
            key("", "targets", "target", Form::Named),
            key("measure", "rate", "rate", Form::One),
            key("measure", "lanes", "lanes", Form::Many),
            key("measure", "resolveOnce", "resolve-once", Form::Switch),
            key("request", "headers", "header", Form::Headers),
            key("budgets", "maxOutage", "max-outage", Form::Scoped),
        ],
    }
}

/// Takes any value but those that hold `wrong`.
fn check(_: &Key, text: &str) -> Result<(), String> {
    if text.contains("wrong") { Err("write a right one".to_owned()) } else { Ok(()) }
}

fn problems(text: &str) -> Vec<String> {
    let problems = read(text.as_bytes(), &grammar(), check).expect_err(text);
    problems.iter().map(ToString::to_string).collect()
}

/// The flags of a plan with one of its profiles, in one line.
fn flags(text: &str, profile: Option<&str>) -> String {
    let grammar = grammar();
    let plan = read(text.as_bytes(), &grammar, check).unwrap_or_else(|problems| panic!("{problems:?}\n{text}"));
    let layers = [Some(&plan.base), profile.and_then(|name| plan.profile(name))];
    let entries = merge(&grammar, layers.into_iter().flatten());
    let words = entries
        .iter()
        .flat_map(|entry| entry.values.iter().map(|value| format!("{}={}", grammar.keys[entry.key].flag, value.text)));
    words.collect::<Vec<_>>().join(" ")
}

const PLAN: &str = "\
$schema: lapse.schema.json
targets: {shop: 'https://shop/', api: 'https://api/'}
measure: {rate: 500, lanes: [reused, new], resolveOnce: true}
request:
  headers:
    Authorization: Bearer ${TOKEN}
    X-Two: [one, two]
budgets:
  maxOutage: {new: 300ms, reused: [1s, 2s]}
profiles:
  ci:
    measure: {rate: 1000, resolveOnce: false}
    request: {headers: {authorization: none}}
    budgets: {maxOutage: 50ms}
  empty:
";

#[test]
fn every_form_of_value_becomes_values_of_its_flag() {
    assert_eq!(
        flags(PLAN, None),
        "target=shop=https://shop/ target=api=https://api/ rate=500 lanes=reused lanes=new resolve-once=true \
         header=Authorization: Bearer ${TOKEN} header=X-Two: one header=X-Two: two max-outage=new=300ms \
         max-outage=reused=1s max-outage=reused=2s"
    );
    assert_eq!(flags(PLAN, None), flags(PLAN, Some("empty")));
    assert_eq!(flags("", None), "");
}

#[test]
fn a_profile_takes_the_place_of_single_keys_and_of_single_headers() {
    assert_eq!(
        flags(PLAN, Some("ci")),
        "target=shop=https://shop/ target=api=https://api/ rate=1000 lanes=reused lanes=new header=authorization: none \
         header=X-Two: one header=X-Two: two max-outage=50ms"
    );
}

#[test]
fn json_is_read_as_yaml_and_an_alias_stands_for_its_value() {
    assert_eq!(flags("{\"measure\": {\"rate\": 5}}", None), "rate=5");
    assert_eq!(flags("measure: {rate: &r 7}\nprofiles: {a: {measure: {rate: *r}}}", Some("a")), "rate=7");
}

#[test]
fn all_that_is_wrong_is_said_at_once_with_its_place_and_the_next_step() {
    let text = "\
tagets: {}
lanes: [new]
measure:
  rate: wrong
  lanes: {new: 1}
  resolveOnce: 'yes'
  rate: 6
request: {headers: {A: '${B', C: [wrong], D: }}
budgets:
  maxOutage:
  maxoutage: 1s
targets: [one]
profiles: {ci: {profiles: {}, targets: {a: '${HOST}'}}}
";
    assert_eq!(
        problems(text),
        [
            "1:1: unknown key `tagets`; did you mean `targets`?",
            "2:1: unknown key `lanes`; it belongs under `measure`",
            "4:9: `rate` cannot be `wrong`: write a right one",
            "5:10: `lanes` is a value or a list of values: write that",
            "6:16: `resolveOnce` is `true` or `false`: write one of them",
            "7:3: `rate` is there already, in line 4: leave one out",
            "8:24: the header `A`: `${` has no `}`: write ${NAME}, or $${ for the signs themselves",
            "8:35: `headers` cannot be `C`: write a right one",
            "10:3: `maxOutage` has no value: write a value, a list of values, or a map of these by lane or target, or \
             leave it out",
            "11:3: unknown key `maxoutage`; did you mean `maxOutage`?",
            "12:10: `targets` is a map: write its keys here, each with a `:`",
            "13:17: unknown key `profiles`; known here: targets, measure, request, budgets",
            "13:44: `targets`: only headers take values from the environment: leave out `${`, and give --target on the \
             command line",
        ]
    );
}

#[test]
fn what_is_no_plan_at_all_is_refused_at_its_place() {
    for (text, said) in [
        ("a: [b", "this is not YAML"),
        ("- a\n- b\n", "1:1: a plan is a map"),
        ("just text", "1:1: a plan is a map"),
        ("a: 1\n---\nb: 2\n", "3:1: a second document"),
        ("{{ .Values.x }}: 1", "a list or a map cannot be a key"),
        ("a: &a [*a]", "1:8: this alias"),
        (&("[".repeat(210) + &"]".repeat(210)), "nested too deeply"),
        (&"[".repeat(100_000), "this is not YAML: recursion limit exceeded"),
        (&format!("a: [{}]", "1,".repeat(MOST_VALUES)), "values at the most"),
        (&format!("a: {}", "x".repeat(MOST_BYTES)), "1:1: a plan has 1 MiB at the most"),
    ] {
        let problems = problems(text);
        assert!(problems.len() == 1 && problems[0].contains(said), "{said}: {problems:?}");
        assert!(problems[0].len() < 300, "{problems:?}");
    }
    let latin = read(b"a: 1\nb\xE9: 1\n", &grammar(), check).unwrap_err();
    assert!(latin[0].to_string().starts_with("2:2: this is not UTF-8"), "{latin:?}");
}

#[test]
fn a_billion_laughs_are_counted_and_not_laughed() {
    let bomb = (1..12).fold("a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha, ha]\n".to_owned(), |bomb, level| {
        let alias = format!("*a{}", level - 1);
        bomb + &format!("a{level}: &a{level} [{}]\n", vec![alias; 10].join(", "))
    });
    let problems = problems(&bomb);
    assert!(problems.len() == 1 && problems[0].contains("values at the most"), "{problems:?}");
}

#[test]
fn however_many_problems_there_are_some_are_said_and_none_reaches_the_terminal_as_it_is() {
    let key = |nth| format!("\"\\e[31mkey{nth}{}\": 1\n", "x".repeat(300));
    let many: String = (0..500).map(key).collect();
    let problems = read(many.as_bytes(), &grammar(), check).unwrap_err();
    assert_eq!(problems.len(), MOST_PROBLEMS);
    let fits = |problem: &Problem| problem.text.len() < 300 && !problem.text.contains('\u{1b}');
    assert!(problems.iter().all(fits), "{problems:?}");
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[a-z:{}\\[\\], \n&*'\"#$-]{0,80}") {
        let _ = read(text.as_bytes(), &grammar(), check);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let _ = read(&bytes, &grammar(), check);
    }
}
