//! Policies that see the state, in the simulation: what they were told is what happens.

use latentlink::judge::{SurfaceInputs, quality_of_experience};
use latentlink::network::{SimulatedRun, simulate};
use latentlink::scenario::{Scenario, ScenarioFile};

use crate::network_runs::context_of;

const KINDS: [&str; 5] = ["random", "equal", "channel-inversion", "greedy", "exhaustive"];

/// Three users somewhere from 800 to 1300 m, with what a test adds.
fn scenario(kind: &str, seed: u64, more: &str) -> Scenario {
    let keys = match kind {
        "equal" | "channel-inversion" => "t0 = 3\ntk = 8\n",
        _ => "",
    };
    let text = format!(
        "[study]\nseed = {seed}\n[server]\nprompt = \"a\"\nenergy_budget_j = 20\n[population]\nkind = \"uniform\"\n\
         [judge]\nkind = \"surface\"\nsimilarity = [0.6, 1.0]\n[policy]\nkind = \"{kind}\"\n{keys}\
         [[device]]\nprompt = \"a\"\ndistance_m = 800\ndistance_max_m = 1300\nenergy_budget_j = 8\n\
         [[device]]\nprompt = \"b\"\ncount = 2\ndistance_m = 800\ndistance_max_m = 1300\nenergy_budget_j = 8\n{more}"
    );
    let file = ScenarioFile::from_str(text.clone(), "policy.toml").expect("TOML");
    file.grid().and_then(|grid| grid.point(0)).unwrap_or_else(|error| panic!("{error:#}\n{text}")).scenario
}

fn run(scenario: &Scenario) -> SimulatedRun {
    let context = context_of(scenario.clone(), |book| book.with_server_prompt("a").with_given_similarity(0.6), false);
    simulate(context).unwrap_or_else(|error| panic!("{error}"))
}

/// Σ Q_k by what was recorded.
fn sum(scenario: &Scenario, run: &SimulatedRun) -> f64 {
    let quality = |record: &latentlink::network::UserRecord| {
        quality_of_experience(&SurfaceInputs {
            t0: record.t0,
            tk: record.tk,
            bit_error_probability: record.link.as_ref().map_or(0.0, |link| link.bit_error_probability),
            similarity: record.similarity,
            persona: scenario.persona_of(record.journey.device, 0).persona,
        })
    };
    run.users.iter().map(|user| quality(&user.record)).sum()
}

#[test]
fn whoever_is_told_the_channels_of_a_round_is_never_beaten_on_them() {
    for radio in
        ["", "[radio]\nerror_model = \"average\"\n", "[radio]\nmultiple_access = \"ofdma\"\nmodulation = \"qpsk\"\n"]
    {
        let radio = if radio.is_empty() { "[radio]\n" } else { radio };
        let more = format!("{radio}energy_per_watt_j = 0.1\n");
        let mut sums = [0.0; KINDS.len()];
        for seed in 0..15 {
            let found = KINDS.map(|kind| {
                let scenario = scenario(kind, seed, &more);
                let run = run(&scenario);
                assert_eq!(run.users.len(), 3);
                // (24), of what was spent
                let shared_j = 0.5 * f64::from(run.users[0].record.t0);
                let powers = run.users.iter().filter_map(|user| user.record.link.as_ref()).map(|link| link.tx_power_w);
                assert!(shared_j + 0.1 * powers.sum::<f64>() <= 20.0 + 1e-9, "{kind}");
                assert!(run.users.iter().all(|user| user.record.tk <= 8), "{kind}");
                sum(&scenario, &run)
            });
            let best = found[KINDS.len() - 1];
            // What is between two powers of the grid.
            assert!(found.iter().all(|quality| *quality <= best + 1e-3), "{more}{KINDS:?} {found:?}");
            sums.iter_mut().zip(found).for_each(|(sum, quality)| *sum += quality);
        }
        assert!(sums[0] < sums[1] && sums[1] < sums[4], "{more}{sums:?}");
    }
}

#[test]
fn in_time_each_group_has_the_budget_and_who_searches_asks_less_of_an_empty_battery() {
    let more = "[radio]\nenergy_per_watt_j = 0.1\n[demand]\narrivals = { kind = \"poisson\", rate_hz = 0.5 }\n\
                requests = 60\n[grouping]\nwindow_s = 4\nsimilarity_threshold = 0.6\n";
    for kind in KINDS {
        let mut scenario = scenario(kind, 41, more);
        scenario.devices[1].battery_j = Some(30.0);
        let ran = run(&scenario);
        assert!(ran.users.len() > 30, "{kind}: {} served", ran.users.len());
        let groups: std::collections::BTreeSet<u64> =
            ran.users.iter().filter_map(|user| user.record.journey.group).collect();
        assert!(groups.len() < ran.users.len(), "{kind}: some steps are shared");
        for group in groups {
            let members = || ran.users.iter().filter(|user| user.record.journey.group == Some(group));
            let t0 = members().next().map_or(0, |user| user.record.t0);
            let power_w: f64 = members().filter_map(|user| Some(user.record.link.as_ref()?.tx_power_w)).sum();
            assert!(0.5 * f64::from(t0) + 0.1 * power_w <= 20.0 + 1e-9, "{kind}");
        }
        if matches!(kind, "greedy" | "exhaustive") {
            let own = ran.users.iter().filter(|user| user.record.journey.device == 1).map(|user| user.record.tk);
            assert!(own.min() < Some(8), "{kind}: the battery is not full for ever");
        }
        let again = run(&scenario);
        let times = |run: &SimulatedRun| run.users.iter().map(|user| user.record.finished_s).collect::<Vec<_>>();
        assert_eq!(times(&ran), times(&again), "{kind}");
    }
}
