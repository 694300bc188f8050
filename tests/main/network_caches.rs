//! What a cache saves in the engine, to whom it is open, and what it leaves of the pictures.

use latentlink::network::{CacheOutcome, LedgerPayer, SimulatedRun};

use crate::network_runs::{Network, Trace, assert_near, device_keys, devices, served};

fn run(rows: &[(f64, &str, &str)], cache: &str, similarity: f64) -> SimulatedRun {
    let trace = Trace::of_prompts(rows);
    let devices = format!(
        "{}[[device]]\nname = \"shy\"\n{}\n",
        devices(&["a", "b"], "shares_latents = true"),
        device_keys("shares_latents = false")
    );
    let rest = format!("[cache]\n{cache}");
    Network { demand: &trace.demand(""), devices: &devices, rest: &rest, ..Network::default() }
        .run_with_similarity(similarity)
}

/// Steps avoided, and age; `None` where there was nothing.
fn hit(run: &SimulatedRun, request: u64) -> Option<(u32, f64)> {
    match served(run, request).journey.cache {
        CacheOutcome::Hit { steps_avoided, age_s, .. } => Some((steps_avoided, age_s)),
        CacheOutcome::Miss => None,
        CacheOutcome::NotAsked => panic!("the cache was not asked for request {request}"),
    }
}

#[test]
fn the_same_prompt_again_takes_no_step_of_the_server() {
    let run = run(&[(0.0, "a", "a dog"), (3.0, "a", "a dog")], "", 0.0);
    assert_eq!(hit(&run, 0), None);
    let (steps, age_s) = hit(&run, 1).expect("a hit");
    assert_eq!(steps, 5);
    // The first chain went in when its steps were done, at 1.0.
    assert_near(age_s, 2.0);
    assert_near(served(&run, 1).finished_s, 3.6);
    assert_near(served(&run, 1).shared_compute_j, 0.0);
    assert_near(run.ledger.paid_by_j(LedgerPayer::Server), 2.5);
    assert_eq!(run.books.cache_insertions, 1);
}

#[test]
fn a_chain_that_is_still_running_is_no_hit() {
    let run = run(&[(0.0, "a", "a dog"), (0.5, "b", "a dog")], "sharing = \"everyone\"", 0.0);
    // Served at 1.0, when the first is done: a hit with no age at all.
    assert_eq!(hit(&run, 1).expect("a hit").0, 5);
    assert_near(served(&run, 1).journey.service_start_s.expect("it was served"), 1.0);
    assert_near(hit(&run, 1).expect("a hit").1, 0.0);
}

#[test]
fn a_partial_hit_goes_on_from_the_step_that_was_kept() {
    let run = run(&[(0.0, "a", "a dog"), (3.0, "a", "a dog")], "steps = [2, 3]", 0.0);
    assert_eq!(hit(&run, 1).expect("a hit").0, 3);
    // 2 steps are left: 0.4 s and 1 J.
    assert_near(served(&run, 1).finished_s, 4.0);
    assert_near(served(&run, 1).shared_compute_j, 1.0);
}

#[test]
fn the_energy_saved_is_that_of_the_steps_avoided() {
    let demand = "arrivals = { kind = \"poisson\", rate_hz = 1 }\nrequests = 20000\nprompts = { kind = \"grammar\" }\n\
                  zipf_exponent = 0.9";
    let devices = devices(&["a"], "step_time_s = 0\ncount = 10");
    let rest =
        "[cache]\nsharing = \"everyone\"\ncapacity_entries = 50\nsteps = [2, 4, 5]\nthresholds = [0.5, 0.8, 0.9]";
    let server = "step_time_s = 0.02\nstep_energy_j = 0.5";
    let run = Network { demand, server, devices: &devices, rest, ..Network::default() }.run_with_similarity(0.6);
    let avoided: u32 = (0..20_000).filter_map(|request| hit(&run, request)).map(|(steps, _)| steps).sum();
    assert!(avoided > 20_000, "everything is at least a hit of 2 steps");
    let spent_j = run.ledger.paid_by_j(LedgerPayer::Server);
    assert_near(spent_j, 0.5 * (5.0 * 20_000.0 - f64::from(avoided)));
}

#[test]
fn a_threshold_of_minus_one_makes_everything_a_hit_after_the_first() {
    let prompts = ["a dog", "a cat", "a car", "a tree"];
    let rows: Vec<_> = (0..4).map(|i| (f64::from(i) * 2.0, "a", prompts[i as usize])).collect();
    let run = run(&rows, "steps = [3]\nthresholds = [-1]", -1.0);
    assert_eq!(hit(&run, 0), None);
    for request in 1..4 {
        assert_eq!(hit(&run, request).expect("a hit").0, 3);
        // 3 of 5 steps with a prompt of similarity −1, 2 with the own one.
        assert_near(served(&run, request).similarity, (-3.0 + 2.0) / 5.0);
    }
}

#[test]
fn who_does_not_share_neither_gives_nor_gets() {
    let rows = [(0.0, "shy", "a dog"), (2.0, "a", "a dog"), (4.0, "b", "a dog"), (6.0, "shy", "a dog")];
    let hits = |sharing: &str| {
        let run = run(&rows, &format!("sharing = \"{sharing}\""), 0.0);
        (0..4).map(|request| hit(&run, request).map(|(_, age_s)| age_s.round())).collect::<Vec<_>>()
    };
    assert_eq!(hits("opt-in"), [None, None, Some(1.0), Some(5.0)]);
    assert_eq!(hits("own"), [None, None, None, Some(5.0)]);
    assert_eq!(hits("everyone"), [None, Some(1.0), Some(3.0), Some(5.0)]);
}

#[test]
fn what_lives_too_long_is_gone() {
    let rows = [(0.0, "a", "a dog"), (2.5, "a", "a dog"), (4.5, "a", "a dog")];
    let hits = |kind: &str| {
        let run = run(&rows, &format!("time_to_live = {{ kind = \"{kind}\", time_s = 2 }}"), 0.0);
        (0..3).map(|request| hit(&run, request).is_some()).collect::<Vec<_>>()
    };
    // In at 1.0. A hit at 2.5 lets it live until 4.5 and a nanosecond less, or 3.0.
    assert_eq!(hits("fixed"), [false, true, false]);
    let rows = [(0.0, "a", "a dog"), (2.5, "a", "a dog"), (4.4, "a", "a dog")];
    let reset = self::run(&rows, "time_to_live = { kind = \"reset\", time_s = 2 }", 0.0);
    assert!(hit(&reset, 2).is_some());
}

#[test]
fn cells_have_caches_of_their_own() {
    let trace = Trace::of_prompts(&[(0.0, "west", "a dog"), (2.0, "east", "a dog"), (4.0, "west", "a dog")]);
    let device = |name: &str, x_m: f64| {
        format!("[[device]]\nname = \"{name}\"\nprompt = \"a dog\"\nstep_time_s = 0.1\nx_m = {x_m}\ny_m = 0\n")
    };
    let devices = device("west", -400.0) + &device("east", 400.0);
    let rest = "[[cell]]\nx_m = -500\ny_m = 0\n[[cell]]\nx_m = 500\ny_m = 0\n[cache]\nsharing = \"everyone\"";
    let run = Network { demand: &trace.demand(""), devices: &devices, rest, ..Network::default() }.run();
    assert_eq!((hit(&run, 1), hit(&run, 2).is_some()), (None, true));
    assert_eq!(run.books.cache_insertions, 2);
}
