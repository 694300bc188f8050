//! What the machine has: cores, memory, free disk, a folder that can be written.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::Serialize;
use sysinfo::{Disks, MemoryRefreshKind, RefreshKind, System};

/// Cores and memory. Sizes are in bytes; `None` where the system does not tell.
#[derive(Debug, Clone, Serialize)]
pub struct MachineReport {
    pub operating_system: &'static str,
    pub architecture: &'static str,
    /// Cores this process may use (the affinity mask and control groups count).
    pub cores: usize,
    pub memory_total_bytes: Option<u64>,
    pub memory_available_bytes: Option<u64>,
}

impl MachineReport {
    pub(super) fn read() -> Self {
        let memory = RefreshKind::nothing().with_memory(MemoryRefreshKind::everything());
        let system = System::new_with_specifics(memory).ok();
        Self {
            operating_system: std::env::consts::OS,
            architecture: std::env::consts::ARCH,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_total_bytes: system.as_ref().map(System::total_memory),
            memory_available_bytes: system.as_ref().map(System::available_memory),
        }
    }
}

/// A folder the program writes to, which need not exist yet.
#[derive(Debug, Clone, Serialize)]
pub struct FolderReport {
    pub path: PathBuf,
    /// Free space of the disk it is or would be on [bytes]; `None` where the system does not tell.
    pub free_bytes: Option<u64>,
    /// Whether a file could be created in it (or, where it does not exist yet, in the folder it would be created in).
    pub writable: bool,
}

impl FolderReport {
    pub(super) fn read(path: &Path) -> Self {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let existing = path.ancestors().find(|folder| folder.exists());
        Self { free_bytes: existing.and_then(free_bytes), writable: existing.is_some_and(can_be_written), path }
    }
}

fn free_bytes(folder: &Path) -> Option<u64> {
    let folder = folder.canonicalize().ok()?;
    let disks = Disks::new_with_refreshed_list().ok()?;
    disks
        .iter()
        .filter(|disk| folder.starts_with(disk.mount_point()))
        // the innermost mount point is the one the folder is on
        .max_by_key(|disk| disk.mount_point().components().count())
        .map(|disk| disk.available_space())
}

/// Tries it: permission bits do not tell of read-only mounts, quotas or a super user.
fn can_be_written(folder: &Path) -> bool {
    let probe = folder.join(format!(".latentlink-doctor-{}", std::process::id()));
    let created = fs::OpenOptions::new().write(true).create_new(true).open(&probe).is_ok();
    if created {
        let _ = fs::remove_file(&probe);
    }
    created
}
