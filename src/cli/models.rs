//! `latentlink models`: the model packs that are there, and whether they are whole.

use std::path::{Path, PathBuf};

use clap::Args;
use miette::Diagnostic;

use super::doctor::{PackCheck, PackHealth};
use super::pack_summary::{DigestSummary, ModelSummary, PackSummary};
use super::standard_output;
use crate::error::Error;

/// List the model packs, those that draw and those that judge: their size, and whether their files are intact.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  latentlink models\n  latentlink models --folder /data/packs\n  latentlink models --json"
)]
pub struct ModelsArgs {
    /// Folder that holds the packs, or one pack.
    #[arg(long, default_value = "models", value_name = "FOLDER")]
    pub folder: PathBuf,
    /// Print JSON, for machines.
    #[arg(long)]
    pub json: bool,
}

/// Prints the packs.
///
/// # Errors
/// [`Error::NoPacks`] where none is there, [`Error::Packs`] where one cannot be used (exit code 3).
pub fn models(args: &ModelsArgs) -> Result<(), Error> {
    let packs = PackSummary::of_all_in(&args.folder);
    let text = if args.json {
        serde_json::to_string_pretty(&packs).expect("a summary has string keys only") + "\n"
    } else {
        listing(&packs)
    };
    standard_output::print(&text)?;
    if packs.is_empty() {
        return Err(Error::NoPacks { folder: args.folder.clone() });
    }
    let broken = packs.iter().filter(|pack| pack.problem.is_some()).count();
    if broken > 0 {
        return Err(Error::Packs { folder: args.folder.clone(), broken, packs: packs.len() });
    }
    Ok(())
}

/// The pack at `root` as `latentlink doctor` asks: files that do not hold, else what else is wrong; where sessions are asked
/// for, also those that do not load or cannot make one picture or answer.
pub fn pack_health(root: &Path, check: PackCheck) -> PackHealth {
    let summary = PackSummary::checked(root, check);
    let missing = summary.digests.missing.iter().map(|file| format!("{file} is missing, which digests.json lists"));
    let corrupt = summary.digests.corrupt.iter().map(|file| format!("{file} is corrupt"));
    let mut problems: Vec<_> = missing.chain(corrupt).collect();
    let mut mend = None;
    if let (true, Some(problem)) = (problems.is_empty(), &summary.problem) {
        problems.push(problem.to_string());
        mend = problem.help().map(|help| help.to_string());
    }
    PackHealth {
        kind: summary.kind,
        digests_listed: summary.digests.listed,
        files_intact: summary.digests.intact,
        sessions_load: check.sessions_on.map(|_| problems.is_empty()),
        problems,
        mend,
    }
}

/// The packs as text, one paragraph each.
pub fn listing(packs: &[PackSummary]) -> String {
    let paragraphs: Vec<_> = packs.iter().map(paragraph).collect();
    paragraphs.join("\n")
}

fn paragraph(pack: &PackSummary) -> String {
    let mut lines = vec![format!("{}  ({})", pack.name, pack.path.display())];
    let mut line = |name: &str, text: String| lines.push(format!("  {name:<9} {text}"));
    if let Some(card) = &pack.card {
        line("card", card.clone());
    }
    line("kind", format!("{}, {:.1} MB", pack.kind.name(), pack.size_mb));
    if let Some(architecture) = pack.architecture {
        line("model", architecture.to_owned());
    }
    for model in &pack.models {
        line("", network(model));
    }
    if let Some(schedule) = &pack.schedule {
        line("scheduler", schedule.clone());
    }
    if !pack.tokenizers.is_empty() {
        line("tokenizer", pack.tokenizers.join("; "));
    }
    if let Some([channels, height, width]) = pack.latent_shape {
        line("latent", format!("{channels} × {height} × {width}"));
    }
    match pack.picture_size_px {
        Some([height, width]) if pack.pictures_are_cut => {
            line("pictures", format!("tiles of {width} × {height} pixels"))
        }
        Some([height, width]) => line("pictures", format!("{width} × {height} pixels")),
        None if pack.pictures_are_cut => line("pictures", "patches of any size".to_owned()),
        None => {}
    }
    if let Some(tokens) = pack.tokens_per_picture {
        line("looks", format!("a picture becomes {tokens} tokens"));
    }
    if let (Some(known), Some(context)) = (pack.tokens_known, pack.context_tokens) {
        line("prompts", format!("{known} tokens known, up to {context} with the picture and the answer"));
    }
    if let Some(scale) = pack.score_scale {
        let mut template = pack.template_file.unwrap_or("the built-in template: the pack brings none").to_owned();
        if let Some(chat) = &pack.chat_template_file {
            template += &format!("; in the chat template of {chat}");
        }
        line("marks", format!("{} to {} ({template})", scale.lowest, scale.highest));
    }
    if let (Some(known), Some(length)) = (pack.tokens_known, pack.prompt_tokens) {
        line("prompts", format!("{known} tokens known, up to {length} in a prompt"));
    }
    if let Some(words) = &pack.known_words {
        line("words", wrapped(words, 100, 12));
    }
    line("files", digests(&pack.digests));
    if let Some(problem) = &pack.problem {
        line("problem", problem.to_string().replace('\n', "\n            "));
        if let Some(help) = miette::Diagnostic::help(problem) {
            line("help", help.to_string().replace('\n', "\n            "));
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

/// One model in a line: what it does, its size and precision.
fn network(model: &ModelSummary) -> String {
    let mut text = format!("{}: {:.2} million weights", model.role, model.parameters as f64 / 1e6);
    if let Some(weights) = model.weights {
        text += &format!(" of {weights}");
    }
    if !model.external_data.is_empty() {
        let files: Vec<_> = model.external_data.iter().map(|file| file.display().to_string()).collect();
        text += &format!(", in {}", files.join(", "));
    }
    text
}

fn digests(digests: &DigestSummary) -> String {
    if !digests.listed {
        return "not checked: the pack has no digests.json".into();
    }
    let mut text = format!("{} intact", digests.intact);
    for (what, files) in
        [("missing", &digests.missing), ("corrupt", &digests.corrupt), ("not in digests.json", &digests.unlisted)]
    {
        if !files.is_empty() {
            text += &format!(", {} {what} ({})", files.len(), files.join(", "));
        }
    }
    text
}

/// `words` in lines of about `width` columns, each but the first set in by `indent`.
fn wrapped(words: &[String], width: usize, indent: usize) -> String {
    let mut text = String::new();
    let mut column = 0;
    for word in words {
        let length = word.chars().count();
        if column > 0 && column + length + 1 > width {
            text += "\n";
            text += &" ".repeat(indent);
            column = 0;
        } else if column > 0 {
            text += " ";
            column += 1;
        }
        text += word;
        column += length;
    }
    text
}
