//! What a user should know about a scenario that stops nothing.

mod load;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use super::judges::{StudyJudges, quoted};
use crate::error::Error;
use crate::onnx::DiffusionPack;
use crate::scenario::Scenario;

/// Whose prompts those of a list, a grammar or a trace are.
const DEMAND: &str = "[demand]";
/// Prompts of a demand that are warned of at one point: a trace may have any number.
const MOST_OF_DEMAND: usize = 5;

/// Collects warnings about the points of a study, each once.
pub struct Warnings<'a> {
    pack: &'a DiffusionPack,
    judges: &'a StudyJudges,
    /// Whose prompts were looked at, and by which judge, if any.
    seen: HashSet<(String, String, Option<[u8; 32]>)>,
    prompts: Vec<String>,
    requests: Vec<String>,
    /// By device and limits of its path loss model: the least and the largest distance outside of them.
    distances: BTreeMap<(String, String), (f64, f64)>,
    loads: Vec<String>,
}

impl<'a> Warnings<'a> {
    pub fn new(pack: &'a DiffusionPack, judges: &'a StudyJudges) -> Self {
        let (prompts, requests) = (Vec::new(), Vec::new());
        Self { pack, judges, seen: HashSet::new(), prompts, requests, distances: BTreeMap::new(), loads: Vec::new() }
    }

    /// Looks at one point.
    ///
    /// # Errors
    /// [`Error::Pack`] if a tokenizer fails.
    pub fn look_at(&mut self, scenario: &Scenario) -> Result<(), Error> {
        let server = scenario.server.prompt.as_deref().map(|prompt| ("the server", prompt));
        // All devices of one table have its prompt.
        let tables = scenario.devices.iter().filter(|device| device.member == 0);
        let devices = tables.map(|device| (device.table_name(), device.prompt.as_str()));
        for (name, prompt) in server.into_iter().chain(devices.clone()) {
            if self.seen.insert((name.to_owned(), prompt.to_owned(), None)) {
                self.prompts.extend(warnings_of_prompt(name, prompt, self.pack)?);
            }
        }
        self.look_at_demand(scenario)?;
        if let Some(judge) = self.judges.of(scenario) {
            for (name, prompt) in devices {
                if self.seen.insert((name.to_owned(), prompt.to_owned(), Some(judge.digest()))) {
                    self.requests.extend(StudyJudges::warning_of_request(judge, name, prompt)?);
                }
            }
        }
        self.look_at_distances(scenario);
        self.loads.extend(load::warnings(scenario, self.pack.latent_shape().iter().product::<usize>() as u64));
        Ok(())
    }

    /// Prompts of a list, a grammar or a trace: the first few that the pack cannot draw as written.
    fn look_at_demand(&mut self, scenario: &Scenario) -> Result<(), Error> {
        let Some(demand) = &scenario.demand else { return Ok(()) };
        let mut warned = 0;
        for prompt in demand.prompts.texts().chain(demand.arrivals.prompts()) {
            if warned == MOST_OF_DEMAND {
                break;
            }
            if self.seen.insert((DEMAND.to_owned(), prompt.clone(), None)) {
                let warnings = warnings_of_prompt(DEMAND, &prompt, self.pack)?;
                warned += usize::from(!warnings.is_empty());
                self.prompts.extend(warnings);
            }
        }
        Ok(())
    }

    /// Devices beyond the distances for which their path loss model was made.
    fn look_at_distances(&mut self, scenario: &Scenario) {
        let radio = &scenario.radio;
        let Some(validity_m) = radio.path_loss.validity_m().filter(|_| radio.bit_error_probability.is_none()) else {
            return;
        };
        let limits = format!("{} m to {} m", validity_m.start(), validity_m.end());
        for device in &scenario.devices {
            let [nearest_m, farthest_m] = device.distances_m();
            if validity_m.contains(&nearest_m) && validity_m.contains(&farthest_m) {
                continue;
            }
            let key = (device.name.clone(), limits.clone());
            let (least, most) = self.distances.entry(key).or_insert((nearest_m, farthest_m));
            (*least, *most) = (least.min(nearest_m), most.max(farthest_m));
        }
    }

    /// All warnings: prompts, distances, judges.
    ///
    /// # Errors
    /// [`Error::Pack`] if a judge's tokenizer fails.
    pub fn all(self) -> Result<Vec<String>, Error> {
        let distances = self.distances.into_iter().map(|((device, limits), (least, most))| {
            let distance = if least == most { format!("{least} m") } else { format!("{least} m to {most} m") };
            format!("{device} is {distance} from the server: the path loss model was made for {limits}")
        });
        let judges = self.judges.warnings(self.pack)?;
        let mut all: Vec<String> = Vec::new();
        for warning in self.prompts.into_iter().chain(distances).chain(self.loads).chain(judges).chain(self.requests) {
            if !all.contains(&warning) {
                all.push(warning);
            }
        }
        Ok(all)
    }
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
