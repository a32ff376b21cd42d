//! The page of a comparison: what it comes to, the figures side by side, and all runs on one axis, aligned at the event.

use maud::{Markup, html};

use super::{RunState, data, frame, sanitize, sheet};
use crate::words::compare as words;
use lapse_compare::{Against, Comparison, Conclusion};

/// The page of `comparison`.
pub(crate) fn page(comparison: &Comparison<'_>) -> String {
    let runs: Vec<_> = comparison.runs().map(|run| (run.name.as_str(), &run.record, run.event())).collect();
    let names: Vec<_> = runs.iter().map(|(name, ..)| *name).collect();
    let header = ["run", "verdict", "began, UTC", "length", "probes", "lost"].map(str::to_owned).to_vec();
    let rows: Vec<_> = [header].into_iter().chain(words::runs(comparison)).collect();
    let caveat: Vec<_> = words::caveat(comparison).map(str::to_owned).into_iter().collect();
    let body = html! {
        (verdict(comparison))
        (frame::timeline())
        @for (nth, one) in comparison.against.iter().enumerate() { (figures(nth, one)) }
        (sheet::section("runs", "Runs", &rows, &caveat))
    };
    let head = frame::Head {
        title: format!("{}: {}", names.join(", "), comparison.conclusion.name()),
        about: format!("{} compared: {}; each is drawn from when its event began", names.len(), names.join(", ")),
        version: comparison.base.record.about.version.clone(),
        state: RunState::Over,
    };
    frame::document(&head, &body, &data::of_several(&runs))
}

fn verdict(comparison: &Comparison<'_>) -> Markup {
    let tone = match comparison.conclusion {
        Conclusion::NoRegression => "good",
        Conclusion::Regression => "bad",
        Conclusion::Inconclusive => "unsure",
    };
    let doubts = comparison.against.iter().flat_map(|one| &one.doubts);
    html! {
        section #verdict class=(tone) {
            h1 {
                span.word { (comparison.conclusion.name().to_uppercase()) } " "
                span.why { (sanitize(&words::why(comparison))) }
            }
            @if comparison.against.len() > 1 {
                @for one in &comparison.against { p.headline { (sanitize(&words::headline(one))) } }
            }
            ul.reasons { @for doubt in doubts { li { span.what { "in doubt" } " " (sanitize(doubt)) } } }
        }
    }
}

fn figures(nth: usize, one: &Against<'_>) -> Markup {
    let remarks: Vec<_> = words::sight(one).into_iter().chain(one.remarks.iter().cloned()).collect();
    html! {
        section id=(format!("figures-{nth}")) class="figures" {
            h2 { (sanitize(&words::heading(one))) }
            div.scroll tabindex="0" role="group" aria-label="figures" {
                table {
                    thead {
                        tr {
                            th scope="col" { "figure" }
                            th scope="col" { (sanitize(&one.base.name)) }
                            th scope="col" { (sanitize(&one.run.name)) }
                            th scope="col" { }
                            th scope="col" { "difference" }
                        }
                    }
                    tbody {
                        @for figure in &one.figures {
                            tr class=(words::tone(figure)) {
                                th scope="row" title=(words::meaning(figure.measure)) { (sanitize(&words::name(one, figure))) }
                                td { (words::value(&figure.base)) }
                                td { (words::value(&figure.run)) }
                                td { span.word { (words::word(figure)) } }
                                td { (sanitize(&words::difference(figure))) }
                            }
                        }
                    }
                }
            }
            ul.remarks { @for remark in &remarks { li { (sanitize(remark)) } } }
        }
    }
}
