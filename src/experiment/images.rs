//! The pictures of a study as files: names, and writing each once.

use std::collections::HashMap;

use super::results_folder::ResultsFolder;
use super::study::{SimulatedStudy, StudyPoint};
use crate::diffusion::NodeId;
use crate::error::Error;
use crate::scenario::PictureReference;

/// File of a user's picture below the results folder.
pub fn picture_file(point: u32, replication: u32, device: &str) -> String {
    format!("images/point-{point:04}_replication-{replication:03}_{device}.png")
}

/// File of a reference picture below the results folder. Equal references of different points are one file, named
/// after the node's key.
pub fn reference_file(against: PictureReference, device: &str, key: &str) -> String {
    format!("images/reference_{}_{device}_{}.png", against.name(), &key[..12])
}

/// Where each picture of a study goes: one node may be several users' picture.
pub struct PictureFiles {
    by_node: HashMap<NodeId, Vec<String>>,
}

impl PictureFiles {
    pub fn of(study: &SimulatedStudy, points: &[StudyPoint]) -> Self {
        let mut by_node: HashMap<NodeId, Vec<String>> = HashMap::new();
        for run in study.runs.iter().filter(|run| run.makes_pictures) {
            let point = &points[run.point];
            for user in &run.users {
                let device = &point.scenario.devices[user.record.device].name;
                by_node.entry(user.record.picture).or_default().push(picture_file(
                    point.index,
                    run.replication,
                    device,
                ));
                for comparison in &user.comparisons {
                    let key = study.graph.key(comparison.reference_picture).to_hex();
                    let files = by_node.entry(comparison.reference_picture).or_default();
                    let file = reference_file(comparison.against, device, &key);
                    if !files.contains(&file) {
                        files.push(file);
                    }
                }
            }
        }
        Self { by_node }
    }

    /// Writes a picture, a PNG file, to all its files.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn save(&self, folder: &ResultsFolder, node: NodeId, png: &[u8]) -> Result<(), Error> {
        for file in self.by_node.get(&node).into_iter().flatten() {
            folder.write(file, png)?;
        }
        Ok(())
    }
}
