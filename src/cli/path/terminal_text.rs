//! The last words of `latentlink path`.

use std::path::Path;

use super::findings::PathFindings;
use crate::cli::run_report::counted;
use crate::experiment::statistics::Summary;

/// A short table, the distance of the ends, and where the files are.
pub(super) fn terminal_text(findings: &PathFindings<'_>, place: &Path, figures: &[String]) -> String {
    let settings = findings.settings;
    let mut lines = vec![
        format!("A \"{}\", begun as B \"{}\"", settings.user_prompt, settings.server_prompt),
        format!(
            "{} of {} each from {}, on the {} with {}: {} UNet evaluations ({} if no path shared any)",
            counted(findings.plan.points().len() as u64, "path"),
            counted(u64::from(settings.steps), "step"),
            counted(u64::from(settings.replications.get()), "start latent"),
            findings.provider.name(),
            counted(findings.threads as u64, "worker"),
            findings.plan.unet_evaluations(),
            findings.plan.unet_evaluations_unshared(),
        ),
        String::new(),
        format!("{:>5}  {:>12}  {:>13}  {:>10}  {:>6}", "t_off", "(16) to B(0)", "(17) to A(0)", "(15) KL", "SSIM"),
    ];
    for (at, point) in findings.plan.points().iter().enumerate() {
        lines.push(format!(
            "{:>5}  {:>12}  {:>13}  {:>10}  {:>6}",
            point.t_off,
            mean(findings.observed(at, |switch| switch.remaining_own_distance)),
            mean(findings.observed(at, |switch| switch.remaining_switched_distance)),
            mean(findings.kl_divergences(at)),
            mean(findings.observed(at, |switch| switch.metrics.map(|metrics| metrics.ssim))),
        ));
    }
    lines.push(String::new());
    lines.push(format!(
        "(14) distance of A(0) and B(0): {}; from the text embeddings alone {:.3} (cosine similarity {:.4})",
        with_interval(findings.semantic_distance()),
        findings.text_distance(),
        findings.cosine
    ));
    let failed = findings.replications.iter().flat_map(|one| &one.switches).filter(|switch| switch.failure.is_some());
    let failed = failed.count() as u64;
    if failed > 0 {
        lines.push(format!("{} failed: path.csv, column picture_status", counted(failed, "picture")));
    }
    lines.push("look at".to_owned());
    let files = figures.iter().map(String::as_str).chain(["path.csv", "columns.md", "images"]);
    lines.extend(files.map(|file| format!("  {}", place.join(file).display())));
    lines.join("\n") + "\n"
}

/// The mean, a dash where there is none. Decimals that say nothing beside hundreds are left out.
fn mean(observations: Vec<f64>) -> String {
    match Summary::of(observations) {
        Ok(summary) if summary.mean.abs() >= 100.0 => format!("{:.0}", summary.mean),
        Ok(summary) => format!("{:.3}", summary.mean),
        Err(_) => "–".to_owned(),
    }
}

fn with_interval(summary: Option<Summary>) -> String {
    match summary {
        None => "–".to_owned(),
        Some(Summary { mean, half_width_95: None, .. }) => format!("{mean:.3}"),
        Some(Summary { mean, half_width_95: Some(half_width), n, .. }) => {
            format!("{mean:.3} ± {half_width:.3} (95 %, n = {n})")
        }
    }
}
