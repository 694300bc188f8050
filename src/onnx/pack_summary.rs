//! A pack on one screen: what `latentlink models` and `latentlink doctor` tell of each.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::digest::{DIGESTS_FILE, DigestReport, files_below, verify_digests};
use super::pack::{DiffusionPack, packs_in};
use super::pack_error::PackError;

/// What a pack is and whether it can be used.
#[derive(Debug, Serialize)]
pub struct PackSummary {
    /// Name of the folder.
    pub name: String,
    pub path: PathBuf,
    /// `diffusion`
    pub kind: &'static str,
    /// Size of all files, 1 MB = 10⁶ bytes.
    pub size_mb: f64,
    /// Channels, height, width.
    pub latent_shape: Option<[usize; 3]>,
    /// Height and width in pixels, where a configuration tells.
    pub picture_size_px: Option<[usize; 2]>,
    /// Tokens of one prompt, special ones included.
    pub prompt_tokens: Option<usize>,
    /// Tokens that the tokenizer knows.
    pub tokens_known: Option<usize>,
    /// All words that a prompt may use, where the vocabulary is a list of words.
    pub known_words: Option<Vec<String>>,
    pub digests: DigestSummary,
    /// The first line of the pack's README.md.
    pub card: Option<String>,
    /// Why the pack cannot be used.
    #[serde(serialize_with = "as_message")]
    pub problem: Option<PackError>,
}

/// How the files compare with `digests.json`.
#[derive(Debug, Serialize)]
pub struct DigestSummary {
    /// Whether there is a `digests.json`.
    pub listed: bool,
    /// Number of files that hold.
    pub intact: usize,
    pub missing: Vec<String>,
    pub corrupt: Vec<String>,
    pub unlisted: Vec<String>,
}

impl PackSummary {
    /// Looks at the pack at `root`. What is wrong with it is in [`PackSummary::problem`].
    pub fn of(root: &Path) -> Self {
        let (pack, mut problem) = match DiffusionPack::open(root) {
            Ok(pack) => (Some(pack), None),
            Err(error) => (None, Some(error)),
        };
        let digests = match verify_digests(root) {
            Ok(report) => DigestSummary::from(report),
            Err(error) => {
                problem = problem.or(Some(error));
                DigestSummary {
                    listed: root.join(DIGESTS_FILE).exists(),
                    intact: 0,
                    missing: Vec::new(),
                    corrupt: Vec::new(),
                    unlisted: Vec::new(),
                }
            }
        };
        let pack = pack.as_ref();
        Self {
            name: root.file_name().map_or_else(|| root.display().to_string(), |name| name.to_string_lossy().into()),
            path: root.to_owned(),
            kind: "diffusion",
            size_mb: size_mb(root),
            latent_shape: pack.map(DiffusionPack::latent_shape),
            picture_size_px: pack.and_then(DiffusionPack::picture_size),
            prompt_tokens: pack.map(|pack| pack.tokenizer().prompt_length()),
            tokens_known: pack.map(|pack| pack.tokenizer().vocabulary_size()),
            known_words: pack.and_then(|pack| pack.tokenizer().known_words()).map(<[String]>::to_vec),
            digests,
            card: card_line(root),
            problem,
        }
    }

    /// The packs in `folder`, by name.
    pub fn of_all_in(folder: &Path) -> Vec<Self> {
        packs_in(folder).iter().map(|root| Self::of(root)).collect()
    }
}

impl From<DigestReport> for DigestSummary {
    fn from(report: DigestReport) -> Self {
        Self {
            listed: report.listed,
            intact: report.intact.len(),
            missing: report.missing,
            corrupt: report.corrupt.into_iter().map(|corrupt| corrupt.file).collect(),
            unlisted: report.unlisted,
        }
    }
}

fn size_mb(root: &Path) -> f64 {
    let files = files_below(root, "").unwrap_or_default();
    let bytes: u64 =
        files.iter().filter_map(|file| root.join(file).metadata().ok()).map(|metadata| metadata.len()).sum();
    bytes as f64 / 1e6
}

/// The first line of text of the model card, without heading marks; a front matter between `---` lines is skipped.
fn card_line(root: &Path) -> Option<String> {
    let card = std::fs::read_to_string(root.join("README.md")).ok()?;
    let mut lines = card.lines().map(str::trim).peekable();
    if lines.peek() == Some(&"---") {
        lines.next();
        lines.find(|line| *line == "---")?;
    }
    lines.map(|line| line.trim_start_matches('#').trim()).find(|line| !line.is_empty()).map(str::to_owned)
}

fn as_message<S: serde::Serializer>(problem: &Option<PackError>, serializer: S) -> Result<S::Ok, S::Error> {
    problem.as_ref().map(ToString::to_string).serialize(serializer)
}
