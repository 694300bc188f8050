//! A pack on one screen: what `latentlink models` and `latentlink doctor` tell of each.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::doctor::PackCheck;
use crate::diffusion::{NoiseSchedule, PredictionType};
use crate::error::Error;
use crate::judge::score_scale::ScoreScale;
use crate::judge::template::{ChosenTemplate, PromptTemplate};
use crate::onnx::digest::{DIGESTS_FILE, DigestReport, files_below, verify_digests};
use crate::onnx::judge_pack::{TEMPLATE_FILE, is_judge_pack, judge_packs_in};
use crate::onnx::pack::PackModel;
use crate::onnx::pack::{is_diffusion_pack, packs_in};
use crate::onnx::picture_preprocessing::PictureLayout;
use crate::onnx::{DiffusionPack, JudgePack, PromptTokenizer};

/// What a pack is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PackKind {
    /// Makes pictures.
    Diffusion,
    /// Looks at pictures and gives them a score.
    Judge,
}

impl PackKind {
    /// What the pack in the folder `root` looks like. One that looks like neither is taken for a diffusion pack.
    pub fn of(root: &Path) -> Self {
        let judges = is_judge_pack(root) || root.join("onnx").is_dir();
        if judges && !is_diffusion_pack(root) { Self::Judge } else { Self::Diffusion }
    }

    /// The word for people and machines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Diffusion => "diffusion",
            Self::Judge => "judge",
        }
    }
}

/// What a pack is and whether it can be used. What only the other kind of pack has is `None`.
#[derive(Debug, Serialize)]
pub struct PackSummary {
    /// Name of the folder.
    pub name: String,
    pub path: PathBuf,
    pub kind: PackKind,
    /// Size of all files, 1 MB = 10⁶ bytes.
    pub size_mb: f64,
    /// What kind of diffusion model it is.
    pub architecture: Option<&'static str>,
    /// The scheduler that its file is for, and what the denoiser predicts.
    pub schedule: Option<String>,
    /// The models, in the order in which a prompt and its picture, or a picture to look at, meet them.
    pub models: Vec<ModelSummary>,
    /// The files that say how prompts are split, one for each text encoder of a diffusion pack.
    pub tokenizers: Vec<String>,
    /// Channels, height, width.
    pub latent_shape: Option<[usize; 3]>,
    /// Height and width in pixels of the pictures that are made or looked at, where a configuration tells.
    pub picture_size_px: Option<[usize; 2]>,
    /// Whether a judge looks at tiles or patches of a picture.
    pub pictures_are_cut: bool,
    /// Tokens of one prompt, special ones included.
    pub prompt_tokens: Option<usize>,
    /// Tokens that the tokenizer knows.
    pub tokens_known: Option<usize>,
    /// All words that a prompt may use, where the vocabulary is a list of words.
    pub known_words: Option<Vec<String>>,
    /// Tokens that a judge makes of a picture, where its configuration tells.
    pub tokens_per_picture: Option<usize>,
    /// Tokens of prompt, picture and answer together that a judge can hold.
    pub context_tokens: Option<usize>,
    /// The marks that a judge is asked for.
    pub score_scale: Option<MarkRange>,
    /// The template that a judge pack brings; without one, it is asked with the one that is built in.
    pub template_file: Option<&'static str>,
    /// The file of the chat template in which a judge is asked.
    pub chat_template_file: Option<String>,
    pub digests: DigestSummary,
    /// The first line of the pack's README.md.
    pub card: Option<String>,
    /// Why the pack cannot be used.
    #[serde(serialize_with = "as_message")]
    pub problem: Option<Error>,
}

/// One model of a pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelSummary {
    pub role: &'static str,
    /// Relative to the pack.
    pub file: PathBuf,
    /// The element type of most of its weights.
    pub weights: Option<&'static str>,
    pub parameters: u64,
    /// Files beside it that hold weights, relative to the pack.
    pub external_data: Vec<PathBuf>,
}

impl ModelSummary {
    fn of(model: &PackModel, root: &Path) -> Self {
        let relative = |file: &Path| file.strip_prefix(root).unwrap_or(file).to_owned();
        Self {
            role: model.role,
            file: relative(model.file.file()),
            weights: model.file.weight_type(),
            parameters: model.file.parameters(),
            external_data: model.file.external_files().iter().map(|file| relative(file)).collect(),
        }
    }
}

/// Lowest and highest mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct MarkRange {
    pub lowest: i32,
    pub highest: i32,
}

impl From<ScoreScale> for MarkRange {
    fn from(ScoreScale { lowest, highest }: ScoreScale) -> Self {
        Self { lowest, highest }
    }
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
        Self::checked(root, PackCheck::default())
    }

    /// The packs of both kinds in `folder`, by name; the folder itself where it is one.
    pub fn of_all_in(folder: &Path) -> Vec<Self> {
        if is_diffusion_pack(folder) || is_judge_pack(folder) {
            return vec![Self::of(folder)];
        }
        let mut packs = packs_in(folder);
        packs.extend(judge_packs_in(folder));
        packs.sort();
        packs.dedup();
        packs.iter().map(|root| Self::of(root)).collect()
    }

    /// As [`PackSummary::of`], with the files of a judge pack that `check` names; where it asks for sessions, those of one
    /// worker are made on the CPU.
    pub fn checked(root: &Path, check: PackCheck) -> Self {
        let kind = PackKind::of(root);
        let mut summary = Self::unopened(root, kind);
        let found = match kind {
            PackKind::Diffusion => summary.examine_diffusion(root, check),
            PackKind::Judge => summary.examine_judge(root, check),
        };
        match (found, verify_digests(root)) {
            (found, Ok(report)) => {
                summary.digests = DigestSummary::from(report);
                summary.problem = found.err();
            }
            (found, Err(unreadable)) => summary.problem = Some(found.err().unwrap_or(unreadable.into())),
        }
        summary
    }

    fn examine_diffusion(&mut self, root: &Path, check: PackCheck) -> Result<(), Error> {
        let pack = DiffusionPack::open(root)?;
        self.architecture = Some(pack.architecture().name());
        self.models = pack.models().iter().map(|model| ModelSummary::of(model, root)).collect();
        self.tokenizers =
            [Some(pack.tokenizer()), pack.second_tokenizer()].into_iter().flatten().map(tokenizer_files).collect();
        self.latent_shape = Some(pack.latent_shape());
        self.picture_size_px = pack.picture_size();
        self.prompt_tokens = Some(pack.tokenizer().prompt_length());
        self.tokens_known = Some(pack.tokenizer().vocabulary_size());
        self.known_words = pack.tokenizer().known_words().map(<[String]>::to_vec);
        let (file, config) = pack.scheduler_config();
        let prediction = match NoiseSchedule::from_config(file, config)?.prediction() {
            PredictionType::Epsilon => "epsilon",
            PredictionType::VPrediction => "v_prediction",
            PredictionType::Sample => "sample",
        };
        self.schedule =
            Some(format!("{}, predicts {prediction}", config["_class_name"].as_str().unwrap_or("no class")));
        if let Some(provider) = check.sessions_on {
            pack.load_worker(provider, all_cores())?;
        }
        Ok(())
    }

    fn examine_judge(&mut self, root: &Path, check: PackCheck) -> Result<(), Error> {
        let pack = JudgePack::open_as(root, check.dtype)?;
        self.picture_size_px = pack.preprocessing().size();
        self.pictures_are_cut = pack.preprocessing().layout([1, 1]) != PictureLayout::Whole;
        self.models = pack.models().iter().map(|model| ModelSummary::of(model, root)).collect();
        self.tokens_per_picture = pack.image_tokens();
        self.tokens_known = Some(pack.tokenizer().vocabulary_size());
        self.context_tokens = Some(pack.context_tokens());
        let ChosenTemplate { template, source } = PromptTemplate::for_pack(root, None)?;
        self.template_file = source.file.map(|_| TEMPLATE_FILE);
        let name_of = |file: PathBuf| file.file_name().map(|name| name.to_string_lossy().into_owned());
        self.chat_template_file = source.chat_template.and_then(name_of);
        self.score_scale = Some(template.scale().into());
        if let Some(provider) = check.sessions_on {
            pack.load_worker(provider, all_cores())?;
        }
        Ok(())
    }

    /// What can be told before a pack is opened.
    fn unopened(root: &Path, kind: PackKind) -> Self {
        Self {
            name: root.file_name().map_or_else(|| root.display().to_string(), |name| name.to_string_lossy().into()),
            path: root.to_owned(),
            kind,
            size_mb: size_mb(root),
            architecture: None,
            schedule: None,
            models: Vec::new(),
            tokenizers: Vec::new(),
            latent_shape: None,
            picture_size_px: None,
            pictures_are_cut: false,
            prompt_tokens: None,
            tokens_known: None,
            known_words: None,
            tokens_per_picture: None,
            context_tokens: None,
            score_scale: None,
            template_file: None,
            chat_template_file: None,
            digests: DigestSummary {
                listed: root.join(DIGESTS_FILE).exists(),
                intact: 0,
                missing: Vec::new(),
                corrupt: Vec::new(),
                unlisted: Vec::new(),
            },
            card: card_line(root),
            problem: None,
        }
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

/// Nothing else runs while a pack is tried, and one step of a large model takes a while.
fn all_cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// What a tokenizer was read from.
fn tokenizer_files(tokenizer: &PromptTokenizer) -> String {
    let file = tokenizer.file();
    let folder = file.parent().and_then(Path::file_name).map(Path::new).unwrap_or(Path::new(""));
    let name = folder.join(file.file_name().unwrap_or_default()).display().to_string();
    if name.ends_with("vocab.json") { name + " and merges.txt" } else { name }
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

fn as_message<S: serde::Serializer>(problem: &Option<Error>, serializer: S) -> Result<S::Ok, S::Error> {
    problem.as_ref().map(ToString::to_string).serialize(serializer)
}
