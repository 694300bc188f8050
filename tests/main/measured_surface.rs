//! The measured surface: exact where it was measured, linear in between, and careful with what it reads.

use latentlink::judge::measured_surface::file::{read_measured_surface, to_csv};
use latentlink::judge::measured_surface::leave_one_out::LeaveOneOut;
use latentlink::judge::measured_surface::{MeasuredSurface, SurfaceFault, SurfaceRow};
use latentlink::judge::{NamedPersona, Persona, SurfaceInputs, quality_of_experience};
use latentlink::random::StreamKey;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const SIMILARITIES: [f64; 3] = [0.6, 0.8, 1.0];
const T0: [u32; 3] = [1, 3, 8];
const TK: [u32; 3] = [2, 4, 8];
const BIT_ERRORS: [f64; 4] = [0.0, 0.03, 0.1, 0.5];

fn personas() -> Vec<NamedPersona> {
    ["GA1", "GA2", "neutral"]
        .map(|name| NamedPersona::new(name, Persona::named(name).expect("a persona of the paper")))
        .into()
}

fn inputs(similarity: f64, persona: Persona, t0: u32, tk: u32, bit_error_probability: f64) -> SurfaceInputs {
    SurfaceInputs { t0, tk, bit_error_probability, similarity, persona }
}

/// A whole grid with what `quality` says.
fn rows(quality: impl Fn(&SurfaceInputs) -> f64) -> Vec<SurfaceRow> {
    let mut rows = Vec::new();
    for similarity in SIMILARITIES {
        for persona in personas() {
            for (t0, tk) in T0.into_iter().flat_map(|t0| TK.map(|tk| (t0, tk))) {
                for bit_error_probability in BIT_ERRORS {
                    let quality = quality(&inputs(similarity, persona.persona, t0, tk, bit_error_probability));
                    let persona = persona.clone();
                    let (standard_error, pictures) = (Some(0.01), 16);
                    rows.push(SurfaceRow {
                        similarity,
                        persona,
                        t0,
                        tk,
                        bit_error_probability,
                        quality,
                        standard_error,
                        pictures,
                    });
                }
            }
        }
    }
    rows
}

fn surface(rows: &[SurfaceRow]) -> MeasuredSurface {
    MeasuredSurface::new(rows).expect("a whole grid")
}

fn drawn(rng: &mut ChaCha8Rng, persona: Persona) -> SurfaceInputs {
    let (t0, tk) = (rng.random_range(1..=8), rng.random_range(2..=8));
    inputs(rng.random_range(0.6..=1.0), persona, t0, tk, rng.random_range(0.0..=0.5))
}

#[test]
fn it_is_exact_at_every_measured_cell_whatever_the_order_of_the_rows() {
    let mut rows = rows(quality_of_experience);
    rows.reverse();
    let surface = surface(&rows);
    for row in &rows {
        let asked = inputs(row.similarity, row.persona.persona, row.t0, row.tk, row.bit_error_probability);
        assert_eq!(surface.quality_of_experience(&asked), row.quality);
    }
}

#[test]
fn a_function_that_is_linear_along_each_axis_is_found_again_between_the_cells() {
    let multilinear = |inputs: &SurfaceInputs| {
        let (t0, tk) = (f64::from(inputs.t0) / 8.0, f64::from(inputs.tk) / 8.0);
        let (errors, similarity) = (2.0 * inputs.bit_error_probability, inputs.similarity);
        0.1 + 0.3 * t0 * tk * (1.0 - errors) * similarity + 0.2 * similarity - 0.1 * errors * t0 + 0.2 * tk
    };
    let surface = surface(&rows(multilinear));
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for _ in 0..2_000 {
        let asked = drawn(&mut rng, Persona::GA2);
        let (found, expected) = (surface.quality_of_experience(&asked), multilinear(&asked));
        assert!((found - expected).abs() < 1e-12, "{asked:?}: {found}, expected {expected}");
    }
}

#[test]
fn what_falls_with_bit_errors_at_the_cells_falls_everywhere_and_stays_within_them() {
    let surface = surface(&rows(quality_of_experience));
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut fell = 0;
    for _ in 0..2_000 {
        let persona = Persona::new(rng.random()).expect("in [0, 1]");
        let asked = drawn(&mut rng, persona);
        let worse =
            SurfaceInputs { bit_error_probability: rng.random_range(asked.bit_error_probability..=0.5), ..asked };
        let (better, worse) = (surface.quality_of_experience(&asked), surface.quality_of_experience(&worse));
        assert!(worse <= better + 1e-12, "{asked:?}: {better}, then {worse}");
        fell += usize::from(worse < better);
        let (values, _) = surface.values();
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        assert!((least..=most).contains(&better));
    }
    assert!(fell > 1_500, "{fell}");
}

#[test]
fn beyond_the_grid_the_nearest_measured_value_holds() {
    let surface = surface(&rows(quality_of_experience));
    let at =
        |similarity, t0, tk, errors| surface.quality_of_experience(&inputs(similarity, Persona::GA1, t0, tk, errors));
    assert_eq!(at(0.8, 20, 4, 0.03), at(0.8, 8, 4, 0.03));
    assert_eq!(at(0.8, 3, 0, 0.03), at(0.8, 3, 2, 0.03));
    assert_eq!(at(0.8, 3, 99, 0.03), at(0.8, 3, 8, 0.03));
    assert_eq!(at(-0.2, 3, 4, 0.03), at(0.6, 3, 4, 0.03));
    assert_eq!(at(0.8, 0, 4, 0.0), at(0.8, 1, 4, 0.0));
}

#[test]
fn others_are_the_mean_of_the_measured_by_the_inverse_square_of_their_distance() {
    let of_persona = |inputs: &SurfaceInputs| match inputs.persona {
        Persona::GA1 => 0.9,
        Persona::GA2 => 0.1,
        _ => 0.5,
    };
    let surface = surface(&rows(of_persona));
    // between neutral and GA1, a quarter of the way: at 1/4 and 3/4 of their distance d, and √(…) of GA2
    let mix = |part: f64| {
        let pairs = Persona::NEUTRAL.traits().into_iter().zip(Persona::GA1.traits());
        let traits: Vec<f64> = pairs.map(|(from, to)| from + part * (to - from)).collect();
        Persona::new(traits.try_into().expect("five")).expect("in [0, 1]")
    };
    let squared = |one: Persona, other: Persona| -> f64 {
        one.traits().into_iter().zip(other.traits()).map(|(a, b)| (a - b) * (a - b)).sum()
    };
    let asked = mix(0.25);
    let weights = [Persona::GA1, Persona::GA2, Persona::NEUTRAL].map(|persona| 1.0 / squared(asked, persona));
    let expected = (0.9 * weights[0] + 0.1 * weights[1] + 0.5 * weights[2]) / weights.iter().sum::<f64>();
    let found = surface.quality_of_experience(&inputs(0.8, asked, 3, 4, 0.03));
    assert!((found - expected).abs() < 1e-12, "{found}, expected {expected}");
    // 16/9 : 16 in the two alone
    assert!((weights[2] / weights[0] - 9.0).abs() < 1e-9);
    let measured = surface.quality_of_experience(&inputs(0.7, Persona::GA1, 5, 4, 0.2));
    assert!((measured - 0.9).abs() < 1e-15, "nobody else counts: {measured}");
    let nearly = surface.quality_of_experience(&inputs(0.7, mix(1.0 - 1e-6), 5, 4, 0.2));
    assert!((nearly - 0.9).abs() < 1e-9, "no jump at a measured persona: {nearly}");
}

#[test]
fn noise_has_the_scatter_between_pictures() {
    // 16 pictures with a standard error of 0.01: a standard deviation of 0.04
    let surface = surface(&rows(|_| 0.5));
    assert!(surface.has_scatter());
    let (asked, key) = (inputs(0.7, Persona::GA1, 2, 5, 0.2), StreamKey::new(1, 0, "test", "noise"));
    let count = 20_000_u64;
    let answers: Vec<f64> =
        (0..count).map(|index| surface.noisy_quality_of_experience(&asked, &key.child(index))).collect();
    let mean = answers.iter().sum::<f64>() / count as f64;
    let deviation = (answers.iter().map(|answer| (answer - mean).powi(2)).sum::<f64>() / count as f64).sqrt();
    assert!((mean - 0.5).abs() < 4.0 * 0.04 / (count as f64).sqrt(), "{mean}");
    assert!((deviation - 0.04).abs() < 4.0 * 0.04 / (2.0 * count as f64).sqrt(), "{deviation}");
    assert_eq!(answers[7], surface.noisy_quality_of_experience(&asked, &key.child(7)));
    let mut one = rows(|_| 0.5);
    one[3].standard_error = None;
    assert!(!MeasuredSurface::new(&one).expect("whole").has_scatter());
}

#[test]
fn what_is_left_out_is_predicted_from_its_neighbours() {
    // 1, 3, 8: the value at 3 is 2/7 of the way, where a parabola is below its chord
    let of_t0 = |inputs: &SurfaceInputs| f64::from(inputs.t0).powi(2) / 100.0;
    let errors = LeaveOneOut::of(&surface(&rows(of_t0)));
    let expected = (1.0 + 2.0 / 7.0 * 63.0 - 9.0) / 100.0;
    let t0 = errors.t0.expect("three values");
    assert!((t0.root_mean_square - expected).abs() < 1e-12 && (t0.largest - expected).abs() < 1e-12, "{t0:?}");
    assert_eq!(t0.cells, 3 * 3 * 3 * 4);
    for none in [errors.tk, errors.bit_error_probability, errors.similarity, errors.persona] {
        assert!(none.expect("three values").largest < 1e-12, "{none:?}");
    }
    assert_eq!(errors.bit_error_probability.expect("two inner values").cells, 3 * 3 * 3 * 3 * 2);
    let of_persona = |inputs: &SurfaceInputs| if inputs.persona == Persona::GA1 { 0.8 } else { 0.2 };
    let persona = LeaveOneOut::of(&surface(&rows(of_persona))).persona.expect("three personas");
    assert!((persona.largest - 0.6).abs() < 1e-12, "GA1 from two that say 0.2: {persona:?}");
    let single: Vec<SurfaceRow> = rows(|_| 0.5).into_iter().filter(|row| row.persona.name == "GA1").collect();
    assert_eq!(LeaveOneOut::of(&surface(&single)).persona, None);
}

#[test]
fn a_cell_that_lacks_or_is_there_twice_is_named() {
    let whole = rows(quality_of_experience);
    let lacking = whole.iter().filter(|row| {
        let is_there = (row.similarity, row.t0, row.tk, row.bit_error_probability) == (0.8, 3, 8, 0.1);
        !(is_there && row.persona.name == "GA2")
    });
    let fault = MeasuredSurface::new(&lacking.cloned().collect::<Vec<_>>()).expect_err("a hole");
    let cell = "similarity 0.8, GA2, t0 = 3, t_k = 8, bit error probability 0.1".to_owned();
    assert_eq!(fault, SurfaceFault::Missing { cell });
    let mut twice = whole.clone();
    twice.push(whole[5].clone());
    let fault = MeasuredSurface::new(&twice).expect_err("one too many");
    assert!(matches!(fault, SurfaceFault::Twice { row, .. } if row == whole.len()), "{fault:?}");
    assert_eq!(MeasuredSurface::new(&[]), Err(SurfaceFault::Nothing));
}

#[test]
fn a_file_reads_back_to_its_surface_and_a_bad_one_says_where_it_is_bad() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("measured.csv");
    let mut whole = rows(|inputs| (quality_of_experience(inputs) * 1e5).round() / 1e5);
    whole.iter_mut().filter(|row| row.persona.name == "GA2").for_each(|row| row.persona.name = "Ben, \"jr.\"".into());
    let text = to_csv(&whole);
    std::fs::write(&path, &text).expect("a file");
    assert_eq!(read_measured_surface(&path).expect("good"), surface(&whole));
    let lines: Vec<&str> = text.lines().collect();
    let with = |number: usize, line: &str| {
        let mut lines = lines.clone();
        lines[number - 1] = line;
        lines.join("\n")
    };
    let fields = lines[3].to_owned();
    for (bad, said) in [
        (with(1, "similarity,persona"), "measured.csv:1: the columns are not those"),
        (with(4, "0.6,GA1,0.1"), "measured.csv:4: this line has 3 values, expected 13"),
        (
            with(4, &fields.replacen("0.6,", "1.6,", 1)),
            "measured.csv:4: `similarity` is `1.6`, expected a number from -1 to 1",
        ),
        (with(4, &fields.replacen("0.8,0.7", "0.8,x", 1)), "measured.csv:4: `extraversion` is `x`"),
        (
            with(4, &fields.replacen(",1,2,", ",0,2,", 1)),
            "measured.csv:4: `t0` is `0`, expected a whole number of at least 1",
        ),
        (with(4, &fields.replacen(",2,0.1,", ",2,0.6,", 1)), "measured.csv:4: `bit_error_probability` is `0.6`"),
        (with(4, &fields.replacen(",16", ",0", 1)), "measured.csv:4: `n` is `0`"),
        (
            with(4, lines[2]),
            "measured.csv:4: a second row of similarity 0.6, GA1, t0 = 1, t_k = 2, bit error probability 0.03",
        ),
        (with(4, ""), "the grid lacks similarity 0.6, GA1, t0 = 1, t_k = 2, bit error probability 0.1"),
        (lines[0].to_owned(), "has no rows"),
        (String::new(), "measured.csv:1: the columns"),
    ] {
        std::fs::write(&path, &bad).expect("a file");
        let error = read_measured_surface(&path).expect_err(said).to_string();
        assert!(error.contains(said), "{error}\nlacks {said}");
    }
    let missing = read_measured_surface(&folder.path().join("none.csv")).expect_err("no file").to_string();
    assert!(missing.starts_with("cannot read the measured surface"), "{missing}");
}
