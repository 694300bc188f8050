//! Who the users of a scenario are: the paper's agents, people of a file, or drawn from a population.

use std::path::Path;

use latentlink::judge::population::{PeopleFileError, PopulationError, read_people};
use latentlink::judge::{NamedPersona, NormalPopulation, Persona, Spread};
use latentlink::random::StreamKey;
use latentlink::scenario::{Scenario, ScenarioFile};
use serde_json::Value;

const PEOPLE: &str = "age,name,openness,conscientiousness,extraversion,agreeableness,neuroticism\n\
                      31,Anna,0.1,0.2,0.3,0.4,0.5\n52,\"Ben, jr.\",1,0,0.5,0.25,0.75\n";

fn reference() -> Value {
    let path = format!("{}/tests/vectors/population_reference.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).expect("the vectors are there")).expect("JSON")
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

fn five(value: &Value) -> [f64; 5] {
    std::array::from_fn(|index| number(&value[index]))
}

fn draws(population: &NormalPopulation, count: u64) -> Vec<[f64; 5]> {
    let key = StreamKey::new(41, 0, "persona", "device-1");
    (0..count).map(|index| population.draw(&key.child(index)).traits()).collect()
}

/// Mean of `value` over the draws, and the standard error of that mean.
fn mean_and_error(draws: &[[f64; 5]], value: impl Fn(&[f64; 5]) -> f64) -> (f64, f64) {
    let count = draws.len() as f64;
    let mean = draws.iter().map(&value).sum::<f64>() / count;
    let variance = draws.iter().map(|draw| (value(draw) - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, (variance / count).sqrt())
}

#[track_caller]
fn assert_mean(draws: &[[f64; 5]], value: impl Fn(&[f64; 5]) -> f64, expected: f64) {
    let (mean, error) = mean_and_error(draws, value);
    assert!((mean - expected).abs() < 4.0 * error, "{mean} ± {error}, expected {expected}");
}

#[test]
fn independent_traits_have_the_moments_of_the_truncated_normal_distribution() {
    let reference = reference();
    let spread = Spread::StandardDeviation(five(&reference["standard_deviation"]));
    let population = NormalPopulation::new(five(&reference["mean"]), spread).expect("a population");
    let draws = draws(&population, 40_000);
    for index in 0..5 {
        let expected = &reference["independent"][index];
        let (mean, deviation) = (number(&expected["mean"]), number(&expected["standard_deviation"]));
        assert_mean(&draws, |draw| draw[index], mean);
        assert_mean(&draws, |draw| (draw[index] - mean).powi(2), deviation * deviation);
    }
    assert!(draws.iter().flatten().all(|value| (0.0..=1.0).contains(value)));
}

#[test]
fn correlated_traits_have_the_moments_of_the_truncated_joint_distribution() {
    let reference = reference();
    let deviations = five(&reference["standard_deviation"]);
    let mut covariance = [[0.0; 5]; 5];
    for (index, deviation) in deviations.iter().enumerate() {
        covariance[index][index] = deviation * deviation;
    }
    let [first, second] = [0, 1].map(|index| reference["pair"][index].as_u64().expect("an index") as usize);
    let entry = number(&reference["correlation"]) * deviations[first] * deviations[second];
    (covariance[first][second], covariance[second][first]) = (entry, entry);
    let population = NormalPopulation::new(five(&reference["mean"]), Spread::Covariance(covariance));
    let draws = draws(&population.expect("a population"), 40_000);
    let expected = &reference["correlated"];
    let [mean_x, mean_y] = [0, 1].map(|index| number(&expected["mean"][index]));
    assert_mean(&draws, |draw| draw[first], mean_x);
    assert_mean(&draws, |draw| draw[second], mean_y);
    assert_mean(&draws, |draw| (draw[first] - mean_x).powi(2), number(&expected["variance"][0]));
    assert_mean(&draws, |draw| (draw[second] - mean_y).powi(2), number(&expected["variance"][1]));
    assert_mean(&draws, |draw| (draw[first] - mean_x) * (draw[second] - mean_y), number(&expected["covariance"]));
    let independent = number(&reference["independent"][1]["mean"]);
    assert_mean(&draws, |draw| draw[1], independent);
}

#[test]
fn a_trait_that_does_not_vary_stays_at_its_mean_and_one_that_follows_another_follows_it() {
    // neuroticism is 1 minus openness, and the others are fixed, at the ends of their range too
    let mut covariance = [[0.0; 5]; 5];
    (covariance[0][0], covariance[4][4]) = (0.04, 0.04);
    (covariance[0][4], covariance[4][0]) = (-0.04, -0.04);
    let population = NormalPopulation::new([0.5, 0.0, 1.0, 0.3, 0.5], Spread::Covariance(covariance));
    for [openness, conscientiousness, extraversion, agreeableness, neuroticism] in
        draws(&population.expect("singular, and still a covariance"), 500)
    {
        assert_eq!([conscientiousness, extraversion, agreeableness], [0.0, 1.0, 0.3]);
        assert!((openness + neuroticism - 1.0).abs() < 1e-12, "{openness} {neuroticism}");
    }
}

#[test]
fn what_is_no_population_is_refused_with_the_reason() {
    let half = [0.5; 5];
    let with = |row: usize, column: usize, value: f64| {
        let mut covariance = [[0.0; 5]; 5];
        (0..5).for_each(|index| covariance[index][index] = 0.01);
        covariance[row][column] = value;
        Spread::Covariance(covariance)
    };
    let refused = |mean, spread| NormalPopulation::new(mean, spread).expect_err("refused");
    let small = Spread::StandardDeviation([0.1; 5]);
    assert!(matches!(
        refused([0.5, 0.5, -0.1, 0.5, 0.5], small.clone()),
        PopulationError::Mean { trait_name: "extraversion", .. }
    ));
    assert!(matches!(refused([f64::NAN; 5], small), PopulationError::Mean { .. }));
    let negative = Spread::StandardDeviation([0.1, -0.1, 0.1, 0.1, 0.1]);
    assert!(matches!(refused(half, negative), PopulationError::StandardDeviation { .. }));
    assert!(matches!(refused(half, with(1, 0, 0.005)), PopulationError::NotSymmetric { .. }));
    assert!(matches!(refused(half, with(2, 2, f64::INFINITY)), PopulationError::CovarianceEntry { .. }));
    assert!(matches!(refused(half, with(2, 2, -0.01)), PopulationError::NotPositiveSemiDefinite { .. }));
    assert_eq!(refused(half, Spread::StandardDeviation([9.0; 5])), PopulationError::HardlyAnyoneInside);
}

fn people_of(text: &str) -> Result<Vec<NamedPersona>, PeopleFileError> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("people.csv");
    std::fs::write(&path, text).expect("a file in it");
    read_people(&path)
}

#[test]
fn people_are_read_from_the_columns_of_their_names() {
    let people = people_of(PEOPLE).expect("two people");
    let expected = [("Anna", [0.1, 0.2, 0.3, 0.4, 0.5]), ("Ben, jr.", [1.0, 0.0, 0.5, 0.25, 0.75])]
        .map(|(name, traits)| NamedPersona::new(name, Persona::new(traits).expect("in [0, 1]")));
    assert_eq!(people, expected);
}

#[test]
fn a_wrong_file_of_people_is_refused_with_line_and_column() {
    let header = PEOPLE.lines().next().expect("a header");
    for (text, said) in [
        (String::new(), "people.csv:1: 0 columns are called `openness`"),
        (header.replace("neuroticism", "neurotic"), "people.csv:1: 0 columns are called `neuroticism`"),
        (format!("{header},name\n"), "people.csv:1: 2 columns are called `name`"),
        (format!("{header}\n"), "lists no people"),
        (format!("{header}\n1,a,0.1,0.2,0.3,0.4\n"), "people.csv:2: this line has 6 values, expected 7"),
        (format!("{header}\n1,a,0,0,0,0,0\n1,b,0,0,1.5,0,0\n"), "people.csv:3:5: `extraversion` is `1.5`"),
        (format!("{header}\n1,a,0,0,0,,0\n"), "people.csv:2:6: `agreeableness` is ``"),
        (format!("{header}\n1,a,0,0,0,NaN,0\n"), "people.csv:2:6: `agreeableness` is `NaN`"),
        (format!("{header}\n1,a,90,0,0,0,0\n"), "people.csv:2:3: `openness` is `90`, expected a number from 0 to 1"),
        (format!("{header}\n1,,0,0,0,0,0\n"), "people.csv:2:2: the name `` is empty"),
        (format!("{header}\n1,a,0,0,0,0,0\n1,A,0,0,0,0,0\n"), "people.csv:3:2: the name `A` is there twice"),
        (format!("{header}\r\n1,a,0,0,0,0,0\r\n2,b,9,0,0,0,0\r\n"), "people.csv:3:3: `openness` is `9`"),
        (format!("{header}\n1,a,0,0,0,0,0\n\n\n2,b,9,0,0,0,0\n"), "people.csv:5:3: `openness` is `9`"),
        (format!("{header}\r\n\r\n1,a,0,0,0\r\n"), "people.csv:3: this line has 5 values, expected 7"),
        (format!("{header}\n1,ga1,0,0,0,0,0\n"), "people.csv:2:2: the name `ga1` already means"),
    ] {
        let error = people_of(&text).expect_err(&text).to_string();
        assert!(error.contains(said), "{error}\nlacks {said}");
    }
    let missing = read_people(Path::new("no/such/people.csv")).expect_err("no file");
    assert!(missing.to_string().starts_with("cannot read the people in no/such/people.csv"), "{missing}");
}

fn scenario(head: &str) -> Scenario {
    let text = format!(
        "{head}[[device]]\nprompt = \"a\"\n[[device]]\nprompt = \"b\"\nname = \"phone\"\n[policy]\nt0 = 4\ntk = 6\n"
    );
    let points = ScenarioFile::from_str(text, "people.toml").and_then(|file| file.points());
    points.unwrap_or_else(|error| panic!("{error:#}")).remove(0).scenario
}

#[test]
fn users_are_neutral_unless_a_scenario_says_who_they_are() {
    let neutral = scenario("").persona_of(0, 0);
    assert_eq!(neutral, NamedPersona::new("neutral", Persona::NEUTRAL));
    let mut file = ScenarioFile::from_str(
        "[[device]]\nprompt = \"a\"\npersona = [0.9, 0.2, 0.125, 0, 1]\n[policy]\nt0 = 4\ntk = 6\n",
        "given.toml",
    )
    .expect("TOML");
    let given = |file: &ScenarioFile| file.points().expect("a good scenario")[0].scenario.persona_of(0, 3);
    assert_eq!(given(&file).name, "o0.90-c0.20-e0.125-a0.00-n1.00");
    assert_eq!(given(&file).persona.traits(), [0.9, 0.2, 0.125, 0.0, 1.0]);
    file.set("device.device-1.persona=GA2").expect("a field");
    assert_eq!(given(&file), NamedPersona::new("GA2", Persona::GA2));
}

#[test]
fn drawn_users_differ_by_device_and_replication_and_by_nothing_else() {
    let population = "[population]\nmean = [0.5, 0.5, 0.5, 0.5, 0.5]\nstandard_deviation = [0.2, 0.2, 0.2, 0.2, 0.2]\n";
    let drawn = scenario(population);
    let people: Vec<_> = (0..2).flat_map(|device| [0, 1].map(|run| drawn.persona_of(device, run))).collect();
    for (index, person) in people.iter().enumerate() {
        assert!(!people[..index].contains(person), "{people:?}");
        // hundredths, which is what an agent is told
        assert!(person.persona.traits().iter().all(|value| (value * 100.0 - (value * 100.0).round()).abs() < 1e-9));
        assert_eq!(*person, NamedPersona::of_traits(person.persona));
    }
    let other = scenario(&format!("{population}[radio]\nbandwidth_hz = 1e6\n"));
    assert_eq!(other.persona_of(1, 1), drawn.persona_of(1, 1));
    let reseeded = scenario(&format!("{population}[study]\nseed = 42\n"));
    assert_ne!(reseeded.persona_of(1, 1), drawn.persona_of(1, 1));
}

#[test]
fn people_of_a_file_are_drawn_evenly_and_can_be_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("people.csv");
    std::fs::write(&path, PEOPLE).expect("a file in it");
    let population = format!("[population]\nkind = \"file\"\nfile = '{}'\n", path.display());
    let drawn = scenario(&format!("{population}[judge]\npanel = [\"Ben, jr.\", \"GA1\"]\n"));
    assert_eq!(drawn.judge.panel[0].persona.traits(), [1.0, 0.0, 0.5, 0.25, 0.75]);
    let count = (0..400).filter(|run| drawn.persona_of(0, *run).name == "Anna").count();
    // 400 fair draws: mean 200, standard deviation 10
    assert!((160..=240).contains(&count), "{count}");
    let text = drawn.to_toml();
    let again = ScenarioFile::from_str(text.clone(), "resolved.toml").and_then(|file| file.points());
    assert_eq!(again.unwrap_or_else(|error| panic!("{error:#}"))[0].scenario, drawn, "{text}");
    let wrong =
        format!("{population}[judge]\npanel = [\"Ana\"]\n[[device]]\nprompt = \"a\"\n[policy]\nt0 = 4\ntk = 6\n");
    let error = ScenarioFile::from_str(wrong, "wrong.toml").and_then(|file| file.points()).expect_err("nobody");
    let said = format!("{error:#}");
    assert!(said.contains("did you mean \"Anna\"?") && said.contains("\"Ben, jr.\""), "{said}");
}
