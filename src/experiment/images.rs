//! The pictures of a study as files: names, and writing each once.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use super::simulation::{Block, Run};
use super::work_order::RunId;
use crate::diffusion::NodeId;
use crate::error::Error;
use crate::scenario::{DeviceSettings, PictureReference};

/// File of a user's picture below the results folder.
pub fn picture_file(run: RunId, device: &str) -> String {
    format!("images/point-{:04}_replication-{:03}_{device}.png", run.point, run.replication)
}

/// File of a reference picture below the results folder. Equal references of different points are one file, named
/// after the node's key.
pub fn reference_file(against: PictureReference, device: &str, key: &str) -> String {
    format!("images/reference_{}_{device}_{}.png", against.name(), &key[..12])
}

/// Where each picture of a block goes: one node may be several users' picture.
pub struct PictureFiles {
    by_node: HashMap<NodeId, Vec<String>>,
}

impl PictureFiles {
    pub fn of(block: &Block) -> Self {
        let mut by_node: HashMap<NodeId, Vec<String>> = HashMap::new();
        for run in block.runs.iter().filter(|run| run.makes_pictures()) {
            let Run { id, point, users, .. } = run;
            for user in users {
                let device = &point.scenario.devices[user.record.device].name;
                by_node.entry(user.record.picture).or_default().push(picture_file(*id, device));
                for comparison in &user.comparisons {
                    let key = block.graph.key(comparison.reference_picture).to_hex();
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

    /// Writes a picture, a PNG file, to all its files below `folder`.
    ///
    /// # Errors
    /// [`Error::DiskFull`], [`Error::ResultsMoved`], [`Error::File`].
    pub fn save(&self, folder: &Path, node: NodeId, png: &[u8]) -> Result<(), Error> {
        for file in self.by_node.get(&node).into_iter().flatten() {
            let path = folder.join(file);
            fs::write(&path, png).map_err(|source| Error::while_writing(folder, path, source))?;
        }
        Ok(())
    }
}

/// Removes the pictures of a run that no table shows: it failed after some of them were made, or is not asked for any more.
///
/// # Errors
/// [`Error::File`].
pub fn remove_pictures(run: RunId, devices: &[DeviceSettings], folder: &Path) -> Result<(), Error> {
    for device in devices {
        let path = folder.join(picture_file(run, &device.name));
        match fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::File { action: "remove", path, source });
            }
            _ => {}
        }
    }
    Ok(())
}
