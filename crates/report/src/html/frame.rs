//! The document around the report: content security policy, style, script, and the controls of the timeline.
//!
//! The policy allows the one style and the one script by their hashes, so that injected ones cannot run.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use ring::digest::{SHA256, digest};

use super::{RunState, sanitize};

const STYLE: &str = concat!(include_str!("page/style.css"), include_str!("page/timeline.css"));
const SCRIPT: &str = concat!(
    "'use strict';\n(() => {\n",
    include_str!("page/data.js"),
    include_str!("page/lane.js"),
    include_str!("page/parts.js"),
    include_str!("page/words.js"),
    include_str!("page/colors.js"),
    include_str!("page/window.js"),
    include_str!("page/row.js"),
    include_str!("page/lane_strip.js"),
    include_str!("page/overview.js"),
    include_str!("page/timeline.js"),
    include_str!("page/input.js"),
    include_str!("page/details.js"),
    include_str!("page/page.js"),
    include_str!("page/selection.js"),
    include_str!("page/theme.js"),
    include_str!("page/live.js"),
    include_str!("page/main.js"),
    "})();\n"
);

const STILL_STYLE: &str = concat!(include_str!("page/style.css"), include_str!("page/chart.css"));
const STILL_SCRIPT: &str =
    concat!("'use strict';\n(() => {\n", include_str!("page/theme.js"), include_str!("page/still.js"), "})();\n");

/// What stands around the body of a page.
pub(super) struct Head {
    /// The title of the page, without the name of the program.
    pub(super) title: String,
    /// What the page is about, in a line.
    pub(super) about: String,
    /// The version of lapse that measured it.
    pub(super) version: String,
    /// Whether the page may connect to its server.
    pub(super) state: RunState,
}

/// The complete document around `body`, with `data` as the script's input.
pub(super) fn document(head: &Head, body: &Markup, data: &str) -> String {
    whole(head, body, [STYLE, SCRIPT], Some(data))
}

/// The complete document around a `body` without a timeline.
pub(super) fn still_document(head: &Head, body: &Markup) -> String {
    whole(head, body, [STILL_STYLE, STILL_SCRIPT], None)
}

fn whole(head: &Head, body: &Markup, [style, script]: [&str; 2], data: Option<&str>) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy(head.state, [style, script]));
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (sanitize(&head.title)) " - lapse" }
                link rel="icon" href="data:,";
                style { (PreEscaped(style)) }
            }
            body {
                header {
                    p.about { (sanitize(&head.about)) }
                    p #live role="status" {}
                    button #theme type="button" { "Dark or light" }
                }
                main { (body) }
                footer { "lapse " (sanitize(&head.version)) }
                @if let Some(data) = data { script #data type="application/json" { (PreEscaped(data)) } }
                script { (PreEscaped(script)) }
            }
        }
    };
    page.into_string()
}

/// The elements of the timeline section, which the script fills.
pub(super) fn timeline() -> Markup {
    html! {
        section #timeline {
            div.bar {
                h2 { "Timeline" }
                p #reading {}
                div.tools role="toolbar" aria-label="Move the timeline" {
                    @for (id, sign, name) in TOOLS {
                        button id=(id) type="button" title=(name) aria-label=(name) { (sign) }
                    }
                }
            }
            div #stage {
                div #labels aria-hidden="true" {}
                canvas #canvas tabindex="0" role="application" aria-roledescription="timeline" aria-describedby="keys" aria-label="Timeline of the run" {}
                div #tip hidden {}
            }
            ul #legend aria-label="Legend" {}
            p #keys { "Wheel or + and - zoom, drag zooms into a stretch, left and right move, up and down describe one row after the other, n and p go from disruption to disruption, 0 shows all." }
            div #finding aria-live="polite" {}
            details #table {
                summary { "What is in view, as a table" }
                div.scroll.tall tabindex="0" role="group" aria-label="What is in view" {}
            }
            noscript { p { "The timeline needs JavaScript; all figures are below." } }
        }
    }
}

/// The buttons of the toolbar: element id, label and tooltip.
const TOOLS: [(&str, &str, &str); 6] = [
    ("previous", "◂ disruption", "Previous disruption (p)"),
    ("next", "disruption ▸", "Next disruption (n)"),
    ("closer", "+", "Zoom in (+)"),
    ("farther", "−", "Zoom out (-)"),
    ("all", "All", "The whole run (0)"),
    ("follow", "Follow", "Follow the newest second"),
];

/// The content security policy. Only a live page may connect to its server.
fn policy(state: RunState, style_and_script: [&str; 2]) -> String {
    let [style, script] = style_and_script.map(|text| STANDARD.encode(digest(&SHA256, text.as_bytes())));
    let own = match state {
        RunState::Over => "",
        RunState::GoesOn => "; connect-src 'self'; worker-src 'self'",
    };
    format!(
        "default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; img-src data:; base-uri 'none'; form-action 'none'{own}"
    )
}
