//! Profiles in TOML files.
//!
//! ```toml
//! name = "…"                      # the hardware and the model
//! provenance = "measured"         # or "published", "assumed"
//! source = "…"                    # the command, or title, authors, year and address, or the reasoning
//! decode_time_s = 0.004           # of one latent
//! decode_energy_j = 0.02
//!
//! [[batch]]
//! size = 1                        # chains that are denoised side by side; each size once, ascending, from 1 on
//! step_time_s = 0.0026            # one denoising step of all of them
//! step_energy_j = 0.012
//! ```

use std::ops::Range;
use std::path::{Path, PathBuf};

use miette::Diagnostic;
use serde::Deserialize;
use thiserror::Error;
use toml::Spanned;

use super::{BatchCost, ComputeProfile, Provenance};

/// What is wrong with a profile; lines count from 1.
#[derive(Debug, Clone, PartialEq, Error, Diagnostic)]
pub enum ProfileError {
    /// It is missing or cannot be opened.
    #[error("cannot read the profile {}: {reason}", path.display())]
    #[diagnostic(help("the path is relative to the working directory; scenarios/profiles has examples"))]
    Unreadable { path: PathBuf, reason: String },
    /// It is not TOML, or a key is missing, unknown, or of another type.
    #[error("{}:{line}: {reason}", path.display())]
    #[diagnostic(help(
        "a profile has name, provenance, source, decode_time_s, decode_energy_j, and [[batch]] tables with size, \
         step_time_s and step_energy_j; scenarios/profiles has examples"
    ))]
    NotAProfile { path: PathBuf, line: usize, reason: String },
    /// A value that cannot be meant.
    #[error("{}:{line}: `{key}` is {value}, expected {expected}", path.display())]
    #[diagnostic(help(
        "times are in seconds and energies in joules, of a whole batch, which never gets cheaper by growing"
    ))]
    Value { path: PathBuf, line: usize, key: &'static str, value: String, expected: String },
}

/// The profile of a TOML file.
///
/// # Errors
/// [`ProfileError`] for the first thing that is wrong.
pub fn read_profile(path: &Path) -> Result<ComputeProfile, ProfileError> {
    let unreadable = |reason: String| ProfileError::Unreadable { path: path.to_owned(), reason };
    let bytes = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8".to_owned()))?;
    let file = ProfileText { path, text: &text };
    let tables: ProfileTables = toml::from_str(&text).map_err(|error| ProfileError::NotAProfile {
        path: path.to_owned(),
        line: file.line(error.span().unwrap_or_default()),
        reason: error.message().to_owned(),
    })?;
    file.profile(tables)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileTables {
    name: Spanned<String>,
    provenance: ProvenanceWord,
    source: Spanned<String>,
    decode_time_s: Spanned<f64>,
    decode_energy_j: Spanned<f64>,
    batch: Vec<Spanned<BatchTable>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BatchTable {
    size: Spanned<u32>,
    step_time_s: Spanned<f64>,
    step_energy_j: Spanned<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum ProvenanceWord {
    Measured,
    Published,
    Assumed,
}

/// The file that is read, for what is said of it.
struct ProfileText<'a> {
    path: &'a Path,
    text: &'a str,
}

impl ProfileText<'_> {
    fn line(&self, span: Range<usize>) -> usize {
        let before = &self.text.as_bytes()[..span.start.min(self.text.len())];
        1 + before.iter().filter(|byte| **byte == b'\n').count()
    }

    fn wrong<T: std::fmt::Display>(&self, key: &'static str, value: &Spanned<T>, expected: String) -> ProfileError {
        ProfileError::Value {
            path: self.path.to_owned(),
            line: self.line(value.span()),
            key,
            value: format!("`{}`", value.get_ref()),
            expected,
        }
    }

    fn profile(&self, tables: ProfileTables) -> Result<ComputeProfile, ProfileError> {
        let mut batches: Vec<BatchCost> = Vec::with_capacity(tables.batch.len());
        for table in &tables.batch {
            batches.push(self.batch(table.get_ref(), batches.last())?);
        }
        if batches.is_empty() {
            let reason = "there is no [[batch]], expected at least one of size 1".to_owned();
            return Err(ProfileError::NotAProfile { path: self.path.to_owned(), line: 1, reason });
        }
        Ok(ComputeProfile {
            name: self.words("name", &tables.name, "of the hardware and the model")?,
            provenance: match tables.provenance {
                ProvenanceWord::Measured => Provenance::Measured,
                ProvenanceWord::Published => Provenance::Published,
                ProvenanceWord::Assumed => Provenance::Assumed,
            },
            source: self.words("source", &tables.source, "that says where the numbers are from")?,
            batches,
            decode_time_s: self.at_least("decode_time_s", &tables.decode_time_s, 0.0)?,
            decode_energy_j: self.at_least("decode_energy_j", &tables.decode_energy_j, 0.0)?,
        })
    }

    fn batch(&self, table: &BatchTable, before: Option<&BatchCost>) -> Result<BatchCost, ProfileError> {
        let size = *table.size.get_ref();
        match before {
            None if size != 1 => return Err(self.wrong("size", &table.size, "1 in the first [[batch]]".to_owned())),
            Some(before) if size <= before.batch_size => {
                let expected = format!("more than the {} of the table before", before.batch_size);
                return Err(self.wrong("size", &table.size, expected));
            }
            _ => {}
        }
        let least = before.map_or((0.0, 0.0), |before| (before.step_time_s, before.step_energy_j));
        let step_time_s = self.at_least("step_time_s", &table.step_time_s, least.0)?;
        if step_time_s == 0.0 {
            return Err(self.wrong("step_time_s", &table.step_time_s, "a number above 0".to_owned()));
        }
        Ok(BatchCost {
            batch_size: size,
            step_time_s,
            step_energy_j: self.at_least("step_energy_j", &table.step_energy_j, least.1)?,
        })
    }

    fn at_least(&self, key: &'static str, value: &Spanned<f64>, least: f64) -> Result<f64, ProfileError> {
        let number = *value.get_ref();
        if number.is_finite() && number >= least {
            Ok(number)
        } else {
            Err(self.wrong(key, value, format!("a finite number ≥ {least}")))
        }
    }

    fn words(&self, key: &'static str, value: &Spanned<String>, what: &str) -> Result<String, ProfileError> {
        let text = value.get_ref().trim();
        if text.is_empty() { Err(self.wrong(key, value, format!("words {what}"))) } else { Ok(text.to_owned()) }
    }
}
