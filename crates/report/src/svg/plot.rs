//! Draws the timeline: phases, a row per lane, the command, terminating pods, the axis and the legend.

use maud::{Markup, html};

use super::super::axis::{ColumnState, in_seconds, step};
use super::cut;
use super::scene::{BODY, LABEL, MARGIN, Scene, WIDTH};
use lapse_measure::observations::LaneObservations;
use lapse_measure::span::Span;
use lapse_measure::time::{Offset, nanos};
use lapse_record::record::Record;

/// Targets drawn; further ones have neither figures nor rows.
pub(super) const MAX_TARGETS: usize = 6;
/// Lanes drawn; the rest are counted.
const MAX_LANES: usize = 2 * MAX_TARGETS;
/// Left edge of the rows, after their names, in pixels.
const LEFT: usize = MARGIN + 150;
/// Length of the rows, in pixels; each pixel is a column of the timeline.
const COLUMNS: usize = WIDTH - MARGIN - LEFT;
/// Height of a row, in pixels.
const ROW_HEIGHT: usize = 26;
/// Characters of a lane's name that fit left of its row.
const NAME_WIDTH: usize = 19;

/// The timeline of a run.
pub(super) struct Plot<'a> {
    record: &'a Record,
}

/// The fill patterns of blind and degraded columns, which are distinct without colour.
pub(super) fn patterns() -> Markup {
    html! {
        defs {
            pattern id="blind" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                rect width="6" height="6" fill="#eceef1" {}
                rect width="2" height="6" fill="#8d939c" {}
            }
            pattern id="some" width="4" height="4" patternUnits="userSpaceOnUse" {
                rect width="4" height="4" fill="#f3b3a6" {}
                rect width="2" height="4" fill="#c01f2e" {}
            }
        }
    }
}

/// The height in pixels and the fill of a column; `None` for a column that is left empty.
const fn look(state: ColumnState) -> Option<(usize, &'static str)> {
    match state {
        ColumnState::Unobserved => None,
        ColumnState::Up => Some((6, "#8fc3a4")),
        ColumnState::Slow => Some((ROW_HEIGHT / 2, "#f0c04a")),
        ColumnState::Blind => Some((ROW_HEIGHT / 2, "url(#blind)")),
        ColumnState::Degraded => Some((ROW_HEIGHT, "url(#some)")),
        ColumnState::Down => Some((ROW_HEIGHT, "#c01f2e")),
    }
}

impl<'a> Plot<'a> {
    pub(super) const fn of(record: &'a Record) -> Self {
        Self { record }
    }

    pub(super) fn draw(&self, scene: &mut Scene) {
        if self.record.whole().length().is_zero() {
            return;
        }
        scene.down(40);
        self.phases(scene);
        let mut states = Vec::new();
        for lane in self.record.seen.lanes.iter().take(MAX_LANES) {
            states.extend(self.lane(lane, scene));
        }
        if let Some(more) = self.record.seen.lanes.len().checked_sub(MAX_LANES).filter(|more| *more > 0) {
            scene.say(0, LABEL, &format!("and {more} lanes more"));
            scene.down(20);
        }
        self.command(scene);
        self.pods(scene);
        self.axis(scene);
        states.sort_unstable();
        states.dedup();
        legend(&states, scene);
    }

    /// The x coordinate of an instant, in pixels.
    fn x(&self, at: Offset) -> usize {
        let whole = self.record.whole().length().as_nanos().max(1);
        let along = u128::from(at.as_nanos()) * COLUMNS as u128 / whole;
        LEFT + usize::try_from(along).unwrap_or(COLUMNS).min(COLUMNS)
    }

    /// The time that a column covers.
    fn span(&self, column: usize) -> Span {
        let edge = |column: usize| {
            let at = self.record.whole().length().as_nanos() * column as u128 / COLUMNS as u128;
            Offset::from_nanos(u64::try_from(at).unwrap_or(u64::MAX))
        };
        Span::new(edge(column), edge(column + 1))
    }

    fn phases(&self, scene: &mut Scene) {
        let y = scene.at();
        for (phase, span) in self.record.seen.phases.spans(self.record.seen.end) {
            let (from, to) = (self.x(span.from), self.x(span.to));
            scene.add(html! {
                line x1=(from) y1=(y - 12) x2=(from) y2=(y + 4) stroke="#8d939c" {}
                @if to > from + 60 {
                    text x=(from + 6) y=(y) font-size="12" fill="#646a73" { (phase.to_string()) }
                }
            });
        }
        scene.down(12);
    }

    /// Draws a lane's row and returns the states of its columns, for the legend.
    fn lane(&self, lane: &LaneObservations, scene: &mut Scene) -> Vec<ColumnState> {
        let all: Vec<_> = (0..COLUMNS).map(|column| ColumnState::of(&lane.timeline, self.span(column))).collect();
        let y = scene.at();
        let mut x = LEFT;
        for run in all.chunk_by(PartialEq::eq) {
            if let Some((height, fill)) = look(run[0]) {
                let top = y + (ROW_HEIGHT - height) / 2;
                scene.add(html! { rect x=(x) y=(top) width=(run.len()) height=(height) fill=(fill) {} });
            }
            x += run.len();
        }
        scene.down(ROW_HEIGHT / 2 + 5);
        scene.say(0, BODY, &short(&self.record.summary.lane(lane.id).name));
        scene.down(ROW_HEIGHT / 2 + 3);
        all
    }

    fn command(&self, scene: &mut Scene) {
        let Some((command, started)) = self.record.command.as_ref().and_then(|it| Some((it, it.started?))) else {
            return;
        };
        let (from, to) = (self.x(started), self.x(command.exit.as_ref().map_or(self.record.seen.end, |exit| exit.at)));
        let y = scene.at() + 4;
        scene.add(
            html! { rect x=(from) y=(y) width=(to.saturating_sub(from).max(2)) height="10" rx="3" fill="#1d5bd1" {} },
        );
        scene.down(14);
        scene.say(0, LABEL, "command");
        scene.down(8);
    }

    /// Draws the termination of each pod: a line from its deletion to the exit of its container.
    fn pods(&self, scene: &mut Scene) {
        let ended: Vec<_> =
            self.record.summary.pods.iter().filter_map(|pod| Some((pod.deleting?, pod.exited))).collect();
        if ended.is_empty() {
            return;
        }
        let y = scene.at() + 9;
        for (deleting, exited) in ended {
            let (from, to) = (self.x(deleting), self.x(exited.unwrap_or(self.record.seen.end)));
            scene.add(html! {
                line x1=(from) y1=(y) x2=(to) y2=(y) stroke="#b3560b" stroke-width="2" {}
                circle cx=(from) cy=(y) r="4" fill="#ffffff" stroke="#b3560b" stroke-width="2" {}
                @if exited.is_some() { circle cx=(to) cy=(y) r="4" fill="#b3560b" {} }
            });
        }
        scene.down(14);
        scene.say(0, LABEL, "pods: deleted, exited");
        scene.down(8);
    }

    fn axis(&self, scene: &mut Scene) {
        scene.down(6);
        let y = scene.at();
        let (length, step) = (self.record.whole().length(), step(self.record.whole().length(), COLUMNS / 80));
        let marks = (0_u32..).map(|nth| step * nth).take_while(|at| *at <= length);
        scene.add(html! {
            line x1=(LEFT) y1=(y) x2=(LEFT + COLUMNS) y2=(y) stroke="#8d939c" {}
            @for at in marks {
                @let x = self.x(Offset::from_nanos(nanos(at)));
                line x1=(x) y1=(y) x2=(x) y2=(y + 5) stroke="#8d939c" {}
                text x=(x) y=(y + 18) font-size="12" fill="#646a73" text-anchor="middle" { (in_seconds(at)) }
            }
        });
        scene.down(20);
    }
}

/// A lane's name, cut to [`NAME_WIDTH`] characters.
pub(super) fn short(name: &str) -> String {
    cut(name, NAME_WIDTH)
}

/// Draws the legend of the `states` that occur.
fn legend(states: &[ColumnState], scene: &mut Scene) {
    scene.down(26);
    let y = scene.at();
    for (nth, (state, (height, fill))) in states.iter().filter_map(|it| Some((it, look(*it)?))).enumerate() {
        let x = LEFT + nth * 150;
        scene.add(html! {
            rect x=(x) y=(y - 5 - height / 3) width="22" height=(height * 2 / 3) fill=(fill) {}
            text x=(x + 30) y=(y) font-size="12" fill="#646a73" { (state.meaning()) }
        });
    }
}
