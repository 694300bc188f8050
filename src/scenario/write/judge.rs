//! `[judge]`, `[population]` and personas as TOML.

use std::path::Path;

use super::{float, line, list, table, word};
use crate::judge::{NamedPersona, Readout, Spread};
use crate::scenario::check::POPULATION;
use crate::scenario::settings::{
    EndpointSettings, JudgeKind, JudgeSettings, PersonaSettings, PopulationSettings, SimilaritySettings, VlmSettings,
};
use crate::scenario::tree::quote;
use crate::scenario::words::{MODEL_DTYPES, READOUTS};

/// A device's user.
pub(super) fn user(persona: &PersonaSettings) -> String {
    match persona {
        PersonaSettings::Population => quote(POPULATION),
        PersonaSettings::Given(persona) => given(persona),
    }
}

/// By name, unless the name is made of the traits.
fn given(persona: &NamedPersona) -> String {
    if *persona == NamedPersona::of_traits(persona.persona) {
        numbers(&persona.persona.traits())
    } else {
        quote(&persona.name)
    }
}

fn numbers(numbers: &[f64; 5]) -> String {
    list(numbers.iter().copied().map(float))
}

pub(super) fn population(text: &mut String, settings: Option<&PopulationSettings>) {
    let Some(settings) = settings else {
        return;
    };
    table(text, "[population]");
    match settings {
        PopulationSettings::Normal(population) => {
            line(text, "kind", quote("normal"));
            line(text, "mean", numbers(&population.mean()));
            match population.spread() {
                Spread::StandardDeviation(deviations) => line(text, "standard_deviation", numbers(deviations)),
                Spread::Covariance(rows) => line(text, "covariance", list(rows.iter().map(numbers))),
            }
        }
        PopulationSettings::Uniform => line(text, "kind", quote("uniform")),
        PopulationSettings::File { file, .. } => {
            line(text, "kind", quote("file"));
            line(text, "file", quote(&file.to_string_lossy()));
        }
    }
}

/// Only the keys that the kind has: the reader refuses others.
pub(super) fn judge(text: &mut String, settings: &JudgeSettings) {
    table(text, "[judge]");
    match &settings.kind {
        JudgeKind::None => {
            line(text, "kind", quote("none"));
            return;
        }
        JudgeKind::Surface(surface) => {
            line(text, "kind", quote("surface"));
            match surface.similarity {
                Some(SimilaritySettings::Given(similarity)) => line(text, "similarity", float(similarity)),
                Some(SimilaritySettings::Drawn { low, high }) => {
                    line(text, "similarity", list([low, high].into_iter().map(float)));
                }
                None => {}
            }
            line(text, "noise", surface.noise);
            if let Some(measured) = &surface.measured {
                line(text, "file", quote(&measured.file.to_string_lossy()));
            }
        }
        JudgeKind::Vlm(vlm) => self::vlm(text, vlm),
        JudgeKind::Endpoint(endpoint) => self::endpoint(text, endpoint),
    }
    line(text, "qoe_threshold", float(settings.qoe_threshold));
    line(text, "panel", list(settings.panel.iter().map(given)));
    line(text, "answers_per_picture", settings.answers_per_picture);
    line(text, "write_answers", settings.write_answers);
}

fn vlm(text: &mut String, settings: &VlmSettings) {
    line(text, "kind", quote("vlm"));
    line(text, "pack", quote(&settings.pack.to_string_lossy()));
    if let Some(dtype) = settings.dtype {
        word(text, "dtype", MODEL_DTYPES, dtype);
    }
    let VlmSettings { template, readout, temperature, max_new_tokens, retries, .. } = settings;
    asked(text, template.as_deref(), *readout, (*temperature, *max_new_tokens, *retries));
}

/// Never the key: it is in no settings.
fn endpoint(text: &mut String, settings: &EndpointSettings) {
    line(text, "kind", quote("endpoint"));
    line(text, "base_url", quote(settings.base_url.as_str()));
    line(text, "model", quote(&settings.model));
    if let Some(variable) = &settings.api_key_env {
        line(text, "api_key_env", quote(variable));
    }
    let EndpointSettings { template, readout, temperature, max_new_tokens, retries, .. } = settings;
    asked(text, template.as_deref(), *readout, (*temperature, *max_new_tokens, *retries));
    line(text, "timeout_s", float(settings.timeout_s));
    line(text, "request_retries", settings.request_retries);
    line(text, "concurrency", settings.concurrency);
}

/// What is asked of a model, wherever it is.
fn asked(
    text: &mut String,
    template: Option<&Path>,
    readout: Readout,
    (temperature, max_new_tokens, retries): (f64, u32, u32),
) {
    if let Some(template) = template {
        line(text, "template", quote(&template.to_string_lossy()));
    }
    word(text, "readout", READOUTS, readout);
    if readout != Readout::Expectation {
        line(text, "max_new_tokens", max_new_tokens);
    }
    if readout == Readout::Sample {
        line(text, "temperature", float(temperature));
        line(text, "retries", retries);
    }
}
