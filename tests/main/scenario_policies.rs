//! `[policy]` of every kind: what it takes, what it needs around it, and how it is swept and written back.

use latentlink::policy::Decoder;
use latentlink::scenario::{
    ActorPolicy, GivenSteps, PolicyKind, PolicySettings, Scenario, ScenarioFile, SearchPolicy, StepLimits,
};

use crate::scenario_bad_input::{Row, fault};

/// Around a policy that sees the state.
const AROUND: &str = "[server]\nenergy_budget_j = 20\n[[device]]\nprompt = \"a dog\"\n[[device]]\nprompt = \"a cat\"\n";

fn read(policy: &str, around: &str) -> Vec<Scenario> {
    let text = format!("[policy]\n{policy}\n{around}");
    let points = ScenarioFile::from_str(text.clone(), "policy.toml").and_then(|file| file.points());
    let points = points.unwrap_or_else(|error| panic!("{error:#}\n{text}"));
    points.into_iter().map(|point| point.scenario).collect()
}

fn policy_of(policy: &str, around: &str) -> PolicySettings {
    read(policy, around).remove(0).policy
}

const USUAL: StepLimits = StepLimits { maximum_shared_steps: 10, maximum_own_steps: 8 };

/// A file that is there.
fn actor_file() -> String {
    format!("{}/Cargo.toml", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn each_kind_has_its_keys_and_their_defaults() {
    let given = GivenSteps { t0: 3, tk: vec![8, 7] };
    assert_eq!(policy_of("kind = \"equal\"\nt0 = 3\ntk = [8, 7]", AROUND), PolicySettings::Equal(given.clone()));
    let inversion = policy_of("kind = \"channel-inversion\"\nt0 = 3\ntk = [8, 7]", AROUND);
    assert_eq!(inversion, PolicySettings::ChannelInversion(given));
    assert_eq!(policy_of("kind = \"random\"", AROUND), PolicySettings::Random(USUAL));
    let search = SearchPolicy { limits: USUAL, power_step_w: 1.0 };
    assert_eq!(policy_of("kind = \"greedy\"", AROUND), PolicySettings::Greedy(search));
    let limits = StepLimits { maximum_shared_steps: 4, maximum_own_steps: 5 };
    let text = "kind = \"exhaustive\"\nmaximum_shared_steps = 4\nmaximum_own_steps = 5\npower_step_w = 0.5";
    assert_eq!(policy_of(text, AROUND), PolicySettings::Exhaustive(SearchPolicy { limits, power_step_w: 0.5 }));
    let text = format!("kind = \"actor\"\nfile = \"{}\"\nsamples = 4\ndecoder = \"soft\"", actor_file());
    let actor = ActorPolicy { file: actor_file().into(), samples: 4, decoder: Decoder::Soft, limits: USUAL };
    assert_eq!(policy_of(&text, AROUND), PolicySettings::Actor(actor));
    let text = format!("kind = \"actor\"\nfile = \"{}\"", actor_file());
    let PolicySettings::Actor(actor) = policy_of(&text, AROUND) else { panic!("an actor") };
    assert_eq!((actor.samples, actor.decoder), (1, Decoder::Projected));
}

#[test]
fn usual_limits_leave_a_chain_its_last_step() {
    let limits = |around: &str| {
        let policies = read("kind = \"random\"", &format!("{AROUND}{around}")).into_iter().map(|point| point.policy);
        let limits = policies.map(|policy| match policy {
            PolicySettings::Random(limits) => (limits.maximum_shared_steps, limits.maximum_own_steps),
            _ => panic!("random"),
        });
        limits.collect::<Vec<_>>()
    };
    assert_eq!(limits("[diffusion]\nsteps = 5\n"), [(4, 5)]);
    assert_eq!(limits("[diffusion]\nsteps = 5\nsplit = \"joint\"\n"), [(5, 5)]);
    // and are worked out again at each point
    assert_eq!(limits("[sweep]\n\"diffusion.steps\" = [5, 30, 9]\n"), [(4, 5), (10, 8), (8, 8)]);
}

#[test]
fn the_most_that_may_be_asked_for_and_every_pair_are_known() {
    let search = policy_of("kind = \"exhaustive\"\nmaximum_shared_steps = 2\nmaximum_own_steps = 2", AROUND);
    assert_eq!((search.shared_steps(), search.own_steps(1), search.given_shared_steps()), (2, 2, None));
    assert_eq!(search.step_pairs(), [(0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2)]);
    let drawn = policy_of("kind = \"random\"\nmaximum_shared_steps = 2\nmaximum_own_steps = 2", AROUND);
    assert_eq!(drawn.step_pairs(), [(1, 1), (1, 2), (2, 1), (2, 2)]);
    let equal = policy_of("kind = \"equal\"\nt0 = 3\ntk = [8, 7]", AROUND);
    assert_eq!((equal.shared_steps(), equal.own_steps(1), equal.given_shared_steps()), (3, 7, Some(3)));
    assert_eq!(equal.step_pairs(), [(3, 7), (3, 8)]);
    assert!(equal.sees_state() && search.sees_state());
    assert!(!policy_of("t0 = 3\ntk = 7", AROUND).sees_state());
}

#[test]
fn one_study_compares_policies_with_the_keys_of_all_of_them() {
    let text = "kind = \"fixed\"\nt0 = 3\ntk = [8, 7]\ntx_power_dbw = 18\npower_step_w = 2\nmaximum_shared_steps = 9";
    let kinds = "[sweep]\n\"policy.kind\" = [\"random\", \"fixed\", \"equal\", \"channel-inversion\", \"greedy\", \"exhaustive\"]\n";
    let points = read(text, &format!("{AROUND}{kinds}"));
    let found: Vec<PolicyKind> = points.iter().map(|point| point.policy.kind()).collect();
    use PolicyKind::{ChannelInversion, Equal, Exhaustive, Fixed, Greedy, Random};
    assert_eq!(found, [Random, Fixed, Equal, ChannelInversion, Greedy, Exhaustive]);
    let limits = StepLimits { maximum_shared_steps: 9, maximum_own_steps: 8 };
    assert_eq!(points[5].policy, PolicySettings::Exhaustive(SearchPolicy { limits, power_step_w: 2.0 }));
    // the file written back has the keys of all kinds too
    let file = ScenarioFile::from_str(format!("[policy]\n{text}\n{AROUND}{kinds}"), "policy.toml").expect("TOML");
    let resolved = file.resolved_toml().expect("a good scenario");
    let again = ScenarioFile::from_str(resolved.clone(), "resolved.toml").and_then(|file| file.points());
    let again = again.unwrap_or_else(|error| panic!("{error:#}\n{resolved}"));
    assert_eq!(again, file.points().expect("a good scenario"), "{resolved}");
}

#[test]
fn steps_and_grids_are_swept_like_any_field() {
    let points = read(
        "kind = \"exhaustive\"",
        &format!("{AROUND}[sweep]\n\"policy.maximum_shared_steps\" = [1, 3]\n\"policy.power_step_w\" = [1, 0.5]\n"),
    );
    let found: Vec<(u32, f64)> = points
        .iter()
        .map(|point| match &point.policy {
            PolicySettings::Exhaustive(search) => (search.limits.maximum_shared_steps, search.power_step_w),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(found, [(1, 1.0), (1, 0.5), (3, 1.0), (3, 0.5)]);
}

#[test]
fn every_kind_reads_back_from_what_is_written() {
    let actor = format!(
        "kind = \"actor\"\nfile = \"{}\"\nsamples = 7\ndecoder = \"soft\"\nmaximum_own_steps = 3",
        actor_file()
    );
    for policy in [
        "kind = \"equal\"\nt0 = 3\ntk = [8, 7]",
        "kind = \"channel-inversion\"\nt0 = 0\ntk = 2",
        "kind = \"random\"\nmaximum_shared_steps = 3",
        "kind = \"greedy\"\npower_step_w = 0.125",
        "kind = \"exhaustive\"\nmaximum_own_steps = 6",
        &actor,
    ] {
        let scenario = read(policy, AROUND).remove(0);
        let text = scenario.to_toml();
        let again = ScenarioFile::from_str(text.clone(), "resolved.toml").and_then(|file| file.points());
        assert_eq!(again.unwrap_or_else(|error| panic!("{error:#}\n{text}"))[0].scenario, scenario, "{text}");
    }
}

const PLAIN: &str = "[server]\nenergy_budget_j = 20\n[[device]]\nprompt = \"a dog\"\n";

#[rustfmt::skip]
const ROWS: &[Row] = &[
    ("[policy]\nkind = \"best\"\n", PLAIN, &["`kind` = \"best\" is not known", "\"channel-inversion\"", "\"exhaustive\""], 2, 8),
    ("[policy]\nkind = 3\n", PLAIN, &["`kind` is a whole number", "\"exhaustive\""], 2, 8),
    // keys of other kinds
    ("[policy]\nkind = \"exhaustive\"\nt0 = 3\n", PLAIN, &["`t0` does not go with a policy of kind \"exhaustive\"", "`power_step_w`"], 3, 1),
    ("[policy]\nkind = \"equal\"\nt0 = 3\ntk = 8\ntx_power_w = 3\n", PLAIN, &["`tx_power_w` does not go with a policy of kind \"equal\"", "it has `t0`, `tk`"], 5, 1),
    ("[policy]\nt0 = 3\ntk = 8\npower_step_w = 3\n", PLAIN, &["`power_step_w` does not go with a policy of kind \"fixed\", the default"], 4, 1),
    ("[policy]\nkind = \"random\"\nsamples = 3\n", PLAIN, &["`samples` does not go with a policy of kind \"random\""], 3, 1),
    ("[policy]\nkind = \"fixed\"\nt0 = 3\ntk = 8\nfile = \"a\"\n[sweep]\n\"policy.kind\" = [\"fixed\", \"equal\"]\n", PLAIN, &["`file` does not go with a policy of kind \"fixed\""], 5, 1),
    // steps and powers
    ("[policy]\nkind = \"equal\"\nt0 = 3\n", PLAIN, &["[policy] lacks `tk`"], 1, 1),
    ("[policy]\nkind = \"equal\"\nt0 = 12\ntk = 8\n", PLAIN, &["`t0` = 12 is more than the 11 steps of `diffusion.steps`"], 3, 6),
    ("[policy]\nkind = \"channel-inversion\"\nt0 = 0\ntk = 0\n", PLAIN, &["`t0` and `tk` are both 0"], 4, 6),
    ("[policy]\nkind = \"random\"\nmaximum_shared_steps = 0\n", PLAIN, &["`maximum_shared_steps` = 0 is out of range", "from 1 to 10"], 3, 24),
    ("[policy]\nkind = \"random\"\nmaximum_own_steps = -1\n", PLAIN, &["`maximum_own_steps` = -1 is out of range", "from 1 to 11"], 3, 21),
    ("[policy]\nkind = \"greedy\"\nmaximum_shared_steps = 11\n", PLAIN, &["`maximum_shared_steps` = 11 is more than 10", "raise `steps` under [diffusion]"], 3, 24),
    ("[policy]\nkind = \"greedy\"\nmaximum_own_steps = 12\n", PLAIN, &["`maximum_own_steps` = 12 is more than 11"], 3, 21),
    ("[diffusion]\nsteps = 500\n[policy]\nkind = \"greedy\"\nmaximum_own_steps = 101\n", PLAIN, &["`maximum_own_steps` = 101 is more than 100", "100 at most"], 5, 21),
    ("[diffusion]\nsteps = 1\n[policy]\nkind = \"greedy\"\n", PLAIN, &["leaves nothing to divide", "at least 2"], 4, 8),
    ("[policy]\nkind = \"exhaustive\"\npower_step_w = 0\n", PLAIN, &["`power_step_w` = 0 is out of range", "above 0 in W"], 3, 16),
    ("[policy]\nkind = \"exhaustive\"\npower_step_w = -2.5\n", PLAIN, &["`power_step_w` = -2.5 is out of range"], 3, 16),
    ("[policy]\nkind = \"exhaustive\"\npower_step_w = inf\n", PLAIN, &["inf is not a finite number"], 3, 16),
    // the actor
    ("[policy]\nkind = \"actor\"\n", PLAIN, &["[policy] lacks `file`", "latentlink train"], 1, 1),
    ("[policy]\nkind = \"actor\"\nfile = \"no/such/actor.onnx\"\n", PLAIN, &["there is no file no/such/actor.onnx", "relative to the folder"], 3, 8),
    ("[policy]\nkind = \"actor\"\nfile = \"Cargo.toml\"\nsamples = 0\n", PLAIN, &["`samples` = 0 is out of range"], 4, 11),
    ("[policy]\nkind = \"actor\"\nfile = \"Cargo.toml\"\ndecoder = \"hard\"\n", PLAIN, &["`decoder` = \"hard\" is not known", "\"projected\" or \"soft\""], 4, 11),
    // what is around it
    ("[policy]\nkind = \"equal\"\nt0 = 3\ntk = 8\n", "[[device]]\nprompt = \"a dog\"\n", &["policy.kind = \"equal\" needs `energy_budget_j` under [server]", "energy_budget_j = 20.0"], 0, 0),
    ("[server]\nstep_energy_j = 0.5\n[policy]\nkind = \"exhaustive\"\n", "[[device]]\nprompt = \"a dog\"\n", &["policy.kind = \"exhaustive\" needs `energy_budget_j` under [server]"], 1, 1),
    ("[architecture]\nkind = \"cluster\"\n[policy]\nkind = \"greedy\"\n", PLAIN, &["`kind` = \"cluster\" does not go with policy.kind = \"greedy\"", "\"edge\""], 2, 8),
    ("[radio]\nenergy_per_watt_j = 0\n[policy]\nkind = \"greedy\"\n", PLAIN, &["no budget limits the power"], 2, 21),
    ("[radio]\nfading_process = \"block\"\ncoherence_time_s = 0.1\n[policy]\nkind = \"random\"\n", PLAIN, &["`fading_process` = \"block\" does not go with policy.kind = \"random\"", "error_model = \"average\""], 2, 18),
    ("[radio]\nprotection = { kind = \"arq\" }\n[policy]\nkind = \"random\"\n", PLAIN, &["`protection` does not go with policy.kind = \"random\""], 2, 14),
    ("[architecture]\nkind = \"cluster\"\n[policy]\nt0 = 3\ntk = 8\nmaximum_shared_steps = 3\n[sweep]\n\"policy.kind\" = [\"fixed\", \"greedy\"]\n", PLAIN, &["`kind` = \"cluster\" does not go with policy.kind = \"greedy\""], 2, 8),
];

#[test]
fn each_mistake_is_one_problem_at_its_place_with_what_was_expected() {
    let faults: Vec<String> = ROWS.iter().filter_map(fault).collect();
    assert!(faults.is_empty(), "{} of {} rows:\n\n{}", faults.len(), ROWS.len(), faults.join("\n\n"));
}

#[test]
fn processes_that_draw_nothing_or_are_averaged_over_are_fine() {
    for radio in [
        "error_model = \"average\"\nfading_process = \"block\"\ncoherence_time_s = 0.1\n",
        "fading = \"none\"\nfading_process = \"block\"\ncoherence_time_s = 0.1\n",
        "bit_error_probability = 0.03\nfading_process = \"gaussian-copula\"\ncoherence_time_s = 0.1\n",
    ] {
        read("kind = \"exhaustive\"", &format!("{AROUND}[radio]\n{radio}"));
    }
}
