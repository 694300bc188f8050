//! Who rates a user's picture, and the nodes of their answers. Rating takes no simulated time and no energy.

use super::context::{NetworkError, RunContext};
use super::records::UserRecord;
use crate::diffusion::graph::{NodeId, Operation};
use crate::judge::NamedPersona;
use crate::random::StreamKey;
use crate::scenario::Scenario;

/// What one persona answers about one picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Rating {
    pub persona: NamedPersona,
    /// One node per answer.
    pub answers: Vec<NodeId>,
}

/// The personas that rate a picture: first its user's own, then the panel's. A panel that holds the user's own persona
/// rates with it once.
pub fn raters(scenario: &Scenario, device: usize, replication: u32) -> Vec<NamedPersona> {
    let own = scenario.persona_of(device, replication);
    let panel: Vec<NamedPersona> = scenario.judge.panel.iter().filter(|persona| **persona != own).cloned().collect();
    std::iter::once(own).chain(panel).collect()
}

/// Stream of the answers about a device's pictures.
pub fn judge_stream(scenario: &Scenario, device: usize, replication: u32) -> StreamKey {
    StreamKey::new(scenario.study.seed, replication, "judge", &scenario.devices[device].name)
}

/// Stream of answer `index` about one of them, from [`judge_stream`]: the same for every persona, so that what differs
/// is the persona. In a round a device has one picture; in a run in time each `request` has a stream of its own.
pub fn answer_stream(scenario: &Scenario, of_device: &StreamKey, request: u64, index: u32) -> StreamKey {
    let of_request = if scenario.demand.is_some() { of_device.child(request) } else { *of_device };
    of_request.child(u64::from(index))
}

/// Adds the answers about a user's picture to the graph; none where the judge needs no picture.
pub(super) fn rate(context: &RunContext, record: &UserRecord) -> Result<Vec<Rating>, NetworkError> {
    let (Some(judge), true) = (context.judge, context.scenario.judge.kind.is_shown_pictures()) else {
        return Ok(Vec::new());
    };
    let settings = &context.scenario.judge;
    let request = context.prompt(record.journey.prompt);
    let stream = judge_stream(&context.scenario, record.journey.device, context.replication);
    raters(&context.scenario, record.journey.device, context.replication)
        .into_iter()
        .map(|persona| {
            let answers = (0..settings.answers_per_picture)
                .map(|index| {
                    let seed = answer_stream(&context.scenario, &stream, record.journey.request, index);
                    Ok(context.insert(Operation::Score {
                        picture: record.picture,
                        persona: persona.persona,
                        request,
                        judge,
                        seed: settings.kind.is_drawn().then_some(seed),
                    })?)
                })
                .collect::<Result<_, NetworkError>>()?;
            Ok(Rating { persona, answers })
        })
        .collect()
}
