//! `latentlink surface`: a measured surface from the scores of finished studies.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::progress::Progress;
use super::run_report::counted;
use super::standard_output;
use crate::error::Error;
use crate::experiment::surface_samples::{PromptRelation, SampledStudy, SurfaceSamples, gather};
use crate::judge::measured_surface::file::{SurfaceFileError, to_csv};
use crate::judge::measured_surface::leave_one_out::{LeaveOneOut, PredictionError};
use crate::judge::measured_surface::{MeasuredSurface, SurfaceFault};
use crate::report::durable_file::write_durably;

/// Make a measured surface of the scores of finished studies, for judge.kind = "surface" with judge.file.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  latentlink run scenarios/learning/measured_surface.toml
  latentlink surface results/measured_surface --out measured.csv      the cells; measured.json says of what, and how good
  latentlink run my.toml --set judge.kind=surface --set judge.file=measured.csv

docs/learning.md says how it is made.")]
pub struct SurfaceArgs {
    /// Results folders of studies that swept policy.t0, policy.tk and radio.bit_error_probability against each other.
    #[arg(required = true, value_name = "RESULTS")]
    pub results: Vec<PathBuf>,
    /// File of the surface; a .json of the same name is written beside it.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Replace a surface that is there.
    #[arg(long)]
    pub force: bool,
}

/// The file beside: what the surface is made of, and how far it is from what was left out.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct SurfaceManifest<'a> {
    latentlink_version: &'static str,
    studies: &'a [SampledStudy],
    relations: &'a [PromptRelation],
    personas: Vec<&'a str>,
    similarities: &'a [f64],
    t0: &'a [f64],
    tk: &'a [f64],
    bit_error_probabilities: &'a [f64],
    cells: usize,
    scores: u64,
    /// Left out: answers without a score, and pictures that shared no steps.
    failed_scores: u64,
    unshared_scores: u64,
    /// Fewest pictures of a cell.
    least_pictures: u32,
    /// Of a cell's mean, on average over the cells; `null` where a cell has one picture.
    mean_standard_error: Option<f64>,
    /// Each value predicted from its neighbours, each persona from the others.
    leave_one_out: LeaveOneOut,
}

/// Makes the surface.
///
/// # Errors
/// What [`gather`] says; [`Error::Surface`] where the grid of all studies together is not whole; files that cannot be written.
pub fn surface(args: &SurfaceArgs) -> Result<(), Error> {
    if args.out.extension().is_none_or(|extension| extension != "csv") {
        return Err(Error::Usage {
            message: format!("--out {} does not end in .csv", args.out.display()),
            help: "name a CSV file, say measured.csv; measured.json is written beside it".to_owned(),
        });
    }
    if args.out.exists() && !args.force {
        return Err(Error::Usage {
            message: format!("{} is there already", args.out.display()),
            help: "give --force to replace it, or name another file".to_owned(),
        });
    }
    let progress = Progress::new();
    let samples = gather(&args.results, &progress);
    progress.finish();
    let samples = samples?;
    let surface = MeasuredSurface::new(&samples.rows).map_err(|fault| {
        Error::from(match fault {
            SurfaceFault::Nothing => SurfaceFileError::Nothing { path: args.out.clone() },
            SurfaceFault::Missing { cell } | SurfaceFault::Twice { cell, .. } => {
                SurfaceFileError::Missing { path: args.out.clone(), cell }
            }
        })
    })?;
    let manifest = manifest(&samples, &surface);
    write_durably(&args.out, to_csv(&samples.rows).as_bytes())?;
    let json = serde_json::to_string_pretty(&manifest).expect("names and finite numbers") + "\n";
    write_durably(&args.out.with_extension("json"), json.as_bytes())?;
    standard_output::print(&report(args, &samples, &manifest))
}

fn manifest<'a>(samples: &'a SurfaceSamples, surface: &'a MeasuredSurface) -> SurfaceManifest<'a> {
    let [similarities, t0, tk, bit_error_probabilities] = surface.axes();
    let errors: Option<Vec<f64>> = samples.rows.iter().map(|row| row.standard_error).collect();
    SurfaceManifest {
        latentlink_version: env!("CARGO_PKG_VERSION"),
        studies: &samples.studies,
        relations: &samples.relations,
        personas: surface.personas().iter().map(|persona| persona.name.as_str()).collect(),
        similarities,
        t0,
        tk,
        bit_error_probabilities,
        cells: samples.rows.len(),
        scores: samples.scores,
        failed_scores: samples.failed_scores,
        unshared_scores: samples.unshared_scores,
        least_pictures: samples.rows.iter().map(|row| row.pictures).min().unwrap_or(0),
        mean_standard_error: errors.map(|errors| errors.iter().sum::<f64>() / errors.len() as f64),
        leave_one_out: LeaveOneOut::of(surface),
    }
}

fn report(args: &SurfaceArgs, samples: &SurfaceSamples, manifest: &SurfaceManifest<'_>) -> String {
    let mut lines = vec![format!(
        "{} from {} of {}: {} similarities x {} personas x {} t0 x {} tk x {} bit error probabilities",
        counted(manifest.cells as u64, "cell"),
        counted(manifest.scores, "score"),
        counted(samples.studies.len() as u64, "study").replace("studys", "studies"),
        manifest.similarities.len(),
        manifest.personas.len(),
        manifest.t0.len(),
        manifest.tk.len(),
        manifest.bit_error_probabilities.len(),
    )];
    if manifest.failed_scores + manifest.unshared_scores > 0 {
        lines.push(format!(
            "left out: {} without a score, {} of pictures that shared no steps",
            counted(manifest.failed_scores, "answer"),
            counted(manifest.unshared_scores, "score"),
        ));
    }
    if let Some(error) = manifest.mean_standard_error {
        lines.push(format!("standard error of a cell, mean: {error:.4}"));
    }
    let left_out = &manifest.leave_one_out;
    let kinds = [
        ("t0", left_out.t0),
        ("tk", left_out.tk),
        ("bit error probability", left_out.bit_error_probability),
        ("similarity", left_out.similarity),
        ("persona", left_out.persona),
    ];
    lines.push("leave one out: each value from its neighbours, root mean square and largest error".to_owned());
    lines.extend(kinds.into_iter().map(|(name, error)| match error {
        Some(PredictionError { cells, root_mean_square, largest }) => {
            format!("  {name:<22} {root_mean_square:.4}  {largest:.4}  ({})", counted(cells, "cell"))
        }
        None => format!("  {name:<22} nothing can be left out"),
    }));
    lines.push(format!("look at\n  {}\n  {}", args.out.display(), args.out.with_extension("json").display()));
    lines.join("\n") + "\n"
}
