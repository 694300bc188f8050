//! The points of a study, each made when somebody asks for it.
//!
//! ```text
//!  index ──► positions ──► values of the swept fields ──► tables they stand in, read again ──┐
//!                                                                                            ├─► Scenario
//!            point 0, checked once ──► all that the swept fields do not touch ───────────────┘
//! ```

use std::sync::Arc;

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::{Axis, Coordinate, CoordinateValue, Sweep, dimensions};
use crate::scenario::check::{InputFiles, Rereading, check, check_again};
use crate::scenario::error::{Problem, ScenarioError};
use crate::scenario::file::ScenarioFile;
use crate::scenario::schema::SWEEP;
use crate::scenario::settings::Scenario;
use crate::scenario::tree::{Table, Value};

/// One point of the `[sweep]` grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// From 0; the last dimension of the grid varies fastest.
    pub index: u32,
    /// The swept fields in the order of the file; empty without `[sweep]`.
    pub coordinates: Vec<Coordinate>,
    pub scenario: Scenario,
}

/// One dimension of a grid: fields that are varied together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dimension {
    /// As `[sweep]` names them; never empty.
    pub paths: Vec<String>,
    /// How many values each of them takes; at least 1.
    pub len: usize,
}

/// All points of a study, of which only the first has been looked at.
///
/// Without `[sweep]` it has no dimension and one point. A clone shares what it holds.
#[derive(Debug, Clone)]
pub struct Grid(Arc<Held>);

#[derive(Debug)]
struct Held {
    file: ScenarioFile,
    sweep: Sweep,
    /// How long each dimension is.
    lengths: Vec<usize>,
    /// The scenario of point 0, and the tree it was read from.
    first: Scenario,
    first_root: Table,
    /// What the swept fields make worth reading again.
    rereading: Rereading,
    /// The tables for that as the file has them, before a swept field is set.
    tables: Table,
    /// Devices in the file.
    devices: usize,
    files: InputFiles,
}

impl Grid {
    /// Checks the sweep and its first point.
    pub(in crate::scenario) fn new(file: &ScenarioFile) -> Result<Self, ScenarioError> {
        let sweep = file.sweep()?;
        let lengths = dimensions::lengths(&sweep.axes);
        let without_sweep = without_sweep(file.root());
        let files = InputFiles::default();
        let values = values_at(&sweep.axes, &dimensions::positions(&lengths, 0));
        let (first_root, first) = from_scratch(file, &sweep.axes, &values, &files)
            .map_err(|problems| at_point(file, &sweep.axes, 0, &values, problems))?;
        let rereading = Rereading::of(sweep.axes.iter().map(|axis| &axis.field));
        let kept = without_sweep.entries.iter().filter(|entry| rereading.needs_table(&entry.key));
        Ok(Self(Arc::new(Held {
            tables: Table { entries: kept.cloned().collect() },
            devices: without_sweep.tables("device").count(),
            file: file.clone(),
            lengths,
            first,
            first_root,
            rereading,
            files,
            sweep,
        })))
    }

    /// How many points there are, at least 1.
    #[expect(clippy::len_without_is_empty, reason = "a grid always has a point")]
    pub fn len(&self) -> usize {
        self.0.lengths.iter().product()
    }

    /// The swept fields in the order of the file.
    pub fn paths(&self) -> Vec<String> {
        self.axes().iter().map(|axis| axis.path.clone()).collect()
    }

    /// The dimensions in the order of the file; the last varies fastest.
    pub fn dimensions(&self) -> Vec<Dimension> {
        let dimension = |(number, len): (usize, &usize)| {
            let together = self.axes().iter().filter(|axis| axis.dimension == number);
            Dimension { paths: together.map(|axis| axis.path.clone()).collect(), len: *len }
        };
        self.0.lengths.iter().enumerate().map(dimension).collect()
    }

    /// The values of the swept fields at a point, in the order of the file.
    ///
    /// # Panics
    /// `index` is not below [`Grid::len`]; so do the other functions of a point.
    pub fn coordinates(&self, index: usize) -> Vec<Coordinate> {
        coordinates(self.axes(), &self.values(index))
    }

    /// How far along each dimension a point is, from 0.
    pub fn positions(&self, index: usize) -> Vec<usize> {
        assert!(index < self.len(), "point {index} of a grid of {}", self.len());
        dimensions::positions(&self.0.lengths, index)
    }

    /// The point at these positions, one for each dimension.
    ///
    /// # Panics
    /// There are more or fewer positions than dimensions, or one lies beyond its dimension's end.
    pub fn index_of(&self, positions: &[usize]) -> usize {
        let lengths = &self.0.lengths;
        let is_inside = positions.len() == lengths.len() && positions.iter().zip(lengths).all(|(at, len)| at < len);
        assert!(is_inside, "positions {positions:?} in a grid of {lengths:?}");
        dimensions::index_of(lengths, positions)
    }

    /// One point, checked.
    ///
    /// # Errors
    /// What is wrong with the scenario at this point.
    pub fn point(&self, index: usize) -> Result<Point, ScenarioError> {
        let values = self.values(index);
        let scenario = self.scenario(index, &values)?;
        Ok(Point { index: index as u32, coordinates: coordinates(self.axes(), &values), scenario })
    }

    /// Checks every point, on all threads of rayon's pool.
    ///
    /// # Errors
    /// What is wrong with the first bad point.
    pub fn check_all(&self) -> Result<(), ScenarioError> {
        let fault = |index: usize| self.scenario(index, &self.values(index)).err();
        (0..self.len()).into_par_iter().find_map_first(fault).map_or(Ok(()), Err)
    }

    /// The scenario of point 0.
    pub(in crate::scenario) fn first(&self) -> &Scenario {
        &self.0.first
    }

    /// The file's tree at point 0.
    pub(in crate::scenario) fn first_root(&self) -> &Table {
        &self.0.first_root
    }

    pub(in crate::scenario) fn sweep(&self) -> &Sweep {
        &self.0.sweep
    }

    fn axes(&self) -> &[Axis] {
        &self.0.sweep.axes
    }

    fn values(&self, index: usize) -> Vec<&Value> {
        values_at(self.axes(), &self.positions(index))
    }

    fn scenario(&self, index: usize, values: &[&Value]) -> Result<Scenario, ScenarioError> {
        let held = &*self.0;
        let mut tables = held.tables.clone();
        let known = (&held.first, &held.rereading);
        let again = set(&mut tables, held.devices, self.axes(), values)
            .ok()
            .and_then(|()| check_again(&tables, held.file.stem(), self.axes(), &held.files, known).ok());
        match again {
            Some(scenario) => Ok(scenario),
            // All that is wrong with the point, which the short way need not see.
            None => from_scratch(&held.file, self.axes(), values, &held.files)
                .map(|(_, scenario)| scenario)
                .map_err(|problems| at_point(&held.file, self.axes(), index, values, problems)),
        }
    }
}

fn values_at<'a>(axes: &'a [Axis], positions: &[usize]) -> Vec<&'a Value> {
    axes.iter().map(|axis| &axis.values[positions[axis.dimension]]).collect()
}

fn coordinates(axes: &[Axis], values: &[&Value]) -> Vec<Coordinate> {
    let pairs = axes.iter().zip(values);
    pairs.map(|(axis, value)| Coordinate { path: axis.path.clone(), value: CoordinateValue::of(value) }).collect()
}

/// The tables of a file without the sweep, whose lists may be long.
fn without_sweep(root: &Table) -> Table {
    Table { entries: root.entries.iter().filter(|entry| entry.key != SWEEP).cloned().collect() }
}

/// Sets the swept fields.
fn set(root: &mut Table, devices: usize, axes: &[Axis], values: &[&Value]) -> Result<(), Box<Problem>> {
    for (axis, value) in axes.iter().zip(values) {
        axis.field.set(root, devices, (*value).clone()).map_err(|fault| {
            let problem = Problem::new(fault.message).at(&axis.key.origin);
            Box::new(problem.expected("a field that can be set").help(fault.help))
        })?;
    }
    Ok(())
}

/// Reads all of the file with the swept fields set, into a tree and a scenario.
fn from_scratch(
    file: &ScenarioFile,
    axes: &[Axis],
    values: &[&Value],
    files: &InputFiles,
) -> Result<(Table, Scenario), Vec<Problem>> {
    let mut root = without_sweep(file.root());
    let devices = root.tables("device").count();
    set(&mut root, devices, axes, values).map_err(|problem| vec![*problem])?;
    let scenario = check(&root, file.stem(), axes, files)?;
    Ok((root, scenario))
}

/// Adds the point to those problems that the file would not have without its sweep.
fn at_point(
    file: &ScenarioFile,
    axes: &[Axis],
    index: usize,
    values: &[&Value],
    problems: Vec<Problem>,
) -> ScenarioError {
    if axes.is_empty() {
        return file.error(problems);
    }
    let listed: Vec<String> = coordinates(axes, values)
        .iter()
        .map(|coordinate| format!("{} = {}", coordinate.path, coordinate.value))
        .collect();
    let point = format!("point {index} of the sweep ({})", listed.join(", "));
    let base = check(file.root(), file.stem(), axes, &InputFiles::default()).err().unwrap_or_default();
    let ranges: Vec<&Axis> = axes.iter().filter(|axis| axis.is_range()).collect();
    let named = problems.into_iter().map(|problem| {
        if base.iter().any(|other| other.is_same(&problem)) {
            return problem;
        }
        let is_of_range = ranges.iter().any(|axis| problem.is_at(&axis.key.value.origin));
        // how else to write one number does not help where none is written
        let is_unadvised = problem.advice().is_none() || problem.message().contains("is a fractional number");
        let problem = problem.at_point(&point);
        if is_of_range && is_unadvised { problem.help(OF_RANGES) } else { problem }
    });
    file.error(named.collect())
}

const OF_RANGES: &str = "a range gives numbers, whole ones where its ends and its steps are whole; write other values \
                         as a list";
