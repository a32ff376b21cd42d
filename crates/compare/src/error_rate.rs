//! Pairs of runs of known truth, drawn at random: how often a difference is called where there is none, and where there
//! is one.

use std::thread;

use lapse_measure::answer::Class;
use lapse_measure::phase::Phase;
use lapse_record::record::Record;
use lapse_record::sample::{Answer, Sample};

use crate::{Change, Comparison, Measure, Run, Tolerances};

/// When the event begins, in milliseconds.
const EVENT: u64 = 1_000;

/// What a service does from one instant to another.
#[derive(Clone, Copy, Debug)]
struct Loss {
    from: u64,
    length: u64,
    share: f64,
}

/// A service: a constant share lost throughout, and losses that come with the event.
#[derive(Clone, Debug, Default)]
struct Service {
    noise: f64,
    losses: Vec<Loss>,
    /// The share of tenths of a second in which all answers are slow.
    stalls: f64,
}

impl Service {
    /// A run of the service that is watched for `length` milliseconds; chance is drawn by `seed`.
    fn run(&self, name: &str, seed: u64, length: u64) -> Run {
        let chance = |what: u64, at: u64| drawn(seed.wrapping_add(drawn_bits(what << 32 | at)));
        let sample = Sample::of(&["shop"]).phase(Phase::Baseline, 0).phase(Phase::Event, EVENT);
        let record = sample.record(length, |_, ms| {
            let here = |loss: &&Loss| (loss.from..loss.from + loss.length).contains(&ms);
            let lost = self.losses.iter().find(here).map_or(self.noise, |loss| loss.share);
            let stall = if chance(2, ms / 100) < self.stalls { 20_000.0 } else { 0.0 };
            let micros = 300.0 + 200.0 * chance(3, ms) + stall * chance(4, ms / 100);
            if chance(1, ms) < lost {
                Answer::after(Class::Refused, 200)
            } else {
                Answer::after(Class::Ok, whole(micros))
            }
        });
        Run { name: name.to_owned(), record: quiet(record) }
    }
}

/// A number from 0 to 1 that depends on nothing but `seed` (`SplitMix64`).
fn drawn(seed: u64) -> f64 {
    f64::from(u32::try_from(drawn_bits(seed) >> 32).unwrap()) / 4_294_967_296.0
}

/// A positive number, rounded.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and positive")]
fn whole(number: f64) -> u64 {
    number.round() as u64
}

fn drawn_bits(seed: u64) -> u64 {
    let mut bits = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// The record without the doubts of its own budget, which are not what is tried here.
fn quiet(mut record: Record) -> Record {
    record.summary.verdict.inconclusive.clear();
    if record.summary.verdict.conclusion == lapse_measure::verdict::Conclusion::Inconclusive {
        record.summary.verdict.conclusion = lapse_measure::verdict::Conclusion::Pass;
    }
    record
}

/// What was called different, of losses and of latencies: better or worse.
fn called(base: Run, run: Run) -> Vec<(Measure, Change)> {
    let runs = [base, run];
    let comparison = Comparison::of(&runs, &Tolerances::default()).unwrap();
    let figures = comparison.against[0].figures.iter();
    let called = figures.filter(|figure| matches!(figure.change, Change::Better | Change::Worse));
    called.map(|figure| (figure.measure, figure.change.clone())).collect()
}

/// The share of trials in which each of two things holds, each trial with a seed of its own.
fn share(trials: u32, holds: impl Fn(&mut fastrand::Rng) -> [bool; 2] + Sync) -> [f64; 2] {
    let holds = &holds;
    let part = |part: usize| {
        let mut counts = [0_u32; 2];
        for trial in (0..trials).skip(part).step_by(4) {
            let held = holds(&mut fastrand::Rng::with_seed(u64::from(trial)));
            counts.iter_mut().zip(held).for_each(|(count, held)| *count += u32::from(held));
        }
        counts
    };
    let counts = thread::scope(|scope| {
        let running = [0, 1, 2, 3].map(|nth| scope.spawn(move || part(nth)));
        running.map(|one| one.join().unwrap()).into_iter().fold([0; 2], |[a, b], [c, d]| [a + c, b + d])
    });
    counts.map(|count| f64::from(count) / f64::from(trials))
}

/// The share of trials in which two runs of one service are called different, by a figure of losses or of latencies.
fn false_calls(trials: u32, service: impl Fn(&mut fastrand::Rng) -> [Service; 2] + Sync) -> [f64; 2] {
    let calls = |random: &mut fastrand::Rng| {
        let [one, other] = service(random);
        let base = one.run("a", random.u64(..), EVENT + random.u64(3_000..5_000));
        let run = other.run("b", random.u64(..), EVENT + random.u64(3_000..5_000));
        let all = called(base, run);
        [false, true].map(|of_latency| all.iter().any(|(measure, _)| measure.is_latency() == of_latency))
    };
    share(trials, calls)
}

fn between(random: &mut fastrand::Rng, low: f64, high: f64) -> f64 {
    low * (high / low).powf(random.f64())
}

/// Checks that at most 5 of 100 pairs of runs of one service are called different.
fn check(what: &str, service: impl Fn(&mut fastrand::Rng) -> [Service; 2] + Sync) {
    let [losses, latencies] = false_calls(80, service);
    println!("{what}: losses {losses}, latencies {latencies}");
    assert!(losses <= 0.05 && latencies <= 0.05, "{what}: losses {losses}, latencies {latencies}");
}

#[test]
fn a_service_that_always_loses_one_share_is_not_called_different() {
    check("one share", |random| {
        let noise = between(random, 0.000_5, 0.95);
        [0, 1].map(|_| Service { noise, ..Service::default() })
    });
}

#[test]
fn a_service_that_loses_one_share_for_one_time_is_not_called_different() {
    check("one stretch", |random| {
        let (length, share) = (whole(between(random, 50.0, 2_000.0)), (0.05 + random.f64()).min(1.0));
        [0, 1].map(|_| Service {
            losses: vec![Loss { from: EVENT + random.u64(100..800), length, share }],
            ..Service::default()
        })
    });
}

#[test]
fn outages_of_one_length_beside_one_noise_are_not_called_different() {
    check("outage and noise", |random| {
        let (noise, length) = (between(random, 0.000_5, 0.3), whole(between(random, 5.0, 500.0)));
        [0, 1].map(|_| {
            let from = EVENT + random.u64(100..800);
            let losses = [from, from + 900].map(|from| Loss { from, length, share: 1.0 });
            Service { noise, losses: losses.to_vec(), ..Service::default() }
        })
    });
}

#[test]
fn answers_that_are_slow_now_and_then_are_not_called_different() {
    check("stalls", |random| {
        let stalls = between(random, 0.005, 0.9);
        [0, 1].map(|_| Service { stalls, ..Service::default() })
    });
}

#[test]
fn what_does_differ_is_called_so() {
    let loss =
        |length, share| Service { losses: vec![Loss { from: EVENT + 200, length, share }], ..Service::default() };
    let noise = |noise| Service { noise, ..Service::default() };
    let stalls = |stalls| Service { stalls, ..Service::default() };
    let cases = [
        ("twice as long", loss(500, 0.4), loss(1_000, 0.4), Measure::Disruption),
        ("twice the share", loss(1_000, 0.3), loss(1_000, 0.6), Measure::Failed),
        ("a tenth longer", loss(200, 1.0), loss(220, 1.0), Measure::Outage),
        ("more noise", noise(0.01), noise(0.04), Measure::Failed),
        ("none and some", noise(0.0), loss(100, 1.0), Measure::Downtime),
        ("slower", stalls(0.0), stalls(0.9), Measure::P50),
    ];
    for (what, base, other, measure) in cases {
        for (one, two, change) in [(&base, &other, Change::Worse), (&other, &base, Change::Better)] {
            let [found, _] = share(6, |random| {
                let [one, two] = [one, two].map(|service| service.run("a", random.u64(..), EVENT + 4_000));
                [called(one, two).contains(&(measure, change.clone())), false]
            });
            assert!(found >= 0.9, "{what}, {change:?}: {found}");
        }
    }
}
