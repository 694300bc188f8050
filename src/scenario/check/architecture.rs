//! `[architecture]`
//!
//! One word changes who runs the shared steps: keys that only clusters use may stand there whatever the kind.

use super::diffusion::MAXIMUM_STEPS;
use super::path_loss;
use crate::diffusion::Split;
use crate::scenario::error::Problem;
use crate::scenario::range::Range;
use crate::scenario::reader::TableReader;
use crate::scenario::schema::DEVICE_PATH_LOSSES;
use crate::scenario::settings::{ArchitectureKind, ArchitectureSettings, Topology};
use crate::scenario::words::{ARCHITECTURES, ELECTIONS, TOPOLOGIES};

pub(super) fn read(table: &mut TableReader<'_>) -> ArchitectureSettings {
    let usual = ArchitectureSettings::default();
    ArchitectureSettings {
        kind: table.word("kind", usual.kind, ARCHITECTURES),
        election: table.word("election", usual.election, ELECTIONS),
        topology: table.word("topology", usual.topology, TOPOLOGIES),
        with_server: table.flag("with_server", usual.with_server),
        relay_steps: table.integer("relay_steps", usual.relay_steps.into(), 0, MAXIMUM_STEPS.into()) as u32,
        path_loss: path_loss::read(table, DEVICE_PATH_LOSSES, usual.path_loss),
        device_distance_m: table.optional_number("device_distance_m", Range::Above(0.0)),
    }
}

/// A joint chain has the steps of one device only: nobody can take some of them for another, or hand them on to one whose chain has
/// another length.
pub(super) fn check_joint(settings: &ArchitectureSettings, split: Split, tk: &[u32], table: &mut TableReader<'_>) {
    let is_chain = settings.topology == Topology::Chain;
    if split != Split::Joint || settings.kind != ArchitectureKind::Cluster {
        return;
    }
    let (key, message) = if is_chain && settings.relay_steps > 0 {
        ("relay_steps", "`relay_steps` does not go with split = \"joint\"")
    } else if (is_chain || settings.with_server) && tk.windows(2).any(|pair| pair[0] != pair[1]) {
        let key = if settings.with_server { "with_server" } else { "topology" };
        (key, "latents are handed on, but with split = \"joint\" devices with different `tk` have different chains")
    } else {
        return;
    };
    let problem = Problem::new(message).expected("split = \"respaced\" under [diffusion]");
    let help = "a joint chain has the steps of one device only: take split = \"respaced\", or the same `tk` and no `relay_steps`";
    table.push_at(key, problem.help(help));
}
