//! Does a pack still hold the bytes it was shipped with? SHA-256 digests of its files, and the `digests.json` that
//! lists them:
//!
//! ```json
//! { "files": { "unet/model.onnx": "9f86d081…", "tokenizer/tokenizer.json": "60303ae2…" } }
//! ```
//!
//! Paths are relative to the pack and use `/`; digests are 64 hexadecimal digits.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::pack_error::PackError;

/// Name of the list of digests in a pack's folder.
pub const DIGESTS_FILE: &str = "digests.json";

/// The SHA-256 of one file.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileDigest(pub [u8; 32]);

impl FileDigest {
    /// Reads 64 hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl std::fmt::Display for FileDigest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl std::fmt::Debug for FileDigest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{self}")
    }
}

/// A file whose bytes are not those that `digests.json` lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorruptFile {
    /// Relative to the pack, with `/`.
    pub file: String,
    pub expected: FileDigest,
    pub found: FileDigest,
}

/// How a pack's files compare with its `digests.json`. All names are relative to the pack, with `/`, and sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestReport {
    /// Whether the pack has a `digests.json` at all; without one nothing is checked.
    pub listed: bool,
    /// Files that are there and hold.
    pub intact: Vec<String>,
    /// Files that are listed but not there.
    pub missing: Vec<String>,
    /// Files that are there with other bytes.
    pub corrupt: Vec<CorruptFile>,
    /// Files that are there but not listed.
    pub unlisted: Vec<String>,
}

impl DigestReport {
    /// Every listed file is there with the listed bytes. Unlisted files (your own notes, say) do no harm.
    pub fn holds(&self) -> bool {
        self.missing.is_empty() && self.corrupt.is_empty()
    }
}

/// The SHA-256 of a file, read in pieces.
///
/// # Errors
/// [`PackError::Read`] where the file cannot be read.
pub fn sha256_of_file(file: &Path) -> Result<FileDigest, PackError> {
    let unreadable = |reason| PackError::Read { file: file.to_owned(), reason };
    let mut reader = File::open(file).map_err(unreadable)?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; 1 << 18];
    loop {
        match reader.read(&mut piece).map_err(unreadable)? {
            0 => return Ok(FileDigest(hash.finalize().into())),
            length => hash.update(&piece[..length]),
        }
    }
}

/// The digests of `files` (relative to `root`, with `/`), computed side by side.
pub(super) fn sha256_of_files<'a>(
    root: &Path,
    files: impl IntoParallelIterator<Item = &'a String>,
) -> Result<BTreeMap<String, FileDigest>, PackError> {
    files.into_par_iter().map(|file| Ok((file.clone(), sha256_of_file(&root.join(file))?))).collect()
}

/// What `digests.json` lists, or `None` where the pack has no such file.
///
/// # Errors
/// Unreadable or malformed `digests.json`, or an entry that leaves the pack's folder.
pub fn read_digests(root: &Path) -> Result<Option<BTreeMap<String, FileDigest>>, PackError> {
    let path = root.join(DIGESTS_FILE);
    if !path.exists() {
        return Ok(None);
    }
    let json = super::pack::read_json(&path)?;
    let config = |key: String, expected: &str, found: String| PackError::Config {
        file: path.clone(),
        key,
        expected: expected.into(),
        found,
    };
    let Some(files) = json.get("files").and_then(|files| files.as_object()) else {
        let found = json.get("files").map_or("nothing".into(), ToString::to_string);
        return Err(config("files".into(), "an object of file names and digests", found));
    };
    let mut digests = BTreeMap::new();
    for (name, digest) in files {
        let inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        if !inside || name.contains('\\') {
            return Err(config(format!("files.{name}"), "a path inside the pack, with `/`", name.clone()));
        }
        let digest = digest
            .as_str()
            .and_then(FileDigest::from_hex)
            .ok_or_else(|| config(format!("files.{name}"), "64 hexadecimal digits, in quotes", digest.to_string()))?;
        digests.insert(name.clone(), digest);
    }
    Ok(Some(digests))
}

/// Hashes `files` and compares them with the pack's `digests.json`, if there is one. Files that `decide` must be there
/// where they are listed.
///
/// # Errors
/// [`PackError::ListedFileMissing`], [`PackError::CorruptFile`], and those of [`read_digests`].
pub(super) fn digests_that_hold(
    root: &Path,
    files: &[String],
    decides: impl Fn(&str) -> bool,
) -> Result<BTreeMap<String, FileDigest>, PackError> {
    require_listed_files(root, decides)?;
    let listed = read_digests(root)?.unwrap_or_default();
    let digests = sha256_of_files(root, files)?;
    for (file, &found) in &digests {
        if let Some(&expected) = listed.get(file).filter(|&&expected| expected != found) {
            return Err(PackError::CorruptFile { file: root.join(file), expected, found });
        }
    }
    Ok(digests)
}

/// Refuses a pack without a file that its `digests.json` lists and that is `asked_for`.
///
/// # Errors
/// [`PackError::ListedFileMissing`], and those of [`read_digests`].
pub(super) fn require_listed_files(root: &Path, asked_for: impl Fn(&str) -> bool) -> Result<(), PackError> {
    let listed = read_digests(root)?.unwrap_or_default();
    match listed.keys().find(|file| asked_for(file) && !root.join(file).is_file()) {
        None => Ok(()),
        Some(absent) => Err(PackError::ListedFileMissing { file: root.join(absent) }),
    }
}

/// Whether the pack's `digests.json` lists `file`.
pub(super) fn lists(root: &Path, file: &str) -> Result<bool, PackError> {
    Ok(read_digests(root)?.is_some_and(|listed| listed.contains_key(file)))
}

/// SHA-256 over the names and digests of files; `kind` tells one kind of digest from another.
pub(super) fn digest_of_files(kind: &[u8], files: &BTreeMap<String, FileDigest>) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(kind);
    for (file, digest) in files {
        hash.update((file.len() as u64).to_le_bytes());
        hash.update(file.as_bytes());
        hash.update(digest.0);
    }
    hash.finalize().into()
}

/// Compares every file of the pack at `root` with its `digests.json`.
///
/// # Errors
/// Unreadable files and a malformed `digests.json`; what merely differs is in the report.
pub fn verify_digests(root: &Path) -> Result<DigestReport, PackError> {
    let present = files_below(root, "")?;
    let listed = read_digests(root)?;
    let mut report = DigestReport {
        listed: listed.is_some(),
        intact: Vec::new(),
        missing: Vec::new(),
        corrupt: Vec::new(),
        unlisted: Vec::new(),
    };
    let listed = listed.unwrap_or_default();
    let (checked, missing): (Vec<_>, Vec<_>) = listed.keys().cloned().partition(|file| root.join(file).is_file());
    report.missing = missing;
    report.unlisted = present.into_iter().filter(|file| !listed.contains_key(file)).collect();
    report.unlisted.retain(|file| file != DIGESTS_FILE);
    for (file, found) in sha256_of_files(root, &checked)? {
        let expected = listed[&file];
        if expected == found {
            report.intact.push(file);
        } else {
            report.corrupt.push(CorruptFile { file, expected, found });
        }
    }
    Ok(report)
}

/// All files in `root/folder` and below, relative to `root`, with `/`, sorted; hidden ones (`.git`, `.DS_Store`)
/// left out. An absent folder has no files.
pub(crate) fn files_below(root: &Path, folder: &str) -> Result<Vec<String>, PackError> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        let path = root.join(&folder);
        if !path.is_dir() {
            continue;
        }
        let unreadable = |reason| PackError::Read { file: path.clone(), reason };
        for entry in path.read_dir().map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name();
            if name.to_string_lossy().starts_with('.') {
                continue;
            }
            let relative = folder.join(name);
            if entry.path().is_dir() {
                folders.push(relative);
            } else {
                let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
                found.push(parts.join("/"));
            }
        }
    }
    found.sort();
    Ok(found)
}
