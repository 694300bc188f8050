//! A checked scenario back as TOML, with every default filled in.

mod demand;
mod device;
mod figure;
mod judge;
mod network;
mod policy;
mod radio;
mod study;
mod train;

use std::fmt::{Display, Write};

use super::check::{described_cache, keys_of_policy};
use super::file::ScenarioFile;
use super::path::resolve;
use super::settings::{CacheSettings, DiffusionSettings, PolicyKind, PolicySettings, Scenario, ServerSettings};
use super::tree::{Data, Table, Value, quote};
use super::words::{
    ADMISSIONS, CODECS, EXECUTION_PROVIDERS, EXECUTIONS, HISTORIES, PICTURE_REFERENCES, QUEUES, SANITIZES, SPLITS,
    Words, word_for,
};
use crate::diffusion::{History, Sampler};
use crate::radio::linear_to_db;

pub(super) use study::{identity, study};

impl Scenario {
    /// The scenario as a file with every default filled in, which reads back to an equal one.
    ///
    /// Figures name swept fields, so these come along in a `[sweep]` of one value each.
    pub fn to_toml(&self) -> String {
        let mut text = scenario(self, &AsWritten::of_scenario(self));
        let axes = self.swept_values(&text);
        if !axes.is_empty() {
            text.push_str("\n[sweep]\n");
            for (path, value) in axes {
                line(&mut text, &quote(&path), format!("[{value}]"));
            }
        }
        text
    }

    /// The swept fields that figures name with their values in this scenario, whose TOML is `text`.
    fn swept_values(&self, text: &str) -> Vec<(String, String)> {
        let file = ScenarioFile::from_str(text, "resolved").expect("what is written here is TOML");
        let mut axes: Vec<(String, String)> = Vec::new();
        for figure in &self.figures {
            for path in figure.swept_fields() {
                let Ok(field) = resolve(path, file.root()) else {
                    continue;
                };
                let value = match field.get(file.root()) {
                    Some(value) => value.to_string(),
                    None if field.field.key == "tx_power_dbw" => match self.powers_in_dbw(field.device()) {
                        Some(powers) => powers,
                        None => continue,
                    },
                    None => continue,
                };
                if axes.iter().all(|(known, _)| known != path) {
                    axes.push((path.clone(), value));
                }
            }
        }
        axes
    }

    /// Transmit powers to the nearest 10⁻⁹ dB, where a figure sweeps them in dBW: of one [[device]] table, or all. `None` where
    /// the policy has no such powers.
    fn powers_in_dbw(&self, table: Option<usize>) -> Option<String> {
        let PolicySettings::Fixed(policy) = &self.policy else { return None };
        let in_dbw = |watts: &f64| float((linear_to_db(*watts) * 1e9).round() / 1e9);
        let firsts = self.devices.iter().zip(&policy.tx_power_w).filter(|(device, _)| device.member == 0);
        let powers: Vec<String> = firsts.map(|(_, watts)| in_dbw(watts)).collect();
        Some(match table {
            Some(table) => powers[table].clone(),
            None => list(powers.into_iter()),
        })
    }
}

/// What a file says beyond its scenario.
struct AsWritten {
    /// Transmit powers in dBW, one per [[device]] table, where the file gives them so.
    powers_dbw: Option<Vec<f64>>,
    /// The cache that the file describes, switched on or not.
    cache: CacheSettings,
    /// Keys of other kinds of policy, with their values: a study that sweeps the kind needs them at its other points.
    other_policies: Vec<(String, String)>,
}

impl AsWritten {
    /// Of the tree from which the scenario was read.
    fn of(root: &Table, scenario: &Scenario) -> Self {
        Self {
            powers_dbw: powers_dbw(root, device::firsts(&scenario.devices).count()),
            cache: described_cache(root, scenario.diffusion.steps),
            other_policies: other_policies(root, scenario.policy.kind()),
        }
    }

    /// Of a scenario whose file is not known.
    fn of_scenario(scenario: &Scenario) -> Self {
        let usual = || described_cache(&Table::default(), scenario.diffusion.steps);
        Self { powers_dbw: None, cache: scenario.cache.clone().unwrap_or_else(usual), other_policies: Vec::new() }
    }
}

/// The powers in dBW that a tree gives, one per [[device]] table; `None` where it gives watts or nothing.
fn powers_dbw(root: &Table, tables: usize) -> Option<Vec<f64>> {
    let number = |value: &Value| match value.data {
        Data::Integer(number) => Some(number as f64),
        Data::Float(number) => Some(number),
        _ => None,
    };
    let Data::Table(policy) = &root.get("policy")?.data else {
        return None;
    };
    let power = policy.get("tx_power_dbw")?;
    match &power.data {
        Data::List(list) => list.iter().map(number).collect(),
        _ => Some(vec![number(power)?; tables]),
    }
}

/// What `[policy]` has besides the keys of a kind, as the file writes it.
fn other_policies(root: &Table, kind: PolicyKind) -> Vec<(String, String)> {
    let Some(Value { data: Data::Table(policy), .. }) = root.get("policy") else {
        return Vec::new();
    };
    let is_own = |key: &str| key == "kind" || keys_of_policy(kind).contains(&key);
    let others = policy.entries.iter().filter(|entry| !is_own(&entry.key));
    others.map(|entry| (entry.key.clone(), entry.value.to_string())).collect()
}

/// The file of a scenario without `[sweep]`.
fn scenario(scenario: &Scenario, written: &AsWritten) -> String {
    let mut text = String::new();
    study::settings(&mut text, &scenario.study);
    parts(&mut text, scenario, written);
    for settings in &scenario.figures {
        figure::figure(&mut text, settings);
    }
    text
}

/// All that is simulated: everything but `[study]` and figures.
fn parts(text: &mut String, scenario: &Scenario, written: &AsWritten) {
    let has_demand = scenario.demand.is_some();
    table(text, "[models]");
    line(text, "diffusion", quote(&scenario.models.diffusion.to_string_lossy()));
    word(text, "execution_provider", EXECUTION_PROVIDERS, scenario.models.execution_provider);
    line(text, "cuda_device_id", scenario.models.cuda_device_id);
    if let Some(gigabytes) = scenario.models.cuda_memory_limit_gb {
        line(text, "cuda_memory_limit_gb", float(gigabytes));
    }
    line(text, "resident_latents", scenario.models.resident_latents);
    line(text, "cuda_graphs", scenario.models.cuda_graphs);
    if let Some(encoder) = &scenario.models.sentence_encoder {
        line(text, "sentence_encoder", quote(&encoder.to_string_lossy()));
    }

    diffusion(text, &scenario.diffusion);
    server(text, &scenario.server, has_demand);
    radio::radio(text, &scenario.radio, has_demand);
    device::devices(text, &scenario.devices, has_demand);
    judge::population(text, scenario.population.as_ref());
    policy::policy(text, &scenario.policy, &scenario.devices, written.powers_dbw.as_deref());
    written.other_policies.iter().for_each(|(key, value)| line(text, key, value));
    judge::judge(text, &scenario.judge);
    if let Some(settings) = &scenario.demand {
        demand::demand(text, settings);
        network::grouping(text, &scenario.grouping);
        network::cache(text, &written.cache, scenario.cache.is_some());
    }
    network::architecture(text, &scenario.architecture);
    network::cells(text, scenario);
    if has_demand {
        network::mobility(text, &scenario.mobility);
        for fault in &scenario.faults {
            network::fault(text, fault, scenario);
        }
        network::recovery(text, &scenario.recovery);
        network::analysis(text, &scenario.analysis);
    }
    if let Some(settings) = &scenario.train {
        train::train(text, settings);
    }
}

fn server(text: &mut String, settings: &ServerSettings, has_demand: bool) {
    table(text, "[server]");
    if let Some(prompt) = &settings.prompt {
        line(text, "prompt", quote(prompt));
    }
    match &settings.profile {
        Some(profile) => line(text, "profile", quote(&profile.file.to_string_lossy())),
        None => {
            line(text, "step_energy_j", float(settings.step_energy_j));
            line(text, "step_time_s", float(settings.step_time_s));
        }
    }
    optional(text, "energy_budget_j", settings.energy_budget_j);
    if has_demand {
        line(text, "workers", settings.workers);
        line(text, "maximum_batch", settings.maximum_batch);
        word(text, "queue", QUEUES, settings.queue);
        line(text, "queue_capacity", settings.queue_capacity);
        line(text, "step_time_cv", float(settings.step_time_cv));
        word(text, "admission", ADMISSIONS, settings.admission);
    }
}

fn diffusion(text: &mut String, settings: &DiffusionSettings) {
    table(text, "[diffusion]");
    let sampler = match settings.sampler {
        Sampler::Ddim { eta } => format!("{{ kind = \"ddim\", eta = {} }}", float(eta)),
        other => quote(other.name()),
    };
    line(text, "sampler", sampler);
    // The default is left out: a sweep over samplers has points that must not have the key.
    if settings.history != History::default() {
        word(text, "history", HISTORIES, settings.history);
    }
    line(text, "steps", settings.steps);
    word(text, "split", SPLITS, settings.split);
    line(text, "guidance", float(settings.guidance));
    word(text, "codec", CODECS, settings.codec);
    line(text, "latent_range", float(settings.latent_range));
    word(text, "sanitize", SANITIZES, settings.sanitize);
    let references = settings.metrics_against.iter();
    line(text, "metrics_against", list(references.map(|reference| quote(word_for(PICTURE_REFERENCES, *reference)))));
    word(text, "execution", EXECUTIONS, settings.execution);
}

fn table(text: &mut String, header: &str) {
    let blank = if text.is_empty() { "" } else { "\n" };
    line_of(text, format_args!("{blank}{header}"));
}

fn line(text: &mut String, key: &str, value: impl Display) {
    line_of(text, format_args!("{key} = {value}"));
}

fn line_of(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("writing to a string never fails");
}

fn word<T: Copy + PartialEq>(text: &mut String, key: &str, words: Words<T>, value: T) {
    line(text, key, quote(word_for(words, value)));
}

fn optional(text: &mut String, key: &str, value: Option<f64>) {
    if let Some(value) = value {
        line(text, key, float(value));
    }
}

fn optional_count(text: &mut String, key: &str, value: Option<u64>) {
    if let Some(value) = value {
        line(text, key, value);
    }
}

/// The shortest digits that read back to the same number, with a point or an exponent.
fn float(number: f64) -> String {
    format!("{number:?}")
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

fn texts(texts: &[String]) -> String {
    list(texts.iter().map(|text| quote(text)))
}
