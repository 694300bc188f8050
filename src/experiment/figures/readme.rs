//! `figures/README.md`: each figure with the numbers behind it and the command that draws it again.

use std::fs;
use std::path::Path;

use super::DrawnFigure;
use crate::report::ReportError;
use crate::report::durable_file::write_durably;

const FILE: &str = "README.md";

/// Lists the figures in `folder`: those that were `drawn` now, and those of an earlier list that are still there.
pub(super) fn write_readme(
    folder: &Path,
    drawn: &[DrawnFigure],
    command: &dyn Fn(&str) -> String,
) -> Result<(), ReportError> {
    let row = |figure: &DrawnFigure| {
        format!("| `{0}.png` | `{0}.svg` | `{0}.csv` | `{1}` |", figure.file, command(&figure.name))
    };
    let mut rows: Vec<(String, String)> = Vec::new();
    let earlier = fs::read_to_string(folder.join(FILE)).unwrap_or_default();
    for line in earlier.lines() {
        if let Some(picture) = line.strip_prefix("| `").and_then(|line| line.split('`').next())
            && folder.join(picture).is_file()
        {
            rows.push((picture.to_owned(), line.to_owned()));
        }
    }
    for figure in drawn {
        let (picture, line) = (format!("{}.png", figure.file), row(figure));
        match rows.iter_mut().find(|(known, _)| *known == picture) {
            Some((_, known)) => *known = line,
            None => rows.push((picture, line)),
        }
    }
    let mut text = String::from(
        "# Figures\n\nEach comes as pixels, as vectors, and with the numbers that it shows. The command beside it draws it again from the\n\
         tables of the results folder; where it says `.`, it is given there.\n\n\
         | picture | vectors | numbers | command |\n|---|---|---|---|\n",
    );
    for (_, line) in rows {
        text.push_str(&line);
        text.push('\n');
    }
    write_durably(&folder.join(FILE), text.as_bytes())
}
