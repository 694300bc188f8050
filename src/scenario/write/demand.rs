//! `[demand]`

use super::{float, line, list, optional, optional_count, quote, table, texts, word};
use crate::scenario::settings::{ArrivalStream, Arrivals, DemandSettings, Patience, PromptChoice};
use crate::scenario::words::{START_LATENTS, STREAMS};

pub(super) fn demand(text: &mut String, settings: &DemandSettings) {
    table(text, "[demand]");
    line(text, "arrivals", arrivals(&settings.arrivals));
    // Keys that some kinds refuse are written where they say something: a sweep may lead from one kind to another.
    if settings.stream == ArrivalStream::Device && !matches!(settings.arrivals, Arrivals::ClosedLoop { .. }) {
        word(text, "stream", STREAMS, settings.stream);
    }
    optional_count(text, "requests", settings.requests);
    optional(text, "duration_s", settings.duration_s);
    line(text, "prompts", prompts(&settings.prompts));
    if settings.zipf_exponent != 0.0 {
        line(text, "zipf_exponent", float(settings.zipf_exponent));
    }
    word(text, "start_latent", START_LATENTS, settings.start_latent);
    optional(text, "deadline_s", settings.deadline_s);
    match settings.patience {
        None => {}
        Some(Patience::Fixed { time_s }) => {
            line(text, "patience", format!("{{ kind = \"fixed\", time_s = {} }}", float(time_s)));
        }
        Some(Patience::Exponential { mean_s }) => {
            line(text, "patience", format!("{{ kind = \"exponential\", mean_s = {} }}", float(mean_s)));
        }
    }
    line(text, "retries", settings.retries);
    line(text, "retry_delay_s", float(settings.retry_delay_s));
}

fn arrivals(arrivals: &Arrivals) -> String {
    let pair = |numbers: &[f64; 2]| list(numbers.iter().copied().map(float));
    match arrivals {
        Arrivals::Poisson { rate_hz } => format!("{{ kind = \"poisson\", rate_hz = {} }}", float(*rate_hz)),
        Arrivals::Gamma { rate_hz, coefficient_of_variation } => format!(
            "{{ kind = \"gamma\", rate_hz = {}, coefficient_of_variation = {} }}",
            float(*rate_hz),
            float(*coefficient_of_variation)
        ),
        Arrivals::Mmpp { rates_hz, sojourns_s } => {
            format!("{{ kind = \"mmpp\", rates_hz = {}, sojourns_s = {} }}", pair(rates_hz), pair(sojourns_s))
        }
        Arrivals::Deterministic { interval_s } => {
            format!("{{ kind = \"deterministic\", interval_s = {} }}", float(*interval_s))
        }
        Arrivals::ClosedLoop { think_time_s } => {
            format!("{{ kind = \"closed-loop\", think_time_s = {} }}", float(*think_time_s))
        }
        Arrivals::Trace { file, .. } => {
            format!("{{ kind = \"trace\", file = {} }}", quote(&file.to_string_lossy()))
        }
    }
}

fn prompts(prompts: &PromptChoice) -> String {
    match prompts {
        PromptChoice::Own => quote("own"),
        PromptChoice::List { prompts } => format!("{{ kind = \"list\", prompts = {} }}", texts(prompts)),
        PromptChoice::File { file, .. } => format!("{{ kind = \"file\", file = {} }}", quote(&file.to_string_lossy())),
        PromptChoice::Grammar { objects, templates } => {
            format!("{{ kind = \"grammar\", objects = {}, templates = {} }}", texts(objects), texts(templates))
        }
    }
}
