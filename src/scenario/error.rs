//! What is wrong with a scenario, where, and how to mend it.

use std::fmt;

use miette::{Diagnostic, LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};
use thiserror::Error;

use super::source::{Origin, Source};

/// One thing that is wrong with a scenario.
///
/// Printed plainly (`{}`) it reads `file:line:column: message`; with `{:#}` what was expected and the help follow on the
/// same line. As a [`Diagnostic`] it shows the line of the file, with what was expected under the value.
#[derive(Debug, Clone, Error)]
pub struct Problem {
    message: String,
    /// What was expected, shown under the value.
    expected: Option<String>,
    help: Option<String>,
    origin: Option<Origin>,
    /// Stands for the place where there is no origin: the file's name.
    file: Option<String>,
    /// Unknown keys are reported even where the rest cannot be judged.
    pub(super) is_unknown_key: bool,
}

impl Problem {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), expected: None, help: None, origin: None, file: None, is_unknown_key: false }
    }

    pub(super) fn at(mut self, origin: &Origin) -> Self {
        self.origin = Some(origin.clone());
        self
    }

    pub(super) fn in_file(mut self, name: &str) -> Self {
        self.file = Some(name.to_owned());
        self
    }

    /// The label under the value; it is read after "expected".
    pub(super) fn expected(mut self, expected: impl fmt::Display) -> Self {
        self.expected = Some(format!("expected {expected}"));
        self
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Says at which point of the sweep this happens.
    pub(super) fn at_point(mut self, point: &str) -> Self {
        self.message = format!("{}, at {point}", self.message);
        self
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        let same_place = match (&self.origin, &other.origin) {
            (Some(own), Some(others)) => own.is_same_place(others),
            (None, None) => true,
            _ => false,
        };
        same_place && self.message == other.message
    }

    /// Whether it stands at that place.
    pub(super) fn is_at(&self, origin: &Origin) -> bool {
        self.origin.as_ref().is_some_and(|own| own.is_same_place(origin))
    }

    /// What is wrong, without its place.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// "expected …", as it stands under the value.
    pub fn label(&self) -> Option<&str> {
        self.expected.as_deref()
    }

    /// How to mend it.
    pub fn advice(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// Line and column in the file or argument, from 1; `None` where the problem has no place (a missing table).
    pub fn line_and_column(&self) -> Option<(usize, usize)> {
        self.origin.as_ref().map(Origin::line_and_column)
    }

    fn place_in_file(&self) -> usize {
        self.origin.as_ref().map_or(usize::MAX, |origin| origin.span.start)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", Place(self), self.message)?;
        if formatter.alternate() {
            for more in [&self.expected, &self.help].into_iter().flatten() {
                write!(formatter, "; {}", more.split_whitespace().collect::<Vec<_>>().join(" "))?;
            }
        }
        Ok(())
    }
}

/// Writes `file:line:column: `, `--set argument: `, `file: ` or nothing.
struct Place<'a>(&'a Problem);

impl fmt::Display for Place<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.0.origin, &self.0.file) {
            (Some(origin), _) if origin.source.is_argument => {
                write!(formatter, "{} {}: ", origin.source.name, origin.source.text)
            }
            (Some(origin), _) => {
                let (line, column) = origin.line_and_column();
                write!(formatter, "{}:{line}:{column}: ", origin.source.name)
            }
            (None, Some(name)) => write!(formatter, "{name}: "),
            (None, None) => Ok(()),
        }
    }
}

impl Diagnostic for Problem {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.origin.as_ref().map(|origin| &*origin.source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let origin = self.origin.as_ref()?;
        let span = SourceSpan::from(origin.span.clone());
        let label = LabeledSpan::new_primary_with_span(Some(self.expected.clone().unwrap_or("here".into())), span);
        Some(Box::new(std::iter::once(label)))
    }
}

impl SourceCode for Source {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        context_lines_before: usize,
        context_lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let contents = self.text.read_span(span, context_lines_before, context_lines_after)?;
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            contents.data(),
            *contents.span(),
            contents.line(),
            contents.column(),
            contents.line_count(),
        )))
    }
}

/// Everything that is wrong with a scenario.
///
/// Its exit code is 2. As a [`Diagnostic`] the first problem leads and the others follow as related ones; printed
/// plainly (`{}`) it is the first problem and the number of others, with `{:#}` all of them, one per line.
#[derive(Debug, Clone, Error)]
pub struct ScenarioError {
    /// Never empty.
    problems: Vec<Problem>,
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if formatter.alternate() {
            let lines: Vec<String> = self.problems.iter().map(|problem| format!("{problem:#}")).collect();
            return formatter.write_str(&lines.join("\n"));
        }
        write!(formatter, "{}", self.first())?;
        match self.problems.len() - 1 {
            0 => Ok(()),
            1 => formatter.write_str(" (and 1 more problem)"),
            others => write!(formatter, " (and {others} more problems)"),
        }
    }
}

impl ScenarioError {
    /// `problems` must not be empty; they are put in the order of the file, and each is said once: one number for
    /// all devices is checked for each of them.
    pub(super) fn new(mut problems: Vec<Problem>) -> Self {
        assert!(!problems.is_empty(), "a scenario error holds at least one problem");
        problems.sort_by_key(Problem::place_in_file);
        problems.dedup_by(|later, earlier| later.is_same(earlier));
        Self { problems }
    }

    /// All problems, in the order of the file.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    fn first(&self) -> &Problem {
        &self.problems[0]
    }
}

impl From<Problem> for ScenarioError {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem] }
    }
}

impl From<Box<Problem>> for ScenarioError {
    fn from(problem: Box<Problem>) -> Self {
        (*problem).into()
    }
}

impl Diagnostic for ScenarioError {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Diagnostic::help(self.first())
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.first().source_code()
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.first().labels()
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        match &self.problems[1..] {
            [] => None,
            others => Some(Box::new(others.iter().map(|problem| problem as &dyn Diagnostic))),
        }
    }
}
