//! What stands in the files that a scenario names: a study whose trace has changed is another study, though its text is the same.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use crate::scenario::{
    Arrivals, JudgeKind, MobilitySettings, PopulationSettings, PromptChoice, Scenario, SurfaceSettings,
};

/// Hashes the contents of the files of all points, each once.
#[derive(Default)]
pub struct InputFileHash {
    hash: Sha256,
    /// Addresses of what was hashed: points share what was read once.
    seen: HashSet<usize>,
}

impl InputFileHash {
    /// With the files of one point.
    pub fn add(&mut self, scenario: &Scenario) {
        if let Some(PopulationSettings::File { people, .. }) = &scenario.population
            && self.seen.insert(people.as_ptr().addr())
        {
            people.iter().for_each(|person| self.hash.update(format!("{person:?}")));
        }
        if let Some(Arrivals::Trace { rows, prompts, .. }) = scenario.demand.as_ref().map(|demand| &demand.arrivals)
            && self.seen.insert(rows.as_ptr().addr())
        {
            prompts.iter().for_each(|prompt| self.hash.update(format!("{prompt:?}")));
            for row in rows.iter() {
                self.hash.update(row.arrival_s.to_le_bytes());
                self.hash.update(row.device.map_or(u32::MAX, |device| device).to_le_bytes());
                self.hash.update(row.prompt.map_or(u32::MAX, |prompt| prompt).to_le_bytes());
            }
        }
        if let Some(PromptChoice::File { prompts, .. }) = scenario.demand.as_ref().map(|demand| &demand.prompts)
            && self.seen.insert(prompts.as_ptr().addr())
        {
            prompts.iter().for_each(|prompt| self.hash.update(format!("{prompt:?}")));
        }
        if let MobilitySettings::Trace { tracks, .. } = &scenario.mobility
            && self.seen.insert(tracks.as_ptr().addr())
        {
            for track in tracks.iter() {
                self.hash.update((track.len() as u64).to_le_bytes());
                let numbers = track.iter().flat_map(|point| [point.time_s, point.x_m, point.y_m]);
                numbers.for_each(|number| self.hash.update(number.to_le_bytes()));
            }
        }
        if let JudgeKind::Surface(SurfaceSettings { measured: Some(measured), .. }) = &scenario.judge.kind
            && self.seen.insert(std::sync::Arc::as_ptr(&measured.surface).addr())
        {
            self.hash.update(format!("{:?}", measured.surface));
        }
        let of_devices = scenario.devices.iter().filter(|device| device.member == 0).map(|device| &device.profile);
        for profile in std::iter::once(&scenario.server.profile).chain(of_devices).flatten() {
            if self.seen.insert(std::sync::Arc::as_ptr(&profile.profile).addr()) {
                self.hash.update(format!("{:?}", profile.profile));
            }
        }
    }

    /// Of everything, in the order in which it came.
    pub fn finish(self) -> [u8; 32] {
        self.hash.finalize().into()
    }
}
