//! `latentlink judge`: what the agents that rate the pictures are told.

mod prompts;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use self::prompts::AgentsPrompt;
use super::standard_output;
use crate::error::Error;

/// Look at what the judge does.
#[derive(Debug, Clone, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct JudgeArgs {
    #[command(subcommand)]
    command: JudgeCommand,
}

#[derive(Debug, Clone, Subcommand)]
enum JudgeCommand {
    Prompt(PromptArgs),
}

/// Print what each agent is told, with the picture's place shown as `<image>`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  Every agent of a scenario, users and panel, with what each user asked for:
    latentlink judge prompt scenarios/paper/fig09.toml
  One agent, without a scenario:
    latentlink judge prompt --persona GA1 --request \"a dog sits in front of a bush\"
  A personality of one's own (openness, conscientiousness, extraversion, agreeableness, neuroticism) and template:
    latentlink judge prompt --persona 0.9,0.2,0.1,0.1,0.8 --request \"a dog\" --template my_template.toml

docs/judge-template.md describes templates.")]
pub struct PromptArgs {
    /// Scenario file.
    #[arg(value_name = "FILE", required_unless_present = "persona", conflicts_with_all = ["persona", "request"])]
    pub file: Option<PathBuf>,
    /// Override a field of the scenario by its path; may be given several times.
    #[arg(long, value_name = "PATH=VALUE", requires = "file")]
    pub set: Vec<String>,
    /// Name of a persona (GA1, GA2, GA2-fig10, neutral), or its five traits separated by commas.
    #[arg(long, value_name = "PERSONA", requires = "request")]
    pub persona: Option<String>,
    /// What the user had asked for.
    #[arg(long, value_name = "TEXT", requires = "persona")]
    pub request: Option<String>,
    /// Template file [default: the scenario's, else the pack's judge_template.toml, else the built-in one].
    #[arg(long, value_name = "FILE", conflicts_with = "pack")]
    pub template: Option<PathBuf>,
    /// Judge pack whose template is taken [default: the scenario's, else models/emoji-llava].
    #[arg(long, value_name = "FOLDER")]
    pub pack: Option<PathBuf>,
    /// Print JSON, for machines.
    #[arg(long)]
    pub json: bool,
}

/// Runs the subcommand.
///
/// # Errors
/// A wrong scenario, persona or template, or a pack that is not there.
pub fn judge(args: &JudgeArgs) -> Result<(), Error> {
    let JudgeCommand::Prompt(args) = &args.command;
    let prompts = prompts::of(args)?;
    let text = if args.json {
        serde_json::to_string_pretty(&prompts).expect("prompts have string keys and finite numbers") + "\n"
    } else {
        let paragraphs: Vec<String> = prompts.iter().map(AgentsPrompt::paragraph).collect();
        paragraphs.join("\n")
    };
    standard_output::print(&text)
}
