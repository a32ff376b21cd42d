//! The table of trials: what each cure lost, how long the rollout took with it, and what it costs.

use std::time::Duration;

use serde_json::{Value, json};

use super::Trial;
use lapse_lab::scenario::Scenario;
use lapse_lab::scenario::cure::{Cost, Cure};
use lapse_measure::phrase::some;
use lapse_measure::time::{Bounded, Human};
use lapse_report::text::{Look, Page};

/// The width of the names of cures in the table.
const NAME: usize = 26;

/// The trials of a set of cures; without any, of the rollout as it is.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// The cures that were in force.
    pub cures: Vec<Cure>,
    /// What each trial came to.
    pub trials: Vec<Trial>,
}

/// All trials of an act.
#[derive(Debug)]
pub(crate) struct Table {
    scenario: String,
    act: String,
    rows: Vec<Row>,
}

impl Row {
    /// Whether a probe failed in any of the trials.
    pub(crate) fn loses(&self) -> bool {
        self.trials.iter().any(|trial| trial.failed > 0)
    }

    /// The lowest, the median and the highest of a figure over the trials.
    fn spread<T: Ord + Copy + Default>(&self, figure: impl Fn(&Trial) -> T) -> [T; 3] {
        let mut all: Vec<_> = self.trials.iter().map(figure).collect();
        all.sort_unstable();
        let at = |nth: usize| all.get(nth).copied().unwrap_or_default();
        [at(0), at(all.len().saturating_sub(1) / 2), at(all.len().saturating_sub(1))]
    }

    /// The longest disruption of any trial.
    fn longest(&self) -> Option<Bounded> {
        self.trials.iter().map(|trial| trial.longest).max_by_key(|longest| longest.estimate)
    }

    /// What to compare costs by: the dearest of the cures, their number, and how long the rollout takes.
    fn cost(&self) -> (Option<Cost>, usize, Duration) {
        (self.cures.iter().map(|cure| cure.cost()).max(), self.cures.len(), self.spread(|trial| trial.rollout)[1])
    }

    fn name(&self) -> String {
        let words: Vec<_> = self.cures.iter().map(Cure::to_string).collect();
        if words.is_empty() { "as it is".to_owned() } else { words.join(" + ") }
    }

    /// The name in lines that leave room for the figures.
    fn name_lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for word in self.name().split_inclusive(" + ") {
            match lines.last_mut() {
                Some(line) if line.len() + word.trim_end().len() <= NAME => line.push_str(word),
                _ => lines.push(word.to_owned()),
            }
        }
        lines.iter().map(|line| line.trim_end().to_owned()).collect()
    }
}

impl Table {
    /// The table of an act, of which the first row is the rollout as it is.
    pub(crate) fn new(scenario: &Scenario, act: usize, rows: Vec<Row>) -> Self {
        let name = scenario.acts().get(act).map(|act| act.name.clone()).unwrap_or_default();
        Self { scenario: scenario.name().to_owned(), act: name, rows }
    }

    /// Adds more rows.
    pub(crate) fn add(&mut self, rows: Vec<Row>) {
        self.rows.extend(rows);
    }

    /// The rows so far.
    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Whether the rollout as it is loses requests.
    pub(crate) fn loses(&self) -> bool {
        self.rows.first().is_some_and(Row::loses)
    }

    /// The cheapest set of cures that lost nothing in any trial.
    pub(crate) fn cheapest(&self) -> Option<&Row> {
        self.rows.iter().skip(1).filter(|row| !row.loses()).min_by_key(|row| row.cost())
    }

    /// The set of this many cures that lost the fewest probes.
    pub(crate) fn least_lost(&self, size: usize) -> Option<Vec<Cure>> {
        let of_size = self.rows.iter().filter(|row| row.cures.len() == size);
        of_size.min_by_key(|row| row.spread(|trial| trial.failed)[1]).map(|row| row.cures.clone())
    }

    /// The table for people.
    pub(crate) fn text(&self, look: Look) -> String {
        let mut page = Page::new(look);
        page.heading(&format!("{}, {}: what would keep the rollout from losing requests", self.scenario, self.act));
        let head = ["cure", "lost", "longest", "rollout", "changes"].map(str::to_owned).to_vec();
        let rows = self.rows.iter().flat_map(|row| {
            let [fewest, median, most] = row.spread(|trial| trial.failed);
            let lost = if fewest == most { format!("{most}") } else { format!("{median} ({fewest} to {most})") };
            let longest = row.longest().filter(|_| row.loses()).map(|longest| Human(longest.estimate).to_string());
            let rollout = Human(row.spread(|trial| trial.rollout)[1]).to_string();
            let changes = row.cost().0.map_or("-", Cost::name).to_owned();
            let mut names = row.name_lines().into_iter();
            let first = names.next().unwrap_or_default();
            let whole = vec![first, lost, longest.unwrap_or_else(|| "-".to_owned()), rollout, changes];
            std::iter::once(whole).chain(names.map(|name| vec![name])).collect::<Vec<_>>()
        });
        page.table(2, &std::iter::once(head).chain(rows).collect::<Vec<_>>());
        page.say(0, &self.footing());
        self.conclude(&mut page);
        page.into_text()
    }

    /// What the figures are of.
    fn footing(&self) -> String {
        let each = self.rows.iter().map(|row| row.trials.len()).min().unwrap_or_default();
        let probes: u64 = self.rows.first().map_or(0, |row| row.spread(|trial| trial.probes)[1]);
        let unseen = self.rows.iter().map(|row| row.spread(|trial| trial.unseen)[2]).max().unwrap_or_default();
        let plural = if each == 1 { "" } else { "s" };
        let trials = || self.rows.iter().flat_map(|row| &row.trials);
        let again: usize = trials().map(|trial| trial.again).sum();
        let held_up = trials().filter(|trial| trial.is_held_up()).count();
        let again = match (again, held_up) {
            (0, _) => String::new(),
            (_, 0) => format!("; the machine held up {}, which were made again", some(again as u64, "trial")),
            _ => format!(
                "; in doubt: the machine held up {}, and {} of those made again as well: end what else runs, or try fewer at \
                 once (--at-once 1)",
                some(again as u64, "trial"),
                held_up
            ),
        };
        format!(
            "lost: probes of about {probes}, median (fewest to most) of {each} trial{plural}; the longest disruption of all \
             trials; the cures in force before the rollout begins; no outage over {} could have gone unseen{again}",
            Human(unseen)
        )
    }

    fn conclude(&self, page: &mut Page) {
        page.heading("What to do");
        if !self.loses() {
            page.say(2, "Nothing: the rollout as it is lost nothing in these trials.");
            return;
        }
        let Some(cheapest) = self.cheapest() else {
            page.say(2, "Each of these lost requests: see `lapse explain` of a run for why.");
            return;
        };
        page.say(2, &format!("{}: the cheapest that lost nothing.", cheapest.name()));
        for cure in &cheapest.cures {
            page.say(4, &format!("{cure}: {}", cure.price()));
        }
        for yaml in cheapest.cures.iter().map(|cure| cure.yaml()) {
            yaml.lines().for_each(|line| page.copy(&format!("    {line}")));
        }
        page.say(
            2,
            "The rollout that brings it still loses what this one lost: it is the pods that end which need it.",
        );
    }

    /// The table for programs.
    pub(crate) fn json(&self) -> String {
        format!("{:#}\n", self.value())
    }

    /// The table as a value of JSON.
    pub(crate) fn value(&self) -> Value {
        let rows: Vec<_> = self.rows.iter().map(row).collect();
        json!({
            "scenario": self.scenario,
            "act": self.act,
            "rows": rows,
            "cheapest": self.cheapest().map(row),
        })
    }
}

fn row(row: &Row) -> Value {
    let nanos = |length: Duration| u64::try_from(length.as_nanos()).unwrap_or(u64::MAX);
    let bounded = |length: Bounded| {
        json!({
            "estimate_ns": nanos(length.estimate), "at_least_ns": nanos(length.at_least), "at_most_ns": length.at_most.map(nanos),
        })
    };
    let trial = |trial: &Trial| {
        json!({
            "probes": trial.probes,
            "failed": trial.failed,
            "longest_disruption": bounded(trial.longest),
            "longest_unseen_ns": nanos(trial.unseen),
            "rollout_ns": nanos(trial.rollout),
            "made_again": trial.again,
            "held_up": trial.is_held_up(),
        })
    };
    let cure = |cure: &Cure| json!({"name": cure.to_string(), "costs": cure.price(), "yaml": cure.yaml()});
    json!({
        "cures": row.cures.iter().map(cure).collect::<Vec<_>>(),
        "trials": row.trials.iter().map(trial).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(unseen: Duration, again: usize) -> Trial {
        let none = Bounded::exact(Duration::ZERO);
        Trial { probes: 100, failed: 0, longest: none, unseen, rollout: Duration::from_secs(1), again }
    }

    #[test]
    fn trials_that_were_held_up_are_said_and_in_doubt_if_that_was_so_again() {
        let footing = |trials: Vec<Trial>| {
            let rows = vec![Row { cures: Vec::new(), trials }];
            Table { scenario: String::new(), act: String::new(), rows }.footing()
        };
        let (calm, held_up) = (Duration::from_millis(20), Duration::from_millis(1_001));
        assert!(footing(vec![trial(calm, 0)]).ends_with("no outage over 20 ms could have gone unseen"));
        let again = footing(vec![trial(calm, 2), trial(calm, 1)]);
        assert!(again.ends_with("; the machine held up 3 trials, which were made again"), "{again}");
        let doubt = footing(vec![trial(calm, 0), trial(held_up, 2)]);
        assert!(
            doubt.contains("; in doubt: the machine held up 2 trials, and 1 of those made again as well"),
            "{doubt}"
        );
    }
}
