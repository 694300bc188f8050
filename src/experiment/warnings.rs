//! What a user should know about a scenario that stops nothing.

use std::path::Path;

use crate::error::Error;
use crate::onnx::DiffusionPack;
use crate::scenario::Scenario;

/// All warnings about the points of a study, each once.
///
/// # Errors
/// [`Error::Pack`] if the tokenizer fails.
pub fn warnings<'a>(
    scenarios: impl Iterator<Item = &'a Scenario> + Clone,
    pack: &DiffusionPack,
) -> Result<Vec<String>, Error> {
    let mut warnings = prompt_warnings(scenarios.clone(), pack)?;
    for warning in scenarios.flat_map(distance_warnings) {
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }
    Ok(warnings)
}

/// Devices beyond the distances for which their path loss model was made.
fn distance_warnings(scenario: &Scenario) -> Vec<String> {
    let radio = &scenario.radio;
    let Some(validity_m) = radio.path_loss.validity_m().filter(|_| radio.bit_error_probability.is_none()) else {
        return Vec::new();
    };
    let outside = scenario.devices.iter().filter(|device| !validity_m.contains(&device.distance_m));
    outside
        .map(|device| {
            format!(
                "{} is {} m from the server: the path loss model was made for {} m to {} m",
                device.name,
                device.distance_m,
                validity_m.start(),
                validity_m.end()
            )
        })
        .collect()
}

/// Prompts that the pack cannot draw as written.
fn prompt_warnings<'a>(
    scenarios: impl Iterator<Item = &'a Scenario>,
    pack: &DiffusionPack,
) -> Result<Vec<String>, Error> {
    let mut prompts: Vec<(String, &str)> = Vec::new();
    for scenario in scenarios {
        let server = scenario.server.prompt.as_deref().map(|prompt| ("the server".to_owned(), prompt));
        let devices = scenario.devices.iter().map(|device| (device.name.clone(), device.prompt.as_str()));
        for named in server.into_iter().chain(devices) {
            if !prompts.contains(&named) {
                prompts.push(named);
            }
        }
    }
    let mut warnings = Vec::new();
    for (name, prompt) in prompts {
        warnings.extend(warnings_of_prompt(&name, prompt, pack)?);
    }
    Ok(warnings)
}

/// Why the pack cannot draw the prompt of `name` as written; nothing where it can.
///
/// # Errors
/// [`Error::Pack`] if the tokenizer fails.
pub fn warnings_of_prompt(name: &str, prompt: &str, pack: &DiffusionPack) -> Result<Vec<String>, Error> {
    let mut warnings = Vec::new();
    let tokens = pack.tokenizer().encode(prompt)?;
    if !tokens.unknown_words.is_empty() {
        warnings.push(format!(
            "the pack {} does not know {} in the prompt of {name}, \"{prompt}\": it draws the picture without; \
             `{}` lists the words it knows",
            pack.name(),
            quoted(&tokens.unknown_words),
            command_that_lists(pack.root()),
        ));
    }
    if tokens.truncated {
        warnings.push(format!(
            "the prompt of {name}, \"{prompt}\", is longer than the {} tokens the pack {} takes: its end is lost",
            pack.tokenizer().prompt_length(),
            pack.name(),
        ));
    }
    Ok(warnings)
}

/// The command whose list has the pack at `root`.
fn command_that_lists(root: &Path) -> String {
    match root.parent() {
        Some(folder) if folder == Path::new("models") => "latentlink models".to_owned(),
        Some(folder) if !folder.as_os_str().is_empty() => format!("latentlink models --folder {}", folder.display()),
        _ => "latentlink models --folder .".to_owned(),
    }
}

/// `"a", "b"`
pub(super) fn quoted(words: &[String]) -> String {
    words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
}
