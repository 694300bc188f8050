//! Asking pip for the wheel.
//!
//! pip, not this program, knows the user's package index, mirror, proxy and certificates. No registry is named here.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A program that behaves as pip does when `download …` follows its own arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipCommand {
    pub program: OsString,
    pub arguments: Vec<OsString>,
}

impl PipCommand {
    pub fn new<A: Into<OsString>>(program: impl Into<OsString>, arguments: impl IntoIterator<Item = A>) -> Self {
        Self { program: program.into(), arguments: arguments.into_iter().map(Into::into).collect() }
    }

    /// What is tried, in this order. uv has no `download` of its own, so it runs pip as a tool in an environment of its own.
    pub fn candidates() -> Vec<Self> {
        vec![
            Self::new("python3", ["-m", "pip"]),
            Self::new("python", ["-m", "pip"]),
            Self::new("uv", ["tool", "run", "--quiet", "--from", "pip", "pip"]),
        ]
    }

    /// Downloads one wheel into `folder`, which exists and is empty. pip refuses a file whose digest is not the one of
    /// `hashed_requirement`, a line `name==version --hash=sha256:…`; `selection` is `download` and what narrows it.
    ///
    /// # Errors
    /// One line that says which command failed and what it said last.
    pub fn download(&self, hashed_requirement: &str, selection: &[&str], folder: &Path) -> Result<PathBuf, String> {
        let requirements = folder.join("requirements.txt");
        fs::write(&requirements, format!("{hashed_requirement}\n"))
            .map_err(|error| format!("{self}: cannot write `{}`: {error}", requirements.display()))?;
        let output = Command::new(&self.program)
            .args(&self.arguments)
            .args(selection)
            .args(["--quiet", "--no-input", "--disable-pip-version-check", "--require-hashes", "--requirement"])
            .arg(&requirements)
            .arg("--dest")
            .arg(folder)
            // `python -m` puts the current folder first on its path: a file named pip.py there must not be taken for pip
            .current_dir(folder)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => {
                    format!("{self}: `{}` is not installed", self.program.display())
                }
                _ => format!("{self}: {error}"),
            })?;
        if !output.status.success() {
            return Err(format!("{self}: {}", last_words(&output.stderr, &output.status)));
        }
        fs::read_dir(folder)
            .map_err(|error| format!("{self}: cannot read `{}`: {error}", folder.display()))?
            .flatten()
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
            .ok_or_else(|| format!("{self}: ended well but left no wheel"))
    }
}

impl std::fmt::Display for PipCommand {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", self.program.display())?;
        for argument in &self.arguments {
            write!(formatter, " {}", argument.display())?;
        }
        Ok(())
    }
}

/// The line of pip's complaint that says most: its last `ERROR`, else its last line, else the exit status. A broken connection
/// is told apart, since pip ends it with "no matching distribution".
fn last_words(stderr: &[u8], status: &std::process::ExitStatus) -> String {
    let text = String::from_utf8_lossy(stderr);
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).rev();
    let last = lines.clone().next();
    let complaint = lines
        .find(|line| line.starts_with("ERROR"))
        .or(last)
        .map_or_else(|| format!("ended with {status} and no message"), str::to_owned);
    if text.contains("connection broken") {
        format!("its package index could not be reached ({complaint})")
    } else {
        complaint
    }
}
