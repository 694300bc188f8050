//! What a user is told of a pack's error, and whether that holds what it should.

use std::path::Path;

use latentlink::onnx::PackError;
use miette::Diagnostic;

/// The error and its help, with `PACK` for the folder `root`.
pub fn told(error: &PackError, root: &Path) -> String {
    let help = error.help().map(|help| format!("\n{help}")).unwrap_or_default();
    format!("{error}{help}").replace(&root.display().to_string(), "PACK")
}

/// Every part is said.
#[track_caller]
pub fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not said:\n{text}");
    }
}
