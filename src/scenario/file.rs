//! A scenario as it was written: reading, overriding, and its points.

use std::path::Path;
use std::sync::Arc;

use super::check::{PeopleFiles, check};
use super::error::{Problem, ScenarioError};
use super::path::resolve;
use super::schema::{FIGURE, SWEEP};
use super::settings::Scenario;
use super::source::{Origin, Source};
use super::sweep::{self, Axis, Coordinate};
use super::tree::{Data, Entry, Table, Value, quote, read_document, read_value};
use super::words::nearest;
use super::write;

/// A scenario file with the values of `--set` arguments in it, not yet checked.
#[derive(Debug, Clone)]
pub struct ScenarioFile {
    source: Arc<Source>,
    root: Table,
}

/// One point of the `[sweep]` grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// From 0; the last key of `[sweep]` varies fastest.
    pub index: u32,
    /// The swept fields in the order of the file; empty without `[sweep]`.
    pub coordinates: Vec<Coordinate>,
    pub scenario: Scenario,
}

impl ScenarioFile {
    /// Reads a file.
    ///
    /// # Errors
    /// The file is missing or unreadable, is not UTF-8, or is not TOML.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ScenarioError> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
        match String::from_utf8(bytes) {
            Ok(text) => Self::from_str(text, name),
            Err(error) => {
                let start = error.utf8_error().valid_up_to();
                let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                let origin = Origin::new(&Arc::new(Source { name, text, is_argument: false }), start..start + 1);
                let problem = Problem::new("the file is not UTF-8").at(&origin).expected("text in UTF-8");
                Err(problem.help("save it again as UTF-8 in your editor").into())
            }
        }
    }

    /// Reads a text that came from elsewhere; `name` stands for the file in messages, and its stem is the study's
    /// name where the text gives none.
    ///
    /// # Errors
    /// The text is not TOML.
    pub fn from_str(text: impl Into<String>, name: impl Into<String>) -> Result<Self, ScenarioError> {
        let source = Arc::new(Source { name: name.into(), text: text.into(), is_argument: false });
        let mut root = read_document(&source)?;
        sweep::flatten(&mut root);
        Ok(Self { source, root })
    }

    /// Replaces one field, as `--set` does: `radio.bandwidth_hz=10e6`.
    ///
    /// The value is TOML; what is not is taken as a string. `sweep.PATH=[…]` replaces or adds a swept field.
    ///
    /// # Errors
    /// No `=`, no such field (with the nearest one), or a field that `[sweep]` sets. Whether the value is good is
    /// said by [`ScenarioFile::points`].
    pub fn set(&mut self, argument: &str) -> Result<(), ScenarioError> {
        let source = Arc::new(Source { name: "--set".into(), text: argument.into(), is_argument: true });
        let Some(equals) = argument.find('=') else {
            let problem = Problem::new("there is no `=`").at(&Origin::new(&source, 0..argument.len()));
            return Err(problem.expected("FIELD=VALUE").help("say radio.bandwidth_hz=10e6").into());
        };
        if argument[equals + 1..].trim().is_empty() {
            let problem = Problem::new("there is no value after `=`").at(&Origin::new(&source, equals..equals + 1));
            return Err(problem
                .expected("FIELD=VALUE")
                .help("say radio.bandwidth_hz=10e6; empty text is '\"\"'")
                .into());
        }
        let path = argument[..equals].trim();
        let key = Origin::new(&source, 0..argument[..equals].trim_end().len());
        let value = argument_value(&source, equals + 1)?;
        match path.strip_prefix("sweep.") {
            Some(swept) => self.set_axis(swept.trim().trim_matches('"'), key, value),
            None => self.set_field(path, &key, value),
        }
    }

    /// The scenario with the `[[figure]]` tables of another one in place of its own.
    pub fn with_figures_of(&self, other: &Self) -> Self {
        let mut file = self.clone();
        file.root.remove(FIGURE);
        if let Some(figures) = other.root.get(FIGURE) {
            file.root.insert(FIGURE, figures.clone());
        }
        file
    }

    fn set_field(&mut self, path: &str, key: &Origin, value: Value) -> Result<(), ScenarioError> {
        let fault_here = |fault: super::path::Fault| {
            Problem::new(fault.message).at(key).expected("the path of a field").help(fault.help)
        };
        let field = resolve(path, &self.root).map_err(fault_here)?;
        if let Some(Value { data: Data::Table(swept), .. }) = self.root.get(SWEEP) {
            let other = swept
                .entries
                .iter()
                .find(|entry| resolve(&entry.key, &self.root).is_ok_and(|swept| swept.overlaps(&field)));
            if let Some(other) = other {
                let problem = Problem::new(format!("`{path}` is swept")).at(key).expected("a field outside [sweep]");
                let help = format!("give the sweep another list: --set 'sweep.{}=[{value}]'", other.key);
                return Err(problem.help(help).into());
            }
        }
        Ok(field.set(&mut self.root, value).map_err(fault_here)?)
    }

    fn set_axis(&mut self, path: &str, key: Origin, value: Value) -> Result<(), ScenarioError> {
        let field = resolve(path, &self.root)
            .map_err(|fault| Problem::new(fault.message).at(&key).expected("the path of a field").help(fault.help))?;
        let mut entries = match self.root.get(SWEEP) {
            Some(Value { data: Data::Table(sweep), .. }) => sweep.entries.clone(),
            _ => Vec::new(),
        };
        let same = entries
            .iter()
            .position(|entry| resolve(&entry.key, &self.root).is_ok_and(|written| written.is_same(&field)));
        let origin = value.origin.clone();
        match same {
            Some(index) => entries[index].value = value,
            None => entries.push(Entry { key: path.to_owned(), origin: key, value }),
        }
        self.root.insert(SWEEP, Value { data: Data::Table(Table { entries }), origin });
        Ok(())
    }

    /// Checks everything and gives the points of the study: the grid of `[sweep]`, or a single one without it.
    ///
    /// # Errors
    /// All problems of the file at once; for those that only show at some points, at the first of them.
    pub fn points(&self) -> Result<Vec<Point>, ScenarioError> {
        let axes = self.axes()?;
        let total = axes.iter().map(|axis| axis.values.len()).product::<usize>();
        let mut points = Vec::with_capacity(total);
        let mut people = PeopleFiles::default();
        for index in 0..total {
            let values = sweep::values_at(&axes, index);
            let coordinates = sweep::coordinates(&axes, &values);
            match self.check_at(&axes, &values, &mut people) {
                Ok(scenario) => points.push(Point { index: index as u32, coordinates, scenario }),
                Err(problems) => return Err(self.at_point(index, &coordinates, &axes, problems)),
            }
        }
        Ok(points)
    }

    /// The scenario with every default filled in and its `[sweep]`: reads back to the same points.
    ///
    /// # Errors
    /// Those of [`ScenarioFile::points`].
    pub fn resolved_toml(&self) -> Result<String, ScenarioError> {
        let axes = self.axes()?;
        let values = sweep::values_at(&axes, 0);
        let scenario = self.check_at(&axes, &values, &mut PeopleFiles::default()).map_err(ScenarioError::new)?;
        let root = self.root_at(&axes, &values)?;
        let mut text = write::scenario(&scenario, write::powers_dbw(&root, scenario.devices.len()).as_deref());
        if !axes.is_empty() {
            text.push_str("\n[sweep]\n");
            for axis in &axes {
                text.push_str(&format!("{} = {}\n", quote(&axis.path), axis.key.value));
            }
        }
        Ok(text)
    }

    fn axes(&self) -> Result<Vec<Axis>, ScenarioError> {
        sweep::axes(&self.root).map_err(|mut problems| {
            // what the sweep leaves open cannot be judged, but a misspelt key stays one
            let base = check(&self.root, self.stem(), &[], &mut PeopleFiles::default()).err().unwrap_or_default();
            problems.extend(base.into_iter().filter(|problem| problem.is_unknown_key));
            self.error(problems)
        })
    }

    /// The tree with the swept fields set, and without the sweep itself, whose lists may be long.
    fn root_at(&self, axes: &[Axis], values: &[&Value]) -> Result<Table, Box<Problem>> {
        let kept = self.root.entries.iter().filter(|entry| entry.key != SWEEP);
        let mut root = Table { entries: kept.cloned().collect() };
        for (axis, value) in axes.iter().zip(values) {
            axis.field.set(&mut root, (*value).clone()).map_err(|fault| {
                let problem = Problem::new(fault.message).at(&axis.key.origin);
                Box::new(problem.expected("a field that can be set").help(fault.help))
            })?;
        }
        Ok(root)
    }

    fn check_at(&self, axes: &[Axis], values: &[&Value], people: &mut PeopleFiles) -> Result<Scenario, Vec<Problem>> {
        let root = self.root_at(axes, values).map_err(|problem| vec![*problem])?;
        check(&root, self.stem(), axes, people)
    }

    /// Adds the point to those problems that the file would not have without its sweep.
    fn at_point(
        &self,
        index: usize,
        coordinates: &[Coordinate],
        axes: &[Axis],
        problems: Vec<Problem>,
    ) -> ScenarioError {
        if axes.is_empty() {
            return self.error(problems);
        }
        let listed: Vec<String> =
            coordinates.iter().map(|coordinate| format!("{} = {}", coordinate.path, coordinate.value)).collect();
        let point = format!("point {index} of the sweep ({})", listed.join(", "));
        let base = check(&self.root, self.stem(), axes, &mut PeopleFiles::default()).err().unwrap_or_default();
        let named = problems.into_iter().map(|problem| {
            let is_everywhere = base.iter().any(|other| other.is_same(&problem));
            if is_everywhere { problem } else { problem.at_point(&point) }
        });
        self.error(named.collect())
    }

    fn error(&self, problems: Vec<Problem>) -> ScenarioError {
        ScenarioError::new(problems.into_iter().map(|problem| problem.in_file(&self.source.name)).collect())
    }

    pub(super) fn root(&self) -> &Table {
        &self.root
    }

    fn stem(&self) -> &str {
        Path::new(&self.source.name).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()
    }
}

/// The value of a `--set` argument, from byte `start` on: TOML, or else a bare string.
fn argument_value(source: &Arc<Source>, start: usize) -> Result<Value, ScenarioError> {
    let written = &source.text[start..];
    let blanks = written.len() - written.trim_start().len();
    let trimmed = written.trim();
    let start = start + blanks;
    match read_value(source, start) {
        Ok(value) => Ok(value),
        Err(problem) if trimmed.starts_with(['"', '\'', '[', '{']) => Err(problem.into()),
        Err(_) => {
            let origin = Origin::new(source, start..start + trimmed.len());
            Ok(Value { data: Data::Text(trimmed.to_owned()), origin })
        }
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> ScenarioError {
    let name = path.display().to_string();
    let problem = if error.kind() == std::io::ErrorKind::NotFound {
        let problem = Problem::new("there is no such file");
        match files_near(path).as_slice() {
            [] => problem.help("`latentlink run scenarios/quickstart.toml` runs the scenario that comes along"),
            near => problem.help(format!("did you mean {}?", near.join(" or "))),
        }
    } else if path.is_dir() {
        let pattern = path.join("*.toml").display().to_string();
        Problem::new("this is a folder, not a scenario").help(format!("name a file in it, or several: '{pattern}'"))
    } else {
        Problem::new(format!("cannot read the file: {error}")).help("make it readable for you, or name another")
    };
    problem.in_file(&name).into()
}

/// Scenarios in the same folder with much the same name, else all of them, three at most.
fn files_near(path: &Path) -> Vec<String> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".toml") && name != "Cargo.toml")
        .collect();
    names.sort();
    let written = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let near = nearest(&written, names.iter().map(String::as_str)).map(str::to_owned);
    let found = near.map_or(names, |near| vec![near]);
    let parent = path.parent().unwrap_or(Path::new(""));
    found.iter().take(3).map(|name| parent.join(name).display().to_string()).collect()
}
