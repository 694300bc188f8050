//! A checked scenario back as TOML, with every default filled in.

mod figure;
mod judge;
mod study;

use std::fmt::{Display, Write};

use super::file::ScenarioFile;
use super::path::resolve;
use super::settings::{DeviceSettings, DiffusionSettings, FixedPolicy, PolicySettings, RadioSettings, Scenario};
use super::tree::{Data, Table, Value, quote};
use super::words::{
    CODECS, CONVENTIONS, ERROR_MODELS, EXECUTION_PROVIDERS, EXECUTIONS, MODULATIONS, MULTIPLE_ACCESSES,
    PICTURE_REFERENCES, SANITIZES, SPLITS, Words, word_for,
};
use crate::diffusion::Sampler;
use crate::radio::{Fading, PathLoss, linear_to_db};

pub(super) use study::{identity, study};

impl Scenario {
    /// The scenario as a file with every default filled in, which reads back to an equal one.
    ///
    /// Figures name swept fields, so these come along in a `[sweep]` of one value each.
    pub fn to_toml(&self) -> String {
        let mut text = scenario(self, None);
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
                    None if field.field.key == "tx_power_dbw" => self.powers_in_dbw(field.device()),
                    None => continue,
                };
                if axes.iter().all(|(known, _)| known != path) {
                    axes.push((path.clone(), value));
                }
            }
        }
        axes
    }

    /// Transmit powers to the nearest 10⁻⁹ dB, where a figure sweeps them in dBW: of one device, or all.
    fn powers_in_dbw(&self, device: Option<usize>) -> String {
        let PolicySettings::Fixed(policy) = &self.policy;
        let in_dbw = |watts: &f64| float((linear_to_db(*watts) * 1e9).round() / 1e9);
        match device {
            Some(index) => in_dbw(&policy.tx_power_w[index]),
            None => list(policy.tx_power_w.iter().map(in_dbw)),
        }
    }
}

/// The powers in dBW that a tree gives, one per device; `None` where it gives watts or nothing.
fn powers_dbw(root: &Table, devices: usize) -> Option<Vec<f64>> {
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
        _ => Some(vec![number(power)?; devices]),
    }
}

/// The file of a scenario without `[sweep]`; powers in dBW where they are given so.
fn scenario(scenario: &Scenario, powers_dbw: Option<&[f64]>) -> String {
    let mut text = String::new();
    study::settings(&mut text, &scenario.study);
    parts(&mut text, scenario, powers_dbw);
    for settings in &scenario.figures {
        figure::figure(&mut text, settings);
    }
    text
}

/// All that is simulated: everything but `[study]` and figures.
fn parts(text: &mut String, scenario: &Scenario, powers_dbw: Option<&[f64]>) {
    table(text, "[models]");
    line(text, "diffusion", quote(&scenario.models.diffusion.to_string_lossy()));
    word(text, "execution_provider", EXECUTION_PROVIDERS, scenario.models.execution_provider);

    diffusion(text, &scenario.diffusion);

    table(text, "[server]");
    if let Some(prompt) = &scenario.server.prompt {
        line(text, "prompt", quote(prompt));
    }
    line(text, "step_energy_j", float(scenario.server.step_energy_j));
    line(text, "step_time_s", float(scenario.server.step_time_s));
    optional(text, "energy_budget_j", scenario.server.energy_budget_j);

    radio(text, &scenario.radio);
    for settings in &scenario.devices {
        device(text, settings);
    }
    judge::population(text, scenario.population.as_ref());
    match &scenario.policy {
        PolicySettings::Fixed(fixed) => fixed_policy(text, fixed, powers_dbw),
    }
    judge::judge(text, &scenario.judge);
}

fn diffusion(text: &mut String, settings: &DiffusionSettings) {
    table(text, "[diffusion]");
    let sampler = match settings.sampler {
        Sampler::Ddim { eta } => format!("{{ kind = \"ddim\", eta = {} }}", float(eta)),
        Sampler::Ddpm => quote("ddpm"),
        Sampler::Euler => quote("euler"),
    };
    line(text, "sampler", sampler);
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

fn radio(text: &mut String, settings: &RadioSettings) {
    table(text, "[radio]");
    line(text, "carrier_hz", float(settings.carrier_hz));
    line(text, "bandwidth_hz", float(settings.bandwidth_hz));
    line(text, "noise_figure_db", float(settings.noise_figure_db));
    line(text, "path_loss", path_loss(settings.path_loss));
    line(text, "base_station_height_m", float(settings.base_station_height_m));
    line(text, "device_height_m", float(settings.device_height_m));
    line(text, "fading", fading(settings.fading));
    word(text, "modulation", MODULATIONS, settings.modulation);
    word(text, "error_model", ERROR_MODELS, settings.error_model);
    word(text, "multiple_access", MULTIPLE_ACCESSES, settings.multiple_access);
    line(text, "efficiency", float(settings.efficiency));
    line(text, "header_bits", settings.header_bits);
    optional(text, "energy_per_watt_j", settings.energy_per_watt_j);
    line(text, "amplifier_efficiency", float(settings.amplifier_efficiency));
    optional(text, "bit_error_probability", settings.bit_error_probability);
}

fn path_loss(path_loss: PathLoss) -> String {
    match path_loss {
        PathLoss::UmaNlos => quote("uma-nlos"),
        PathLoss::UmaLos => quote("uma-los"),
        PathLoss::UmiNlos => quote("umi-nlos"),
        PathLoss::UmiLos => quote("umi-los"),
        PathLoss::LogDistance { exponent, reference_distance_m, reference_loss_db } => format!(
            "{{ kind = \"log-distance\", exponent = {}, reference_distance_m = {}, reference_loss_db = {} }}",
            float(exponent),
            float(reference_distance_m),
            float(reference_loss_db)
        ),
        PathLoss::FixedGain { gain_db } => {
            format!("{{ kind = \"fixed-gain\", gain_db = {} }}", float(gain_db))
        }
    }
}

fn fading(fading: Fading) -> String {
    match fading {
        Fading::None => quote("none"),
        Fading::Rayleigh => quote("rayleigh"),
        Fading::Rician { k_db } => format!("{{ kind = \"rician\", k_db = {} }}", float(k_db)),
        Fading::NakagamiM { m } => format!("{{ kind = \"nakagami-m\", m = {} }}", float(m)),
        Fading::FisherSnedecor { m, ms, convention } => format!(
            "{{ kind = \"fisher-snedecor\", m = {}, ms = {}, convention = {} }}",
            float(m),
            float(ms),
            quote(word_for(CONVENTIONS, convention))
        ),
    }
}

fn device(text: &mut String, settings: &DeviceSettings) {
    table(text, "[[device]]");
    line(text, "name", quote(&settings.name));
    line(text, "prompt", quote(&settings.prompt));
    line(text, "persona", judge::user(&settings.persona));
    line(text, "distance_m", float(settings.distance_m));
    line(text, "step_energy_j", float(settings.step_energy_j));
    line(text, "step_time_s", float(settings.step_time_s));
    line(text, "decode_energy_j", float(settings.decode_energy_j));
    line(text, "decode_time_s", float(settings.decode_time_s));
    line(text, "receive_power_w", float(settings.receive_power_w));
    optional(text, "energy_budget_j", settings.energy_budget_j);
}

fn fixed_policy(text: &mut String, policy: &FixedPolicy, powers_dbw: Option<&[f64]>) {
    table(text, "[policy]");
    line(text, "kind", quote("fixed"));
    line(text, "t0", policy.t0);
    line(text, "tk", list(policy.tk.iter().map(u32::to_string)));
    match powers_dbw {
        Some(powers) => line(text, "tx_power_dbw", list(powers.iter().copied().map(float))),
        None => line(text, "tx_power_w", list(policy.tx_power_w.iter().copied().map(float))),
    }
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

/// The shortest digits that read back to the same number, with a point or an exponent.
fn float(number: f64) -> String {
    format!("{number:?}")
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}
