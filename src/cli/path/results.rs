//! The results folder of `latentlink path`: table, column dictionary, figures, manifest.

use std::path::PathBuf;

use serde::Serialize;

use super::figures;
use super::findings::PathFindings;
use crate::diffusion::path_analysis::distances::sphere_radius;
use crate::error::Error;
use crate::experiment::results_folder::ResultsFolder;
use crate::report::manifest::{Host, ModelPack, WrittenFile, utc_timestamp};
use crate::report::{Cell, Column, ReportError, Table};

/// File of a picture below the results folder.
pub(super) fn picture_file(replication: u32, t_off: u32) -> String {
    format!("images/replication-{replication:03}_t_off-{t_off:04}.png")
}

/// `manifest.json`: what made these results, and the two numbers that belong to no row. All that differs between two equal
/// runs is in `run`.
#[derive(Debug, Serialize)]
struct PathManifest {
    latentlink_version: &'static str,
    command: &'static str,
    prompt_a: String,
    prompt_b: String,
    seed: u64,
    replications: u32,
    sampler: &'static str,
    steps: u32,
    guidance: f64,
    models: Vec<ModelPack>,
    onnx_runtime_version: String,
    execution_provider: &'static str,
    /// (14), mean over the replications.
    semantic_distance: Option<f64>,
    semantic_distance_half_width_95: Option<f64>,
    /// Cosine similarity of the prompts' embeddings.
    cosine_similarity: f64,
    /// D √(2 (1 − cos)).
    text_distance: f64,
    /// D.
    text_distance_radius: f64,
    unet_evaluations: u64,
    unet_evaluations_unshared: u64,
    files: Vec<WrittenFile>,
    run: Run,
}

/// When, where and how fast.
#[derive(Debug, Serialize)]
struct Run {
    started_utc: String,
    wall_time_s: f64,
    threads: usize,
    onnx_runtime_origin: &'static str,
    host: Host,
}

/// Writes everything but the pictures, which are there. Returns the figures' PNG files below the folder.
///
/// # Errors
/// A file that cannot be written.
pub(super) fn write(findings: &PathFindings<'_>, folder: &ResultsFolder) -> Result<Vec<String>, Error> {
    let table = table(findings)?;
    table.write_csv(&folder.draft().join("path.csv"))?;
    folder.write("columns.md", format!("# path.csv\n\n{}", table.describe()).as_bytes())?;
    let figures = figures::write(findings, folder.draft())?;
    let mut files: Vec<String> = vec!["path.csv".to_owned(), "columns.md".to_owned()];
    for figure in &figures {
        files.extend([figure.clone(), figure.replace(".png", ".csv")]);
    }
    files.extend(table.rows().iter().filter_map(|row| match &row[PICTURE_COLUMN] {
        Cell::Text(file) => Some(file.to_string()),
        _ => None,
    }));
    files.sort();
    let files = files.iter().map(|file| WrittenFile::of(folder.draft(), &PathBuf::from(file)));
    let manifest = manifest(findings, files.collect::<Result<_, _>>()?);
    let json = serde_json::to_string_pretty(&manifest).expect("a manifest has string keys and finite numbers only");
    folder.write("manifest.json", (json + "\n").as_bytes())?;
    Ok(figures)
}

fn manifest(findings: &PathFindings<'_>, files: Vec<WrittenFile>) -> PathManifest {
    let settings = findings.settings;
    let semantic_distance = findings.semantic_distance();
    PathManifest {
        latentlink_version: env!("CARGO_PKG_VERSION"),
        command: "path",
        prompt_a: settings.user_prompt.clone(),
        prompt_b: settings.server_prompt.clone(),
        seed: settings.seed,
        replications: settings.replications.get(),
        sampler: findings.sampler,
        steps: settings.steps,
        guidance: settings.guidance,
        models: vec![ModelPack {
            role: "diffusion".to_owned(),
            name: findings.pack.name(),
            digest: findings.pack.digest().iter().map(|byte| format!("{byte:02x}")).collect(),
        }],
        onnx_runtime_version: findings.runtime.version.clone(),
        execution_provider: findings.provider.name(),
        semantic_distance: semantic_distance.map(|summary| summary.mean),
        semantic_distance_half_width_95: semantic_distance.and_then(|summary| summary.half_width_95),
        cosine_similarity: findings.cosine,
        text_distance: findings.text_distance(),
        text_distance_radius: sphere_radius(findings.latent_values()),
        unet_evaluations: findings.plan.unet_evaluations(),
        unet_evaluations_unshared: findings.plan.unet_evaluations_unshared(),
        files,
        run: Run {
            started_utc: utc_timestamp(findings.started),
            wall_time_s: findings.wall_time_s,
            threads: findings.threads,
            onnx_runtime_origin: findings.runtime.library.origin.name(),
            host: Host::of_this_machine(),
        },
    }
}

const COLUMNS: &[(&str, &str)] = &[
    ("replication", "number of the start latent"),
    ("t0", "steps under B before the switch, N − t_off"),
    ("t_off", "steps under A after the switch; 0: never switched, the path of B; N: never under B, the path of A"),
    (
        "timestep",
        "what the denoiser is told in the first step after the switch, of the timesteps of training; blank at the end",
    ),
    (
        "alpha_bar",
        "share of signal in the variance of the latent at the switch: 0 at the start, which is pure noise, then where the \
         step that made the latent leads",
    ),
    (
        "kl_divergence",
        "(15) at the switch [nat], γ d² / 2 with γ = alpha_bar / (1 − alpha_bar) and d the semantic distance; 0 at pure noise, \
         blank at t_off 0, where it has no bound",
    ),
    ("semantic_distance", "(14), distance of the ends of the paths of A and B; the same in every row of a replication"),
    ("remaining_own_distance", "(16), distance from the latent at the switch to the end of the path of B"),
    ("remaining_switched_distance", "(17), distance from the latent at the switch to the end of the path of A"),
    ("inequality_slack", "(14) − |(17) − (16)|, at least 0 up to rounding by the triangle inequality"),
    ("switched_latent_distance", "distance from the end of the switched path to the end of the path of A"),
    ("mse", "mean squared error of the switched path's picture against that of the path of A, values in [0, 1]"),
    ("psnr_db", "peak signal-to-noise ratio against the same picture [dB]; `inf` for equal pictures"),
    ("ssim", "structural similarity to the same picture"),
    ("picture", "file of the picture; blank where there is none"),
    ("picture_status", "`ok`, or why the picture failed"),
];

/// Position of `picture` in [`COLUMNS`].
const PICTURE_COLUMN: usize = 14;

/// One row per replication and switch, in the order in which a path goes.
fn table(findings: &PathFindings<'_>) -> Result<Table, ReportError> {
    let mut table = Table::new(COLUMNS.iter().map(|(name, meaning)| Column::new(*name, *meaning)).collect())?;
    for (replication, measured) in (0_u32..).zip(findings.replications) {
        let d = measured.semantic_distance;
        for (t0, (point, switch)) in findings.plan.points().iter().zip(&measured.switches).enumerate() {
            let picture = switch.failure.is_none().then(|| picture_file(replication, switch.t_off));
            table.push(vec![
                replication.into(),
                t0.into(),
                switch.t_off.into(),
                point.timestep.into(),
                point.alpha_bar.into(),
                d.and_then(|d| point.kl_divergence(d)).into(),
                d.into(),
                switch.remaining_own_distance.into(),
                switch.remaining_switched_distance.into(),
                switch.inequality_slack.into(),
                switch.switched_latent_distance.into(),
                switch.metrics.map(|metrics| metrics.mse).into(),
                switch.metrics.map(|metrics| metrics.psnr_db).into(),
                switch.metrics.map(|metrics| metrics.ssim).into(),
                picture.into(),
                switch.failure.map_or("ok", |failure| failure.name()).into(),
            ])?;
        }
    }
    Ok(table)
}
