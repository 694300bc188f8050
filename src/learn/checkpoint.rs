//! A learner in bytes.
//!
//! ```text
//! "latentlink learner 1\n" │ length of settings, u64 │ settings, JSON │ step counts, 3 × u64 │ arrays of f32 │ CRC-32, u32
//!
//! arrays: actor, its two moments, critic, its two moments [, target actor, target critic]; each a length (u64), then values
//! ```
//!
//! All numbers are little-endian.

use miette::Diagnostic;
use thiserror::Error;

use super::actor_critic::ActorCritic;
use super::adamw::AdamW;
use super::settings::LearnerSettings;

const MAGIC: &[u8] = b"latentlink learner 1\n";

/// Why a learner cannot be had from these bytes.
#[derive(Debug, Clone, PartialEq, Error, Diagnostic)]
pub enum LearnerError {
    /// Something else, or another version.
    #[error("this is not a learner: it does not start with `latentlink learner 1`")]
    #[diagnostic(help("name a checkpoint that this version of latentlink wrote"))]
    NotALearner,
    /// Cut off, or changed.
    #[error("the saved learner is damaged: {what}")]
    #[diagnostic(help("go back to an earlier checkpoint, or train again"))]
    Damaged { what: String },
    /// Networks of another kind or size.
    #[error("the saved learner has {key} = {saved}, the settings say {wanted}")]
    #[diagnostic(help("go on with the settings that the training was started with, or start a new training"))]
    OtherNetwork { key: &'static str, saved: String, wanted: String },
}

/// Everything that the next update depends on, but for batch and noise.
pub(super) fn save(agent: &ActorCritic) -> Vec<u8> {
    let settings = serde_json::to_vec(&agent.settings).expect("settings are numbers and names");
    let mut bytes = MAGIC.to_vec();
    bytes.extend((settings.len() as u64).to_le_bytes());
    bytes.extend(settings);
    for count in [agent.updates, agent.actor_optimiser.steps, agent.critic_optimiser.steps] {
        bytes.extend(count.to_le_bytes());
    }
    let mut arrays = vec![
        &agent.actor.values,
        &agent.actor_optimiser.first_moments,
        &agent.actor_optimiser.second_moments,
        &agent.critic.values,
        &agent.critic_optimiser.first_moments,
        &agent.critic_optimiser.second_moments,
    ];
    if let Some(targets) = &agent.targets {
        arrays.extend([&targets.actor.values, &targets.critic.values]);
    }
    for array in arrays {
        bytes.extend((array.len() as u64).to_le_bytes());
        bytes.extend(array.iter().flat_map(|value| value.to_le_bytes()));
    }
    let checksum = crc32fast::hash(&bytes);
    bytes.extend(checksum.to_le_bytes());
    bytes
}

/// The learner in `bytes`, with the rates of `settings`.
///
/// # Errors
/// [`LearnerError`].
pub(super) fn load(settings: &LearnerSettings, bytes: &[u8]) -> Result<ActorCritic, LearnerError> {
    if !bytes.starts_with(MAGIC) {
        return Err(LearnerError::NotALearner);
    }
    let damaged = |what: &str| LearnerError::Damaged { what: what.into() };
    let (content, checksum) = bytes.split_last_chunk::<4>().ok_or_else(|| damaged("it ends too early"))?;
    if crc32fast::hash(content) != u32::from_le_bytes(*checksum) {
        return Err(damaged("its checksum does not fit; it was cut off or changed"));
    }
    let mut rest = content.strip_prefix(MAGIC).ok_or_else(|| damaged("it ends too early"))?;
    let len = take_count(&mut rest)?;
    let saved: LearnerSettings = serde_json::from_slice(take(&mut rest, len)?)
        .map_err(|reason| LearnerError::Damaged { what: format!("its settings cannot be read: {reason}") })?;
    require_same_networks(&saved, settings)?;

    let [updates, actor_steps, critic_steps] = [take_count(&mut rest)?, take_count(&mut rest)?, take_count(&mut rest)?];
    // The sizes of all arrays follow from the settings.
    let fresh = ActorCritic::new(settings, &crate::random::StreamKey::NOTHING);
    let (of_actor, of_critic) = (fresh.actor_values().len(), fresh.critic_values().len());
    let actor = take_array(&mut rest, of_actor)?;
    let [first_moments, second_moments] = [take_array(&mut rest, of_actor)?, take_array(&mut rest, of_actor)?];
    let actor_optimiser = AdamW { first_moments, second_moments, steps: actor_steps };
    let critic = take_array(&mut rest, of_critic)?;
    let [first_moments, second_moments] = [take_array(&mut rest, of_critic)?, take_array(&mut rest, of_critic)?];
    let critic_optimiser = AdamW { first_moments, second_moments, steps: critic_steps };

    let mut agent = ActorCritic::with_weights(settings, actor, critic);
    agent.actor_optimiser = actor_optimiser;
    agent.critic_optimiser = critic_optimiser;
    agent.updates = updates;
    if settings.discount.is_some() {
        let (actor, critic) = (take_array(&mut rest, of_actor)?, take_array(&mut rest, of_critic)?);
        agent.replace_targets(actor, critic);
    }
    if rest.is_empty() { Ok(agent) } else { Err(damaged("something follows the last array")) }
}

fn require_same_networks(saved: &LearnerSettings, wanted: &LearnerSettings) -> Result<(), LearnerError> {
    let chain = |settings: &LearnerSettings| settings.algorithm == crate::scenario::Algorithm::GDdpg;
    let mut keys = vec![
        ("algorithm", saved.algorithm.name().to_owned(), wanted.algorithm.name().to_owned()),
        ("state_len", saved.state_len.to_string(), wanted.state_len.to_string()),
        ("action_len", saved.action_len.to_string(), wanted.action_len.to_string()),
        ("choices", format!("{:?}", saved.choices), format!("{:?}", wanted.choices)),
        ("hidden", saved.hidden.to_string(), wanted.hidden.to_string()),
    ];
    if chain(saved) {
        keys.push(("denoising_steps", saved.denoising_steps.to_string(), wanted.denoising_steps.to_string()));
        keys.push(("head", saved.head.name().into(), wanted.head.name().into()));
    }
    let discount = |settings: &LearnerSettings| if settings.discount.is_some() { "a number" } else { "absent" };
    keys.push(("discount", discount(saved).into(), discount(wanted).into()));
    match keys.into_iter().find(|(_, saved, wanted)| saved != wanted) {
        None => Ok(()),
        Some((key, saved, wanted)) => Err(LearnerError::OtherNetwork { key, saved, wanted }),
    }
}

fn take<'b>(rest: &mut &'b [u8], len: u64) -> Result<&'b [u8], LearnerError> {
    let split = usize::try_from(len).ok().and_then(|len| rest.split_at_checked(len));
    let (taken, others) = split.ok_or_else(|| LearnerError::Damaged { what: "it ends too early".into() })?;
    *rest = others;
    Ok(taken)
}

fn take_count(rest: &mut &[u8]) -> Result<u64, LearnerError> {
    let bytes = take(rest, 8)?;
    Ok(u64::from_le_bytes(bytes.try_into().expect("eight bytes were taken")))
}

fn take_array(rest: &mut &[u8], values: usize) -> Result<Vec<f32>, LearnerError> {
    let found = take_count(rest)?;
    if found != values as u64 {
        let what = format!("an array has {found} values where its settings say {values}");
        return Err(LearnerError::Damaged { what });
    }
    let bytes = take(rest, 4 * found)?;
    let value = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().expect("chunks of four bytes"));
    Ok(bytes.chunks_exact(4).map(value).collect())
}
