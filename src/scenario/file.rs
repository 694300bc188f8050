//! A scenario as it was written: reading, overriding, and its points.

mod set;

use std::path::Path;
use std::sync::Arc;

use super::check::{InputFiles, check};
use super::error::{Problem, ScenarioError};
use super::schema::FIGURE;
use super::source::{Origin, Source};
use super::sweep::{self, Grid, Point, Sweep};
use super::tree::{Table, read_document};
use super::words::nearest;
use super::write;

/// A scenario file with the values of `--set` arguments in it, not yet checked.
#[derive(Debug, Clone)]
pub struct ScenarioFile {
    source: Arc<Source>,
    root: Table,
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

    /// What stands for the file in messages.
    pub fn name(&self) -> &str {
        &self.source.name
    }

    /// The points of the study, made one by one: the grid of `[sweep]`, or a single point without it.
    ///
    /// # Errors
    /// All that is wrong with the file and its first point; for the others see [`Grid::check_all`].
    pub fn grid(&self) -> Result<Grid, ScenarioError> {
        Grid::new(self)
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

    /// All points of a study that is small enough to hold them.
    ///
    /// # Errors
    /// All problems of the file at once; for those that only show at some points, at the first of them.
    pub fn points(&self) -> Result<Vec<Point>, ScenarioError> {
        let grid = self.grid()?;
        (0..grid.len()).map(|index| grid.point(index)).collect()
    }

    /// The scenario with every default filled in and its `[sweep]`: reads back to the same points.
    ///
    /// # Errors
    /// Those of [`ScenarioFile::grid`].
    pub fn resolved_toml(&self) -> Result<String, ScenarioError> {
        let grid = self.grid()?;
        Ok(write::study(grid.first(), grid.first_root(), grid.sweep()))
    }

    /// What makes a study this study and no other, as TOML: [`ScenarioFile::resolved_toml`] without the number of
    /// replications, the rule that adds some, and figures. Two studies with the same can share their runs.
    ///
    /// # Errors
    /// Those of [`ScenarioFile::grid`].
    pub fn identity_toml(&self) -> Result<String, ScenarioError> {
        let grid = self.grid()?;
        Ok(write::identity(grid.first(), grid.first_root(), grid.sweep()))
    }

    pub(super) fn sweep(&self) -> Result<Sweep, ScenarioError> {
        Sweep::read(&self.root).map_err(|mut problems| {
            // what the sweep leaves open cannot be judged, but a misspelt key stays one
            let base = check(&self.root, self.stem(), &[], &InputFiles::default()).err().unwrap_or_default();
            problems.extend(base.into_iter().filter(|problem| problem.is_unknown_key));
            self.error(problems)
        })
    }

    pub(super) fn error(&self, problems: Vec<Problem>) -> ScenarioError {
        ScenarioError::new(problems.into_iter().map(|problem| problem.in_file(&self.source.name)).collect())
    }

    pub(super) fn root(&self) -> &Table {
        &self.root
    }

    pub(super) fn stem(&self) -> &str {
        Path::new(&self.source.name).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()
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
