//! Where a value of a scenario was written: a span of a file, or of a `--set` argument.

use std::ops::Range;
use std::sync::Arc;

/// A text that scenario values come from.
#[derive(Debug)]
pub(super) struct Source {
    /// The path of a file as the user gave it, or `--set`.
    pub(super) name: String,
    pub(super) text: String,
    /// Whether the text is a `--set` argument.
    pub(super) is_argument: bool,
}

/// Where a value stands.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    pub(super) source: Arc<Source>,
    /// Bytes of the source's text.
    pub(super) span: Range<usize>,
}

impl Origin {
    pub(super) fn new(source: &Arc<Source>, span: Range<usize>) -> Self {
        Self { source: Arc::clone(source), span }
    }

    /// Line and column, both from 1; the column counts characters, not bytes.
    pub(super) fn line_and_column(&self) -> (usize, usize) {
        let mut start = self.span.start.min(self.source.text.len());
        while !self.source.text.is_char_boundary(start) {
            start -= 1;
        }
        let before = &self.source.text[..start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    pub(super) fn is_same_place(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.source, &other.source) && self.span == other.span
    }
}
