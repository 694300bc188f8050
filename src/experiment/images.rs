//! The pictures of a study as files: names, and writing each once.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use super::simulation::{Block, Run};
use super::work_order::RunId;
use crate::diffusion::NodeId;
use crate::error::Error;
use crate::scenario::{PictureReference, Scenario};

/// File of a user's picture below the results folder. A round has one for each device; in a run in time a device has as
/// many as `request`s.
pub fn picture_file(run: RunId, device: &str, request: Option<u64>) -> String {
    let run = run_prefix(run);
    match request {
        None => format!("images/{run}{device}.png"),
        Some(request) => format!("images/{run}request-{request:06}_{device}.png"),
    }
}

/// What the names of all pictures of a run begin with.
fn run_prefix(run: RunId) -> String {
    format!("point-{:04}_replication-{:03}_", run.point, run.replication)
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
                let device = &point.scenario.devices[user.record.journey.device].name;
                let request = point.scenario.demand.as_ref().map(|_| user.record.journey.request);
                by_node.entry(user.record.picture).or_default().push(picture_file(*id, device, request));
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
pub fn remove_pictures(run: RunId, scenario: &Scenario, folder: &Path) -> Result<(), Error> {
    let files = match scenario.demand {
        None => scenario.devices.iter().map(|device| picture_file(run, &device.name, None)).collect(),
        // Which requests it had is not known any more.
        Some(_) => files_of(run, folder)?,
    };
    for file in files {
        let path = folder.join(file);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::File { action: "remove", path, source });
            }
            _ => {}
        }
    }
    Ok(())
}

/// The pictures of a run that are there, below the results folder.
fn files_of(run: RunId, folder: &Path) -> Result<Vec<String>, Error> {
    let images = folder.join("images");
    let failed = |source| Error::File { action: "list", path: images.clone(), source };
    let entries = match fs::read_dir(&images) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let prefix = run_prefix(run);
    let mut files = Vec::new();
    for entry in entries {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        if name.starts_with(&prefix) {
            files.push(format!("images/{name}"));
        }
    }
    Ok(files)
}
