//! `latentlink bep`: its numbers, its texts, and what it refuses.

use clap::{Parser, ValueEnum};
use latentlink::cli::bep::{BepArgs, BepError, FadingName, render};
use latentlink::radio::Modulation;
use miette::Diagnostic;

#[derive(Parser)]
struct CommandLine {
    #[command(flatten)]
    bep: BepArgs,
}

fn answer(line: &str) -> Result<String, BepError> {
    let words = std::iter::once("bep").chain(line.split_whitespace());
    render(&CommandLine::try_parse_from(words).expect("a command line that clap accepts").bep)
}

/// 0.16153 is the six-digit figure of the reference table.
#[test]
fn the_average_over_f_fading_is_printed_with_ten_significant_digits() {
    let text = answer("--fading fisher-snedecor --m 2 --ms 1.5 --mean-snr-db 10 --modulation qam16").unwrap();
    let last = text.lines().last().unwrap().split_whitespace().last().unwrap().to_owned();
    assert!(last.starts_with("1.6153") && last.ends_with("e-1") && last.len() == "1.234567890e-1".len(), "{text}");
    assert!(text.starts_with("modulation  mean_snr_db  average_bit_error_probability\n"), "{text}");
}

#[test]
fn lists_give_one_row_per_modulation_and_snr() {
    let text = answer("--fading rayleigh --mean-snr-db -5,0,10 --modulation bpsk,qam256").unwrap();
    assert_eq!(text.lines().count(), 1 + 6);
}

#[test]
fn json_holds_the_same_numbers() {
    let text = answer("--fading rayleigh --mean-snr-db 0 --modulation bpsk --outage-threshold-db 0 --json").unwrap();
    let rows: serde_json::Value = serde_json::from_str(&text).unwrap();
    let average = rows[0]["average_bit_error_probability"].as_f64().unwrap();
    assert!((average - 0.5 * (1.0 - 0.5_f64.sqrt())).abs() < 1e-14);
    let outage = rows[0]["outage_probability"].as_f64().unwrap();
    assert!((outage - (1.0 - (-1.0_f64).exp())).abs() < 1e-14);
}

/// Q(√(2·10^0.8)), six digits from tables.
#[test]
fn an_instantaneous_snr_needs_no_fading() {
    let text = answer("--snr-db 8 --modulation bpsk").unwrap();
    assert!(text.contains("1.909077741e-4") || text.contains("1.909077740e-4"), "{text}");
}

/// The calibration table: 10.131 dB.
#[test]
fn a_target_is_answered_with_the_mean_snr_that_reaches_it() {
    let text = answer("--fading fisher-snedecor --m 2 --ms 1.5 --modulation bpsk --target-bep 0.03").unwrap();
    let snr_db: f64 = text.lines().last().unwrap().split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!((snr_db - 10.131).abs() < 6e-4, "{text}");
}

#[test]
fn missing_and_contradictory_options_say_what_is_needed() {
    let table = [
        ("--modulation bpsk", "exactly one of"),
        ("--modulation bpsk --snr-db 3 --mean-snr-db 3 --fading rayleigh", "exactly one of"),
        ("--modulation bpsk --mean-snr-db 3", "--mean-snr-db needs --fading"),
        ("--modulation bpsk --target-bep 0.1", "--target-bep needs --fading"),
        ("--modulation bpsk --mean-snr-db 3 --fading fisher-snedecor --m 2", "needs --ms"),
        ("--modulation bpsk --mean-snr-db 3 --fading nakagami-m", "needs --m"),
        ("--modulation bpsk --mean-snr-db 3 --fading rician", "needs --k-db"),
        ("--modulation bpsk --mean-snr-db 3 --fading rayleigh --m 2", "--m means nothing with --fading rayleigh"),
        ("--modulation bpsk --mean-snr-db 3 --fading nakagami-m --m 2 --convention unit-mean", "--convention means"),
        ("--modulation bpsk --snr-db 3 --fading rayleigh", "--fading means nothing with --snr-db"),
        ("--modulation bpsk --mean-snr-db 3 --fading fisher-snedecor --m 2 --ms 1", "ms must be above 1"),
        ("--modulation bpsk --mean-snr-db nan --fading rayleigh", "finite"),
        ("--modulation bpsk --target-bep 0.6 --fading rayleigh", "between 0 and 0.5"),
    ];
    for (line, expected) in table {
        let error = answer(line).expect_err(line);
        assert!(error.to_string().contains(expected), "{line}: {error}");
        assert!(error.help().is_some(), "{line}: an error says how to mend it");
    }
}

#[test]
fn names_are_those_of_the_scenario_file() {
    for modulation in Modulation::ALL {
        assert!(answer(&format!("--snr-db 1 --modulation {}", modulation.name())).is_ok());
    }
    let names: Vec<_> = FadingName::value_variants()
        .iter()
        .map(|name| name.to_possible_value().expect("no name is hidden").get_name().to_owned())
        .collect();
    assert_eq!(names, ["none", "rayleigh", "rician", "nakagami-m", "fisher-snedecor"]);
}
