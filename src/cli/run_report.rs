//! What a run says at its end.

use std::path::Path;

use crate::experiment::findings::Findings;
use crate::experiment::{StudyCost, StudyReport};
use crate::report::Manifest;

/// What was done, what is worth knowing, and where to look.
pub(super) fn report_text(report: &StudyReport) -> String {
    let findings = &report.findings;
    let runs = counted(findings.runs, "run");
    let points = counted(u64::from(report.points), "point");
    let mut lines = vec![format!("{runs} of {points} in {:.1} s{}", report.wall_time_s, work_text(report))];
    if report.found_runs > 0 {
        lines.push(format!("{} had been finished before", counted(report.found_runs, "run")));
    }
    if report.capped_points > 0 {
        lines.push(format!(
            "{} of {points} are at the cap of their replications, and their intervals are wider than asked for: raise \
             --maximum-replications",
            report.capped_points
        ));
    }
    lines.extend(ends_line(report));
    lines.extend(score_lines(report));
    lines.extend(over_budget(findings));
    lines.extend(failed_pictures(findings));
    lines.extend(failed_runs(findings));
    lines.push("look at".to_owned());
    let place = |file: &str| report.folder.join(file).display().to_string();
    lines.extend(report.figures.iter().map(|figure| format!("  {}", place(figure))));
    for (file, meaning) in [
        ("requests.csv", "one row per request"),
        ("scores.csv", "one row per answer"),
        ("runs.csv", "energy and savings of each run"),
        ("steady_state.csv", "quantities of each run in time, with their intervals"),
        ("summary.csv", "means and intervals"),
        ("differences.csv", "what changing one field does"),
        ("failures.csv", "runs that failed"),
        ("columns.md", "what the columns mean"),
    ] {
        if report.folder.join(file).is_file() {
            lines.push(format!("  {}  ({meaning})", place(file)));
        }
    }
    if report.pictures > 0 {
        lines.push(format!("  {}  ({})", place("images"), counted(report.pictures as u64, "picture")));
    }
    lines.push(savings_line(report));
    lines.join("\n") + "\n"
}

/// What is said of a study that was finished before.
pub(super) fn finished_before(folder: &Path, manifest: &Manifest) -> String {
    let counts = &manifest.counts;
    format!(
        "{}: all {} of {} were finished before ({}); nothing was changed. --force begins anew\n",
        folder.display(),
        counted(counts.runs, "run"),
        counted(counts.points, "point"),
        manifest.run.started_utc
    )
}

/// The last line: time, and UNet evaluations made and saved.
fn savings_line(report: &StudyReport) -> String {
    let (cost, made) = (&report.cost, report.origins.unet_evaluations_made);
    let mut parts = vec![format!("{:.1} s: {} made", report.wall_time_s, counted(made, "UNet evaluation"))];
    let for_users = cost.work.unet_evaluations - cost.unet_evaluations_of_references;
    for (saved, how) in [
        (cost.unet_evaluations_unshared.saturating_sub(for_users), "saved by sharing"),
        (cost.work.unet_evaluations.saturating_sub(made), "saved by what was computed before"),
    ] {
        if saved > 0 {
            parts.push(format!("{saved} {how}"));
        }
    }
    parts.join(", ")
}

/// What was computed, on what, and what was not.
fn work_text(report: &StudyReport) -> String {
    let origins = &report.origins;
    let wanted = origins.values_computed + origins.values_from_store;
    let store = report.store.as_ref().map_or_else(String::new, |store| store.display().to_string());
    let on = format!(" on the {} with {}", report.execution_provider, counted(report.threads as u64, "worker"));
    match (wanted, origins.values_computed, origins.values_from_store) {
        (0, ..) if report.opened_sessions => ": no picture was made, only prompts were encoded".to_owned(),
        (0, ..) => ": no picture was made and no session opened".to_owned(),
        (_, 0, _) if !report.opened_sessions => format!(": everything was in {store}, no session was opened"),
        (_, _, 0) => format!("{on}: {}", unet_work(&report.cost)),
        (_, _, there) => format!(
            "{on}: {there} of {wanted} results were in {store}, the rest took {}",
            counted(origins.unet_evaluations_made, "UNet evaluation")
        ),
    }
}

/// What became of the requests of runs in time.
fn ends_line(report: &StudyReport) -> Option<String> {
    let ends = report.findings.ends?;
    let all = ends.served + ends.dropped + ends.abandoned + ends.failed;
    Some(format!(
        "{}: {} served, {} dropped, {} abandoned, {} failed",
        counted(all, "request"),
        ends.served,
        ends.dropped,
        ends.abandoned,
        ends.failed
    ))
}

/// Who gave how many scores, and how many of them failed.
fn score_lines(report: &StudyReport) -> Vec<String> {
    if report.judges.is_empty() {
        return Vec::new();
    }
    let (origins, findings) = (&report.origins, &report.findings);
    let mut line = format!("{} by {}", counted(findings.scores, "score"), report.judges.join(", "));
    if origins.scores_computed + origins.scores_from_store > 0 {
        line.push_str(&format!(
            ": {} computed, {} from the score store",
            counted(origins.scores_computed, "answer"),
            origins.scores_from_store
        ));
        if report.found_runs > 0 {
            line.push_str(", the others in runs that had been finished before");
        }
    }
    let failed = (findings.failed_scores > 0).then(|| {
        format!(
            "{} failed: columns qoe_status of requests.csv and status of scores.csv",
            counted(findings.failed_scores, "score")
        )
    });
    std::iter::once(line).chain(failed).collect()
}

/// UNet evaluations: for the users' pictures, against making each on its own, and for reference pictures.
pub(super) fn unet_work(cost: &StudyCost) -> String {
    let references = cost.unet_evaluations_of_references;
    let users = format!(
        "{} UNet evaluations for the users' pictures ({} if each were made on its own)",
        cost.work.unet_evaluations - references,
        cost.unet_evaluations_unshared
    );
    if references == 0 { users } else { format!("{users}, {references} more for reference pictures") }
}

/// Broken budgets in words, each payer's worst.
pub(super) fn over_budget(findings: &Findings) -> Vec<String> {
    let line = |((payer, constraint), broken): (&(String, String), &crate::experiment::findings::BrokenBudget)| {
        format!(
            "over budget: {payer} breaks constraint {constraint} in {}, worst in {}: {:.3} J of {:.3} J, {:.3} J too much",
            counted(broken.runs, "run"),
            broken.worst_in,
            broken.worst.spent_j,
            broken.worst.budget_j,
            broken.worst.excess_j()
        )
    };
    findings.broken_budgets.iter().map(line).collect()
}

fn failed_pictures(findings: &Findings) -> Vec<String> {
    if findings.failed_pictures == 0 {
        return Vec::new();
    }
    let mut lines = vec![format!("{} failed:", counted(findings.failed_pictures, "picture"))];
    let examples = &findings.failed_picture_examples;
    lines.extend(examples.iter().map(|(run, device, reason)| format!("  {run}, {device}: {reason}")));
    if findings.failed_pictures > examples.len() as u64 {
        lines.push("  … all in requests.csv, column picture_status".to_owned());
    }
    lines
}

/// The first run in `table`, the `failures.csv` of a study, with its reason, as the end of a sentence; nothing where it
/// cannot be read.
pub(super) fn first_failure(table: &Path) -> String {
    let first = || {
        let mut reader = csv::Reader::from_path(table).ok()?;
        let columns = reader.headers().ok()?.clone();
        let row = reader.records().next()?.ok()?;
        let cell = |name: &str| row.get(columns.iter().position(|column| column == name)?);
        Some(format!("; point {}, replication {}: {}", cell("point")?, cell("replication")?, cell("error")?))
    };
    first().unwrap_or_default()
}

/// Runs that failed, the first of them with the reason.
pub(super) fn failed_runs(findings: &Findings) -> Vec<String> {
    if findings.failed_runs == 0 {
        return Vec::new();
    }
    let mut lines = vec![format!("{} failed, the others are in the tables:", counted(findings.failed_runs, "run"))];
    lines.extend(findings.failed_examples.iter().map(|(run, reason)| format!("  {run}: {reason}")));
    if findings.failed_runs > findings.failed_examples.len() as u64 {
        lines.push("  … all in failures.csv".to_owned());
    }
    lines
}

/// `1 run`, `2 runs`.
pub(super) fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
