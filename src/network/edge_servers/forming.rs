//! From requests to groups: who shares steps with whom, who leads, and what the policy gives each.

use crate::grouping::groups;
use crate::network::context::RunContext;
use crate::network::election::{Candidate, elect};
use crate::network::messages::{Group, Member, PromptRequest};
use crate::network::radio_links::expected_energy_j;
use crate::policy::{AllocationRequest, PolicyError};
use crate::scenario::{ArchitectureKind, Scenario};

use super::group_state::GroupState;
use super::shared_steps::chain_number;

/// What the policy made of some requests.
pub enum Formed {
    /// They share steps.
    Group(Group),
    /// They share nothing (t0 = 0): each device works alone.
    Alone(Vec<Member>),
}

/// Divides the requests that were gathered into sets of those that may share steps, each in the order of its requests.
pub fn divide(requests: Vec<PromptRequest>, context: &RunContext) -> Vec<Vec<PromptRequest>> {
    let grouping = &context.scenario.grouping;
    let is_pairs = context.scenario.architecture.kind == ArchitectureKind::DeviceToDevice;
    let maximum_size = match (is_pairs, context.is_round()) {
        (true, _) => 2,
        (false, true) => usize::MAX,
        (false, false) => grouping.maximum_size as usize,
    };
    if !context.is_round() && context.scenario.policy.shared_steps() == 0 {
        // Nothing is shared.
        return requests.into_iter().map(|request| vec![request]).collect();
    }
    if requests.len() == 1 || maximum_size == usize::MAX {
        return vec![requests];
    }
    // In a round everyone is of one group, or of one pair, however different the prompts.
    let least = if context.is_round() { -2.0 } else { context.least_group_similarity() };
    let prompts: Vec<u32> = requests.iter().map(|request| request.journey.prompt).collect();
    let mut slots: Vec<Option<PromptRequest>> = requests.into_iter().map(Some).collect();
    groups(&prompts, &context.prompts, least, maximum_size)
        .into_iter()
        .map(|mut members| {
            members.sort_unstable();
            members.into_iter().filter_map(|index| slots[index].take()).collect()
        })
        .flat_map(|set| if context.is_led() { one_of_each_device(set) } else { vec![set] })
        .collect()
}

/// A device leads or is led, it does not send to itself: its further requests are groups of their own.
fn one_of_each_device(set: Vec<PromptRequest>) -> Vec<Vec<PromptRequest>> {
    let mut sets: Vec<Vec<PromptRequest>> = vec![Vec::with_capacity(set.len())];
    for request in set {
        let device = request.journey.device;
        let is_there = sets[0].iter().any(|other: &PromptRequest| other.journey.device == device);
        if is_there { sets.push(vec![request]) } else { sets[0].push(request) }
    }
    sets
}

/// Asks the policy, and elects a leader where a device is to run the shared steps.
pub fn form(
    number: u64,
    requests: Vec<PromptRequest>,
    queue_length: u32,
    now_s: f64,
    context: &RunContext,
) -> Result<Formed, PolicyError> {
    let scenario = &context.scenario;
    let devices: Vec<usize> = requests.iter().map(|request| request.journey.device).collect();
    let asked: Vec<u32> = requests.iter().map(|request| request.journey.prompt).collect();
    let shared_prompt = context.prompts.server().unwrap_or_else(|| context.prompts.medoid(&asked));
    let similarities: Vec<f64> =
        requests.iter().map(|request| context.similarity(&request.journey, shared_prompt)).collect();
    // Whoever decides by the channel is told the one that the latent will meet.
    let sees_state = scenario.policy.sees_state();
    let promise = |&device: &usize| sees_state.then(|| context.state().begin_transmission(device));
    let transmissions: Vec<Option<u64>> = devices.iter().map(promise).collect();
    let group = GroupState {
        requests: &requests,
        similarities: &similarities,
        transmissions: &transmissions,
        queue_length,
        now_s,
    };
    let allocation = context.policy.allocate(&AllocationRequest {
        devices: &devices,
        problem: &|| group.problem(context),
        draws: context.stream("policy", "group").child(number),
    })?;
    let size = requests.len() as u32;
    let cell = requests[0].journey.cell;
    let shares = allocation.users.iter().zip(similarities).zip(transmissions);
    let members = requests.into_iter().zip(shares).map(|(request, ((user, similarity), transmission))| {
        let PromptRequest { mut journey, position, gives_up_s, spent_j } = request;
        (journey.group, journey.group_size, journey.queued_s) = (Some(number), size, Some(now_s));
        Member {
            similarity,
            journey,
            position,
            gives_up_s,
            tk: user.tk,
            tx_power_w: user.tx_power_w,
            transmission,
            chain: chain_number(scenario.diffusion.split, user.tk),
            shared_compute_j: spent_j,
            relayed_compute_j: 0.0,
        }
    });
    let members: Vec<Member> = members.collect();
    if allocation.t0 == 0 {
        return Ok(Formed::Alone(members));
    }
    let mut group = Group { number, cell, t0: allocation.t0, shared_prompt, members };
    if scenario.architecture.kind != ArchitectureKind::Edge {
        put_leader_first(&mut group, now_s, context);
    }
    Ok(Formed::Group(group))
}

/// Elects a leader and makes it the first of the group. Where nobody's battery can pay, the first stays the first, and runs dry.
pub fn put_leader_first(group: &mut Group, now_s: f64, context: &RunContext) {
    // Who leads under a server's help runs no shared steps, but sends them on.
    let steps = if context.is_led_by_devices() { group.t0 } else { 0 };
    let candidates = candidates(group, now_s, context);
    let elected = elect(context.scenario.architecture.election, &candidates, &context.prompts, steps);
    let leader = group.members.remove(elected.unwrap_or(0));
    let device = leader.journey.device as u32;
    group.members.insert(0, leader);
    group.members.iter_mut().for_each(|member| member.journey.leader = Some(device));
}

/// Whether the group is worth making: its leader spends less on the radio than the others save, who would run the t0 steps alone
/// (`spec` 5.3).
pub fn saves_energy(group: &Group, now_s: f64, context: &RunContext) -> bool {
    // A server runs t0 steps once instead of once for each, and sends as much either way. A round is one group, come what may.
    if !context.is_led_by_devices() || context.is_round() || group.members.len() == 1 {
        return true;
    }
    if !context.scenario.grouping.only_if_saving {
        return true;
    }
    let devices = &context.scenario.devices;
    let saved =
        group.members[1..].iter().map(|member| devices[member.journey.device].step_energy_j * f64::from(group.t0));
    saved.sum::<f64>() > candidates(group, now_s, context)[0].radio_j
}

fn candidates(group: &Group, now_s: f64, context: &RunContext) -> Vec<Candidate> {
    let sending: Vec<f64> =
        group.members.iter().map(|member| expected_energy_j(member.tx_power_w, group.t0, context)).collect();
    let all_j: f64 = sending.iter().sum();
    let state = context.state();
    let candidate = |(index, member): (usize, &Member)| {
        let device = member.journey.device;
        Candidate {
            device: device as u32,
            prompt: member.journey.prompt,
            step_energy_j: context.scenario.devices[device].step_energy_j,
            own_j: own_j(member, &context.scenario),
            battery_left_j: state.batteries.left_j(device, now_s),
            drained_j: state.ledger.paid_by_j(crate::network::LedgerPayer::Device(device)),
            // Of a star. In a chain others pay for most of it, but all hops together come to the same.
            radio_j: all_j - sending[index],
        }
    };
    group.members.iter().enumerate().map(candidate).collect()
}

/// Energy of a device's own picture [J].
fn own_j(member: &Member, scenario: &Scenario) -> f64 {
    let device = &scenario.devices[member.journey.device];
    f64::from(member.tk) * device.step_energy_j + device.decode_energy_j
}
