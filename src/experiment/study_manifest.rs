//! `manifest.json` of a study, from its plan and what its run found.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::computation::ValueOrigins;
use super::cost::StudyCost;
use super::findings::Findings;
use super::plan::StudyPlan;
use super::study_folder::{StudyFolder, StudyIdentity, is_working_file};
use crate::error::Error;
use crate::report::manifest::{self, Counts, Host, Manifest, ModelPack, WrittenFile};

/// What a run found.
pub(super) struct RunFindings<'a> {
    pub findings: &'a Findings,
    pub cost: StudyCost,
    pub origins: ValueOrigins,
    /// Runs that earlier processes had finished.
    pub found_runs: u64,
    pub started: SystemTime,
    pub wall_time_s: f64,
}

/// Writes the manifest of everything that is in the folder.
pub(super) fn write(plan: &StudyPlan, folder: &StudyFolder, run: &RunFindings<'_>) -> Result<(), Error> {
    write_as(plan, &plan.identity, folder.draft(), run)
}

/// The same for runs that were made as another study than this plan's: with other packs, say, and then merged.
pub(super) fn write_as(
    plan: &StudyPlan,
    identity: &StudyIdentity,
    draft: &Path,
    run: &RunFindings<'_>,
) -> Result<(), Error> {
    let scenario = plan.scenario();
    let pack = plan.executor.pack();
    let hex = |digest: [u8; 32]| digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut models = vec![ModelPack { role: "diffusion".to_owned(), name: pack.name(), digest: hex(pack.digest()) }];
    models.extend(plan.judges.models().into_iter().map(|judge| ModelPack {
        role: "judge".to_owned(),
        name: judge.name(),
        digest: hex(judge.model_digest()),
    }));
    Manifest {
        latentlink_version: env!("CARGO_PKG_VERSION").to_owned(),
        study: scenario.study.name.clone(),
        seed: scenario.study.seed,
        scenario_sha256: manifest::sha256_hex(identity.scenario_toml.as_bytes()),
        identity_sha256: identity.sha256.clone(),
        shard: identity.shard.map(|shard| shard.to_string()),
        models,
        onnx_runtime_version: plan.runtime.version.clone(),
        execution_provider: plan.provider.name().to_owned(),
        counts: counts(u64::from(plan.points()), run.findings, &run.cost),
        files: written_files(draft)?,
        run: manifest::Run {
            started_utc: manifest::utc_timestamp(run.started),
            wall_time_s: run.wall_time_s,
            threads: plan.threads,
            runs_found: run.found_runs,
            scores_computed: run.origins.scores_computed,
            scores_from_store: run.origins.scores_from_store,
            values_computed: run.origins.values_computed,
            values_from_store: run.origins.values_from_store,
            unet_evaluations_made: run.origins.unet_evaluations_made,
            onnx_runtime_origin: plan.runtime.library.origin.name().to_owned(),
            host: Host::of_this_machine(),
        },
    }
    .write(&draft.join("manifest.json"))?;
    Ok(())
}

impl StudyPlan {
    /// Writes the manifest of a folder with results of so many trainings, of which some failed.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Report`].
    pub fn write_training_manifest(
        &self,
        draft: &Path,
        (trainings, failed): (u64, u64),
        started: SystemTime,
        wall_time_s: f64,
    ) -> Result<(), Error> {
        let findings = Findings { runs: trainings, failed_runs: failed, ..Findings::default() };
        let (cost, origins) = (StudyCost::default(), ValueOrigins::default());
        let run = RunFindings { findings: &findings, cost, origins, found_runs: 0, started, wall_time_s };
        write_as(self, &self.identity, draft, &run)
    }
}

/// How much was simulated and computed.
pub(super) fn counts(points: u64, findings: &Findings, cost: &StudyCost) -> Counts {
    Counts {
        points,
        runs: findings.runs,
        nodes_before_sharing: cost.nodes_before_sharing,
        nodes_after_sharing: cost.nodes_after_sharing,
        unet_evaluations: cost.work.unet_evaluations,
        unet_evaluations_of_references: cost.unet_evaluations_of_references,
        unet_evaluations_unshared: cost.unet_evaluations_unshared,
        failed_runs: findings.failed_runs,
        failed_pictures: findings.failed_pictures,
        scores: findings.scores,
        failed_scores: findings.failed_scores,
    }
}

/// Files of a results folder in the order of their paths, but for those that only serve its making.
pub(super) fn written_files(folder: &Path) -> Result<Vec<WrittenFile>, Error> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(relative) = open.pop() {
        let path = folder.join(&relative);
        let failed = |source| Error::File { action: "list", path: path.clone(), source };
        for entry in fs::read_dir(&path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let inner = relative.join(entry.file_name());
            if entry.file_type().map_err(failed)?.is_dir() {
                open.push(inner);
            } else if !is_working_file(&inner) {
                found.push(inner);
            }
        }
    }
    found.sort();
    found.iter().map(|relative| Ok(WrittenFile::of(folder, relative)?)).collect()
}
