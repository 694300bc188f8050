//! `manifest.json` of a study, from its plan and what its run found.

use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use super::computation::ValueOrigins;
use super::results_folder::ResultsFolder;
use super::run_study::StudyPlan;
use crate::error::Error;
use crate::report::manifest::{self, Counts, Host, Manifest, ModelPack, WrittenFile};

/// What a run found.
pub(super) struct RunFindings {
    pub failed_pictures: u64,
    /// Answers in `scores.csv`, and those of them without a score.
    pub scores: u64,
    pub failed_scores: u64,
    pub origins: ValueOrigins,
    pub started: SystemTime,
    pub wall_time_s: f64,
}

impl StudyPlan {
    pub(super) fn write_manifest(&self, folder: &ResultsFolder, findings: &RunFindings) -> Result<(), Error> {
        let scenario = &self.points[0].scenario;
        let pack = self.executor.pack();
        let hex = |digest: [u8; 32]| digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let mut models =
            vec![ModelPack { role: "diffusion".to_owned(), name: pack.name(), digest: hex(pack.digest()) }];
        models.extend(self.judges.packs().into_iter().map(|pack| ModelPack {
            role: "judge".to_owned(),
            name: pack.name(),
            digest: hex(pack.digest()),
        }));
        let mut files = Vec::new();
        for relative in files_below(folder)? {
            files.push(WrittenFile::of(folder.draft(), &relative)?);
        }
        Manifest {
            latentlink_version: env!("CARGO_PKG_VERSION").to_owned(),
            study: scenario.study.name.clone(),
            seed: scenario.study.seed,
            scenario_sha256: manifest::sha256_hex(self.resolved_toml.as_bytes()),
            models,
            onnx_runtime_version: self.runtime.version.clone(),
            execution_provider: self.provider.name().to_owned(),
            counts: Counts {
                points: self.cost.points as u64,
                runs: self.cost.runs as u64,
                nodes_before_sharing: self.study.nodes_before_sharing as u64,
                nodes_after_sharing: self.study.graph.len() as u64,
                unet_evaluations: self.cost.unet_evaluations,
                unet_evaluations_of_references: self.cost.unet_evaluations_of_references,
                unet_evaluations_unshared: self.cost.unet_evaluations_unshared,
                failed_pictures: findings.failed_pictures,
                scores: findings.scores,
                failed_scores: findings.failed_scores,
            },
            files,
            run: manifest::Run {
                started_utc: manifest::utc_timestamp(findings.started),
                wall_time_s: findings.wall_time_s,
                threads: self.threads,
                scores_computed: findings.origins.scores_computed,
                scores_from_store: findings.origins.scores_from_store,
                values_computed: findings.origins.values_computed,
                values_from_store: findings.origins.values_from_store,
                onnx_runtime_origin: self.runtime.library.origin.name().to_owned(),
                host: Host::of_this_machine(),
            },
        }
        .write(&folder.draft().join("manifest.json"))?;
        Ok(())
    }
}

/// Files below the draft in the order of their paths.
fn files_below(folder: &ResultsFolder) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(relative) = open.pop() {
        let path = folder.draft().join(&relative);
        let failed = |source| Error::File { action: "list", path: path.clone(), source };
        for entry in fs::read_dir(&path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let inner = relative.join(entry.file_name());
            if entry.file_type().map_err(failed)?.is_dir() {
                open.push(inner);
            } else {
                found.push(inner);
            }
        }
    }
    found.sort();
    Ok(found)
}
