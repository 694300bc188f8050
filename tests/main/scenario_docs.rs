//! `docs/scenario.md` says what the reader does.

use std::collections::HashMap;

use latentlink::scenario::{ScenarioFile, known_fields};

/// The cells of the row for each (table, key) in the reference.
fn rows() -> HashMap<(String, String), Vec<String>> {
    let path = format!("{}/docs/scenario.md", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("the reference is there");
    let mut table = String::new();
    let mut rows = HashMap::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            table = title.trim_matches(['`', '[', ']']).to_owned();
        }
        let cells: Vec<String> = line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
        if line.starts_with("| `") && cells.len() == 6 {
            rows.insert((table.clone(), cells[0].trim_matches('`').to_owned()), cells);
        }
    }
    rows
}

#[test]
fn every_known_field_has_its_row_and_every_row_its_field() {
    let rows = rows();
    let known: Vec<(String, String)> = known_fields().into_iter().map(|(table, key)| (table.to_owned(), key)).collect();
    for field in &known {
        assert!(rows.contains_key(field), "docs/scenario.md has no row for {field:?}");
    }
    for field in rows.keys() {
        assert!(known.contains(field), "docs/scenario.md describes {field:?}, which no scenario may have");
    }
}

const SHORTEST: &str = "[[device]]\nprompt = \"a dog\"\n[policy]\nt0 = 4\ntk = 6\n[sweep]\n\"study.seed\" = [41]\n\
                        [[figure]]\nkind = \"image_grid\"\nx = \"study.seed\"\n";

/// The tables that a round does not have, as short as can be.
const IN_TIME: &str = "[demand]\narrivals = { kind = \"poisson\", rate_hz = 1.0 }\nrequests = 9\n[cache]\n[mobility]\n\
                       [[fault]]\nkind = \"server-outage\"\nat_s = [1.0]\nduration_s = 1.0\n";

fn resolved(text: &str) -> toml::Table {
    let file = ScenarioFile::from_str(text, "shortest.toml").expect("TOML");
    file.resolved_toml().unwrap_or_else(|error| panic!("{error:#}")).parse().expect("TOML")
}

fn value<'r>(resolved: &'r toml::Table, table: &str, key: &str) -> Option<&'r toml::Value> {
    match resolved.get(table)? {
        toml::Value::Array(entries) => entries[0].get(key),
        value => value.get(key),
    }
}

#[test]
fn the_defaults_in_the_reference_are_those_of_the_shortest_scenario() {
    let round = resolved(SHORTEST);
    let in_time = resolved(&format!("{SHORTEST}{IN_TIME}"));
    let trained = resolved(&format!("server.energy_budget_j = 9.0\n[train]\n{SHORTEST}"));
    let mut compared = 0;
    for ((table, key), cells) in rows() {
        let default = cells[3].as_str();
        let others =
            || value(&in_time, &table, &key).or_else(|| value(&trained, &table, &key).filter(|_| table == "train"));
        let value = value(&round, &table, &key).or_else(others);
        match default.strip_prefix('`') {
            // left out: no value stands in the resolved file
            None if default == "–" => {
                assert!(value.is_none(), "{table}.{key} has a default, {value:?}")
            }
            None => {}
            // keys inside a choice are part of the choice's own default; the power is rounded
            Some(_) if key.contains('.') => {}
            Some(_) if key == "tx_power_w" => {
                let watts = value.and_then(|list| list[0].as_float()).expect("a power");
                assert_eq!(format!("`{watts:.1}`"), default);
            }
            Some(_) => {
                let document: toml::Table = format!("x = {}", default.trim_matches('`')).parse().expect("TOML");
                assert_eq!(value, document.get("x"), "{table}.{key}");
                compared += 1;
            }
        }
    }
    assert!(compared > 60, "only {compared} defaults were compared");
}

/// The example of a network in time.
#[test]
fn the_scenarios_in_the_reference_pass_their_check() {
    let path = format!("{}/docs/scenario.md", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("the reference is there");
    let blocks = text.split("```toml\n").skip(1).filter_map(|block| block.split("```").next());
    let whole: Vec<&str> = blocks.filter(|block| block.contains("[[device]]") && block.contains("[policy]")).collect();
    assert_eq!(whole.len(), 2, "the shortest scenario, and one in time");
    for text in whole {
        let file = ScenarioFile::from_str(text, "example.toml").expect("TOML");
        file.points().unwrap_or_else(|error| panic!("{error:#}\n{text}"));
    }
}
