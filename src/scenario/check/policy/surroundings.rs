//! What a policy that looks at the state of a group needs around it.

use crate::radio::{Fading, FadingProcess, Protection};
use crate::scenario::check::open;
use crate::scenario::error::Problem;
use crate::scenario::settings::{
    ArchitectureKind, ArchitectureSettings, ErrorModel, PolicySettings, RadioSettings, ServerSettings,
};
use crate::scenario::tree::Table;
use crate::scenario::words::{ARCHITECTURES, FADING_PROCESSES, POLICIES, word_for};

/// The parts of a scenario that surround its policy.
#[derive(Clone, Copy)]
pub(in crate::scenario::check) struct Around<'a> {
    pub(in crate::scenario::check) server: &'a ServerSettings,
    pub(in crate::scenario::check) radio: &'a RadioSettings,
    pub(in crate::scenario::check) architecture: &'a ArchitectureSettings,
}

/// Notes what keeps a policy, the one of the scenario or one that is trained, from knowing the state (26), or from dividing a budget (24).
pub(in crate::scenario::check) fn check_surroundings(
    policy: &PolicySettings,
    is_trained: bool,
    around: Around<'_>,
    root: &Table,
    problems: &mut Vec<Problem>,
) {
    let whom = match (policy.sees_state(), is_trained) {
        (true, _) => format!("policy.kind = \"{}\"", word_for(POLICIES, policy.kind())),
        (false, true) => "[train]".to_owned(),
        (false, false) => return,
    };
    let Around { server, radio, architecture } = around;
    if server.energy_budget_j.is_none() {
        open(root, "server", problems).missing_for(
            "energy_budget_j",
            &whom,
            "energy_budget_j = 20.0        # E_T of (24)",
        );
    }
    if radio.energy_per_watt_j == Some(0.0) {
        let problem = Problem::new(format!("`energy_per_watt_j` = 0: no budget limits the power of {whom}"));
        let help = "power that costs nothing need not be divided: raise it, or take the line away for airtime over \
                    `amplifier_efficiency`";
        open(root, "radio", problems)
            .push_at("energy_per_watt_j", problem.expected("a number above 0 in J per W").help(help));
    }
    if architecture.kind != ArchitectureKind::Edge {
        let word = word_for(ARCHITECTURES, architecture.kind);
        let problem = Problem::new(format!("`kind` = \"{word}\" does not go with {whom}")).expected("\"edge\"");
        let help = "the policy divides the energy of a server among the devices that it sends to: take kind = \"edge\" here, \
                    or kind = \"fixed\" under [policy]";
        open(root, "architecture", problems).push_at("kind", problem.help(help));
    }
    let is_drawn = radio.bit_error_probability.is_none()
        && radio.error_model == ErrorModel::Instantaneous
        && radio.fading != Fading::None;
    if is_drawn && radio.fading_process != FadingProcess::PerLatent {
        let word = word_for(FADING_PROCESSES, radio.fading_process);
        let problem = Problem::new(format!("`fading_process` = \"{word}\" does not go with {whom}"));
        let help = "the policy is told the gain that the latent will meet, which a process in time does not know before it is \
                    sent: take fading_process = \"per-latent\", or error_model = \"average\"";
        open(root, "radio", problems).push_at("fading_process", problem.expected("\"per-latent\"").help(help));
    }
    if radio.protection != Protection::None {
        let problem = Problem::new(format!("`protection` does not go with {whom}")).expected("\"none\"");
        let help = "the policy counts on bit errors of the bare link, and on one transmission for each latent: take the line \
                    away, or take kind = \"fixed\" under [policy]";
        open(root, "radio", problems).push_at("protection", problem.help(help));
    }
}
