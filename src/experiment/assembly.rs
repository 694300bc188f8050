//! From the journal to the tables, in the order of points and replications, one point in memory at a time.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use super::differences::{self, Differences};
use super::findings::Findings;
use super::journal::{Journal, Outcome, RunRows, TABLES};
use super::observations::ObservedColumns;
use super::points::StudyPoints;
use super::summary;
use super::tables::{TableLayout, point_cells};
use super::work_order::RunId;
use crate::error::Error;
use crate::report::table::{csv_header, csv_rows, describe};
use crate::report::{Cell, Column};

/// Points of which a table per point and quantity is worth its disk: a larger sweep has its numbers in `runs.csv`.
const SUMMARISED_POINTS: u32 = 100_000;

/// Writes every table of the runs in the journal below `folder`, and says what was found on the way.
///
/// # Errors
/// [`Error::File`], [`Error::DiskFull`], what [`StudyPoints::get`] says.
pub fn write_tables(
    journal: &Journal,
    points: &StudyPoints,
    layout: &TableLayout,
    folder: &Path,
) -> Result<Findings, Error> {
    let columns = layout.columns();
    let mut dictionary = String::new();
    let mut begin = |name: &str, columns: &[Column]| -> Result<Option<TableFile>, Error> {
        if columns.is_empty() {
            return Ok(None);
        }
        dictionary.push_str(&format!("# {name}\n\n{}\n", describe(columns)));
        TableFile::begin(folder, name, columns).map(Some)
    };
    let mut tables = Vec::new();
    for (name, columns) in TABLES.iter().zip(&columns).take(2) {
        tables.push(begin(name, columns)?);
    }
    let is_summarised = points.len() <= SUMMARISED_POINTS;
    let several = journal.runs().any(|run| run.replication > 0);
    let mut summaries = match is_summarised {
        true => begin("summary.csv", &summary::columns(layout))?,
        false => None,
    };
    let mut compared = match is_summarised && several && points.len() > 1 {
        true => begin("differences.csv", &differences::columns(layout))?,
        false => None,
    };
    for (name, columns) in TABLES.iter().zip(&columns).skip(2) {
        tables.push(begin(name, columns)?);
    }
    let mut failures = begin("failures.csv", &failure_columns(layout))?.expect("it has columns");

    let observed = ObservedColumns::of(layout);
    let mut differences = Differences::new(points.grid().clone());
    let mut findings = Findings::default();
    let mut runs = journal.runs().peekable();
    while let Some(&RunId { point: index, .. }) = runs.peek() {
        let mut done: Vec<(u32, RunRows)> = Vec::new();
        let mut failed: Vec<(u32, String)> = Vec::new();
        while let Some(run) = runs.next_if(|run| run.point == index) {
            let finished = journal.read(run)?;
            findings.add(&finished);
            match finished.outcome {
                Outcome::Done(rows) => done.push((run.replication, rows)),
                Outcome::Failed(message) => failed.push((run.replication, message)),
            }
        }
        for (_, rows) in &done {
            for (table, rows) in tables.iter_mut().zip(&rows.rows) {
                if let Some(table) = table {
                    table.write(rows)?;
                }
            }
        }
        if failed.is_empty() && summaries.is_none() {
            continue;
        }
        let point = points.get(index)?;
        let cells: Vec<Cell> = point_cells(&point).collect();
        for (replication, message) in failed {
            let mut row = cells.clone();
            row.extend([replication.into(), message.as_str().into()]);
            failures.write(&csv_rows(&[row]))?;
        }
        let Some(summaries) = &mut summaries else { continue };
        let (replications, rows): (Vec<u32>, Vec<RunRows>) = done.into_iter().unzip();
        let quantities = observed.quantities(&rows, point.scenario.judge.qoe_threshold)?;
        summaries.write(&csv_rows(&summary::rows(&cells, &quantities)))?;
        if let Some(compared) = &mut compared {
            let rows: Vec<Vec<Cell>> = differences.rows(index as usize, &cells, &replications, &quantities);
            compared.write(&csv_rows(&rows))?;
        }
    }
    for table in tables.into_iter().flatten().chain(summaries).chain(compared) {
        table.end()?;
    }
    failures.end()?;
    if findings.failed_runs == 0 {
        let path = folder.join("failures.csv");
        std::fs::remove_file(&path).map_err(|source| Error::File { action: "remove", path, source })?;
        let at = dictionary.find("# failures.csv").expect("it was described above");
        dictionary.truncate(at);
    }
    let path = folder.join("columns.md");
    std::fs::write(&path, dictionary).map_err(|source| Error::while_writing(folder, path, source))?;
    Ok(findings)
}

fn failure_columns(layout: &TableLayout) -> Vec<Column> {
    let mut columns = layout.point_columns();
    columns.push(Column::new("replication", "repetition of the point"));
    columns.push(Column::new("error", "what stopped the run; it has no row in the other tables"));
    columns
}

/// A table on its way to the disk.
struct TableFile<'a> {
    folder: &'a Path,
    path: std::path::PathBuf,
    writer: BufWriter<File>,
}

impl<'a> TableFile<'a> {
    fn begin(folder: &'a Path, name: &str, columns: &[Column]) -> Result<Self, Error> {
        let path = folder.join(name);
        let file = File::create(&path).map_err(|source| Error::while_writing(folder, path.clone(), source))?;
        let mut table = Self { folder, path, writer: BufWriter::with_capacity(1 << 20, file) };
        table.write(&csv_header(columns))?;
        Ok(table)
    }

    fn write(&mut self, rows: &str) -> Result<(), Error> {
        let written = self.writer.write_all(rows.as_bytes());
        written.map_err(|source| Error::while_writing(self.folder, self.path.clone(), source))
    }

    fn end(mut self) -> Result<(), Error> {
        let synced = self.writer.flush().and_then(|()| self.writer.get_ref().sync_all());
        synced.map_err(|source| Error::while_writing(self.folder, self.path.clone(), source))
    }
}
