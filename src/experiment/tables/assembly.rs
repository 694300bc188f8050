//! From the journal to the tables, in the order of points and replications, one point in memory at a time.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use super::differences::{self, Differences};
use super::observations::{ObservedColumns, PointObservations};
use super::{TableLayout, point_cells, summary};
use crate::error::Error;
use crate::experiment::findings::Findings;
use crate::experiment::journal::{Journal, Outcome, RunRows, TABLES};
use crate::experiment::points::{StudyPoint, StudyPoints};
use crate::experiment::work_order::RunId;
use crate::report::table::{csv_header, csv_rows, describe};
use crate::report::{Cell, Column};

/// Points of which a row per quantity is worth its disk: a larger sweep has its numbers in `runs.csv`.
const SUMMARISED_POINTS: u32 = 100_000;
/// Runs whose points are compared with each other: those that are compared with stay in memory.
const COMPARED_RUNS: u64 = 1_000_000;

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
    let observed = ObservedColumns::of(layout);
    let mut tables = Tables::begin(journal, points, layout, folder)?;
    let mut differences = Differences::new(points.grid().clone());
    let mut findings = Findings::default();
    let mut runs = journal.runs().peekable();
    while let Some(&RunId { point: index, .. }) = runs.peek() {
        // Of millions of points only those are made again that something is said of.
        let mut summarised = match tables.summary.is_some() {
            true => Some(PointSummary::begin(&*points.get(index)?, &observed)),
            false => None,
        };
        while let Some(run) = runs.next_if(|run| run.point == index) {
            let finished = journal.read(run)?;
            findings.add(&finished);
            match finished.outcome {
                Outcome::Done(rows) => {
                    tables.write_run(&rows)?;
                    if let Some(summarised) = &mut summarised {
                        summarised.replications.push(run.replication);
                        summarised.observations.add(&rows)?;
                    }
                }
                Outcome::Failed(message) => {
                    let mut row: Vec<Cell> = point_cells(&*points.get(index)?).collect();
                    row.extend([run.replication.into(), message.as_str().into()]);
                    tables.failures.write(&csv_rows(&[row]))?;
                }
            }
        }
        let (Some(summary), Some(PointSummary { cells, replications, observations })) =
            (&mut tables.summary, summarised)
        else {
            continue;
        };
        let quantities = observations.quantities()?;
        summary.write(&csv_rows(&summary::rows(&cells, &quantities)))?;
        if let Some(compared) = &mut tables.differences {
            let rows: Vec<Vec<Cell>> = differences.rows(index as usize, &cells, &replications, &quantities);
            compared.write(&csv_rows(&rows))?;
        }
    }
    tables.end(findings.failed_runs > 0)?;
    Ok(findings)
}

/// What is said of a point, as its runs are read.
struct PointSummary<'a> {
    /// Of [`TableLayout::point_columns`].
    cells: Vec<Cell>,
    replications: Vec<u32>,
    observations: PointObservations<'a>,
}

impl<'a> PointSummary<'a> {
    fn begin(point: &StudyPoint, observed: &'a ObservedColumns) -> Self {
        Self {
            cells: point_cells(point).collect(),
            replications: Vec::new(),
            observations: observed.begin(point.scenario.judge.qoe_threshold),
        }
    }
}

/// The tables of a study on their way to the disk.
struct Tables<'a> {
    folder: &'a Path,
    /// One for each of [`TABLES`] that the study has.
    of_runs: Vec<Option<TableFile<'a>>>,
    /// `None` where there are too many points.
    summary: Option<TableFile<'a>>,
    /// `None` where there is nothing to compare, or too much.
    differences: Option<TableFile<'a>>,
    failures: TableFile<'a>,
    /// What the columns mean, table by table.
    dictionary: Vec<(&'static str, String)>,
}

impl<'a> Tables<'a> {
    fn begin(journal: &Journal, points: &StudyPoints, layout: &TableLayout, folder: &'a Path) -> Result<Self, Error> {
        let mut dictionary = Vec::new();
        let mut begin =
            |name: &'static str, columns: &[Column], is_there: bool| -> Result<Option<TableFile<'a>>, Error> {
                if !is_there || columns.is_empty() {
                    return Ok(None);
                }
                dictionary.push((name, describe(columns)));
                TableFile::begin(folder, name, columns).map(Some)
            };
        let columns = layout.columns();
        let mut of_runs = Vec::new();
        for (name, columns) in TABLES.into_iter().zip(&columns).take(2) {
            of_runs.push(begin(name, columns, true)?);
        }
        let is_summarised = points.len() <= SUMMARISED_POINTS;
        let several = points.len() > 1 && journal.runs().any(|run| run.replication > 0);
        let is_compared = is_summarised && several && journal.len() <= COMPARED_RUNS;
        let summary = begin("summary.csv", &summary::columns(layout), is_summarised)?;
        let differences = begin("differences.csv", &differences::columns(layout), is_compared)?;
        for (name, columns) in TABLES.into_iter().zip(&columns).skip(2) {
            of_runs.push(begin(name, columns, true)?);
        }
        let failures = begin("failures.csv", &failure_columns(layout), true)?.expect("it has columns");
        if !is_summarised {
            let reason = format!("Not written for more than {SUMMARISED_POINTS} points: see runs.csv.\n");
            dictionary.push(("summary.csv", reason));
        }
        Ok(Self { folder, of_runs, summary, differences, failures, dictionary })
    }

    fn write_run(&mut self, rows: &RunRows) -> Result<(), Error> {
        for (table, rows) in self.of_runs.iter_mut().zip(&rows.rows) {
            if let Some(table) = table {
                table.write(rows)?;
            }
        }
        Ok(())
    }

    /// Finishes all files. Without failures there is no table of them.
    fn end(mut self, some_failed: bool) -> Result<(), Error> {
        for table in self.of_runs.into_iter().flatten().chain(self.summary).chain(self.differences) {
            table.end()?;
        }
        let path = self.failures.path.clone();
        self.failures.end()?;
        if !some_failed {
            std::fs::remove_file(&path).map_err(|source| Error::File { action: "remove", path, source })?;
            self.dictionary.retain(|(name, _)| *name != "failures.csv");
        }
        let dictionary: String =
            self.dictionary.iter().map(|(name, columns)| format!("# {name}\n\n{columns}\n")).collect();
        let path = self.folder.join("columns.md");
        std::fs::write(&path, dictionary).map_err(|source| Error::while_writing(self.folder, path, source))
    }
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
