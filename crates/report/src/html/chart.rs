//! A chart of one figure over many runs: a mark a run, with its bounds as whiskers, and the limits that would have held.
//!
//! The chart is readable without colour: a run that held its budgets has a disc, one that did not a square, and one
//! without a verdict a ring.

use std::time::Duration;

use maud::{Markup, html};

use super::sanitize;
use crate::axis;
use crate::words::history as words;
use lapse_compare::history::{History, Limited, Line};
use lapse_measure::time::Bounded;
use lapse_measure::verdict::Conclusion;

/// Size of the picture, in pixels.
const SIZE: (f64, f64) = (1160.0, 260.0);
/// Left and right edge of the plot, in pixels; the figures of the axis stand before it.
const X: (f64, f64) = (64.0, 1120.0);
/// Upper and lower edge of the plot, in pixels; dates stand below it.
const Y: (f64, f64) = (16.0, 230.0);
/// The most dates below the plot.
const DATES: usize = 8;
/// About how many lines the axis has.
const LINES: usize = 5;
/// The least length that the axis spans, so that runs without loss have one.
const LEAST: Duration = Duration::from_millis(10);
/// The least distance between the labels of two limits, in pixels.
const APART: f64 = 16.0;

/// A chart of the runs' durations of one kind.
pub(super) struct Chart<'a> {
    history: &'a History,
    of: Limited,
    figure: fn(&Line) -> Bounded,
    /// The distance between two lines of the axis.
    step: Duration,
    /// The duration at the upper edge.
    top: Duration,
}

/// How a run is drawn: the class for its colour, and its shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Disc,
    Square,
    Ring,
}

impl Mark {
    const ALL: [Self; 3] = [Self::Disc, Self::Square, Self::Ring];

    const fn of(line: &Line) -> Self {
        match line.verdict {
            _ if line.unknown.is_some() => Self::Ring,
            Conclusion::Pass => Self::Disc,
            Conclusion::Fail | Conclusion::CommandFailed => Self::Square,
            Conclusion::Inconclusive | Conclusion::Interrupted => Self::Ring,
        }
    }

    const fn class(self) -> &'static str {
        match self {
            Self::Disc => "good",
            Self::Square => "bad",
            Self::Ring => "unsure",
        }
    }

    const fn meaning(self) -> &'static str {
        match self {
            Self::Disc => "every budget held",
            Self::Square => "a budget was exceeded",
            Self::Ring => "no verdict, or not whole",
        }
    }

    /// The mark at these coordinates, `size` pixels from its middle to its edge.
    fn draw(self, x: f64, y: f64, size: f64) -> Markup {
        let class = format!("mark {}", self.class());
        match self {
            Self::Square => {
                html! { rect class=(class) x=(px(x - size)) y=(px(y - size)) width=(px(2.0 * size)) height=(px(2.0 * size)) {} }
            }
            Self::Disc | Self::Ring => html! { circle class=(class) cx=(px(x)) cy=(px(y)) r=(px(size)) {} },
        }
    }
}

impl<'a> Chart<'a> {
    /// The chart of the downtime, or of the longest disruption, of all runs.
    pub(super) fn of(history: &'a History, of: Limited, figure: fn(&Line) -> Bounded) -> Self {
        let bounds = |line: &Line| figure(line).at_most.unwrap_or_default().max(figure(line).estimate);
        let limits = limits(history, of).map(|(_, limit)| limit);
        let most = history.lines.iter().map(bounds).chain(limits).fold(LEAST, Duration::max);
        let step = axis::step(most, LINES);
        let lines = u32::try_from(most.as_nanos().div_ceil(step.as_nanos().max(1))).unwrap_or(u32::MAX);
        Self { history, of, figure, step, top: step.saturating_mul(lines) }
    }

    /// The section with the chart under this heading.
    pub(super) fn section(&self, heading: &str) -> Markup {
        let name = self.of.name();
        html! {
            section id=(format!("chart-{name}")) {
                h2 { (heading) }
                div.scroll tabindex="0" role="group" aria-label=(heading) {
                    svg.chart viewBox=(format!("0 0 {} {}", SIZE.0, SIZE.1)) role="img" aria-label=(heading) {
                        (self.grid())
                        (self.dates())
                        @for (nth, line) in self.history.lines.iter().enumerate() { (self.run(nth, line)) }
                        (self.limits())
                    }
                }
            }
        }
    }

    /// The distance between two runs, in pixels.
    #[expect(clippy::cast_precision_loss, reason = "a number of runs")]
    fn pitch(&self) -> f64 {
        (X.1 - X.0) / self.history.lines.len().max(1) as f64
    }

    #[expect(clippy::cast_precision_loss, reason = "a number of runs")]
    fn x(&self, nth: usize) -> f64 {
        X.0 + (nth as f64 + 0.5) * self.pitch()
    }

    fn y(&self, time: Duration) -> f64 {
        let share = time.as_secs_f64() / self.top.as_secs_f64().max(f64::MIN_POSITIVE);
        Y.1 - share.clamp(0.0, 1.0) * (Y.1 - Y.0)
    }

    fn grid(&self) -> Markup {
        let lines = (0_u32..).map(|nth| self.step.saturating_mul(nth)).take_while(|time| *time <= self.top);
        html! {
            @for time in lines.take(4 * LINES) {
                @let y = px(self.y(time));
                line.grid x1=(X.0) x2=(X.1) y1=(y) y2=(y) {}
                text x=(X.0 - 8.0) y=(y) dy="4" text-anchor="end" { (axis::in_seconds(time)) }
            }
        }
    }

    /// When some of the runs began: the first, the last, and some between them.
    fn dates(&self) -> Markup {
        let last = self.history.lines.len().saturating_sub(1);
        let count = last.clamp(1, DATES - 1);
        let mut places: Vec<_> = (0..=count).map(|nth| nth * last / count).collect();
        places.dedup();
        let labels = words::dates(self.history);
        html! {
            @for (nth, label) in places.iter().filter_map(|nth| Some((*nth, labels.get(*nth)?))) {
                text x=(px(self.x(nth))) y=(Y.1 + 20.0) text-anchor="middle" { (label) }
            }
        }
    }

    /// The limits that would have held; one of two that lie close together.
    fn limits(&self) -> Markup {
        let mut shown: Vec<(&str, Duration)> = Vec::new();
        for (name, limit) in limits(self.history, self.of) {
            if shown.iter().all(|(_, other)| (self.y(*other) - self.y(limit)).abs() >= APART) {
                shown.push((name, limit));
            }
        }
        html! {
            @for (name, limit) in shown {
                @let y = self.y(limit);
                line.limit x1=(X.0) x2=(X.1) y1=(px(y)) y2=(px(y)) {}
                text.of-limit x=(X.0 + 6.0) y=(px(y - 4.0)) {
                    (self.of.flag()) " " (words::value(self.of, limit.as_secs_f64())) " would have held for " (name)
                }
            }
        }
    }

    /// A run: its bounds, then its mark. What has no upper bound, or may have been more, is open to the top.
    fn run(&self, nth: usize, line: &Line) -> Markup {
        let (x, figure, mark) = (self.x(nth), (self.figure)(line), Mark::of(line));
        let size = (self.pitch() * 0.35).clamp(1.0, 5.0);
        let upper = figure.at_most.filter(|_| line.unknown.is_none());
        let (low, high) = (self.y(figure.at_least), upper.map_or(Y.0, |at_most| self.y(at_most)));
        let class = format!("whisker {}{}", mark.class(), if upper.is_none() { " open" } else { "" });
        let caps: Vec<_> = [Some(low), upper.map(|_| high)].into_iter().flatten().filter(|_| size >= 3.0).collect();
        let drawn = html! {
            title { (sanitize(&words::of_one(line, self.of, figure))) }
            line class=(class) x1=(px(x)) x2=(px(x)) y1=(px(low)) y2=(px(high)) {}
            @for y in caps { line class=(class) x1=(px(x - size)) x2=(px(x + size)) y1=(px(y)) y2=(px(y)) {} }
            (mark.draw(x, self.y(figure.estimate), size))
        };
        html! {
            @if let Some(page) = super::history::page_of(line) { a href=(page) tabindex="-1" { (drawn) } } @else { g { (drawn) } }
        }
    }
}

/// The meaning of marks and whiskers.
pub(super) fn key() -> Markup {
    html! {
        ul.key {
            @for mark in Mark::ALL {
                li { svg.chart viewBox="0 0 14 14" aria-hidden="true" { (mark.draw(7.0, 7.0, 5.0)) } (mark.meaning()) }
            }
            li { "a line through a mark: the bounds within which the true figure lies; dotted where it may be more" }
        }
    }
}

/// The limits that would have held for all runs, and for nine of ten of them.
fn limits(history: &History, of: Limited) -> impl Iterator<Item = (&'static str, Duration)> + '_ {
    let series = history.series.iter().find(move |series| series.of == of);
    let time = |limit: f64| Duration::try_from_secs_f64(limit).ok();
    let all = series.and_then(|one| Some(("all runs", time(one.holds_for_all?)?)));
    let most = series.and_then(|one| Some(("9 of 10 runs", time(one.holds_for_p90?)?)));
    all.into_iter().chain(most)
}

/// A coordinate to a tenth of a pixel.
fn px(at: f64) -> String {
    format!("{at:.1}")
}
