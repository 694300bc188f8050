//! Files that a scenario names, each read once for all points of a sweep.

use std::collections::HashMap;
use std::fmt::Display;
use std::hash::Hash;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use miette::Diagnostic;

use crate::compute_profile::{ComputeProfile, read_profile};
use crate::demand::read_prompts;
use crate::demand::trace::read_trace;
use crate::judge::measured_surface::file::read_measured_surface;
use crate::judge::population::read_people;
use crate::judge::{MeasuredSurface, NamedPersona};
use crate::mobility::read_tracks;
use crate::scenario::device_names::DeviceNames;
use crate::scenario::error::Problem;
use crate::scenario::reader::TableReader;
use crate::scenario::settings::{TraceRow, TrackPoint};

/// All files of a study that were read so far.
#[derive(Debug, Default)]
pub(in crate::scenario) struct InputFiles {
    people: Files<PathBuf, Arc<[NamedPersona]>>,
    surfaces: Files<PathBuf, Arc<MeasuredSurface>>,
    profiles: Files<PathBuf, Arc<ComputeProfile>>,
    prompts: Files<PathBuf, Arc<[String]>>,
    traces: Files<NamingDevices, Trace>,
    tracks: Files<NamingDevices, Arc<[Vec<TrackPoint>]>>,
}

/// A file that names devices, and how many each [[device]] table makes: a sweep may change that.
type NamingDevices = (PathBuf, Vec<u32>);

/// Rows and prompts of a trace of requests.
type Trace = (Arc<[TraceRow]>, Arc<[String]>);

/// What a file holds, or what is wrong with it.
type Outcome<T> = Result<T, BadFile>;

#[derive(Debug)]
struct Files<K, T>(Mutex<HashMap<K, Outcome<T>>>);

impl<K, T> Default for Files<K, T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, T: Clone> Files<K, T> {
    fn get(&self, key: K, read: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
        // A panic under this lock leaves a file unread, no more.
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        files.entry(key).or_insert_with(read).clone()
    }
}

/// What is wrong with a file, in words.
#[derive(Debug, Clone)]
pub(super) struct BadFile {
    message: String,
    help: Option<String>,
}

impl BadFile {
    fn of<E: Display + Diagnostic>(error: &E) -> Self {
        Self { message: error.to_string(), help: error.help().map(|help| help.to_string()) }
    }

    /// Notes it at the value of `key`, which names the file.
    pub(super) fn report(self, table: &mut TableReader<'_>, key: &str, expected: &str) {
        let problem = Problem::new(self.message).expected(expected);
        table.push_at(
            key,
            match self.help {
                Some(help) => problem.help(help),
                None => problem,
            },
        );
    }
}

impl InputFiles {
    pub(super) fn people(&self, path: &Path) -> Outcome<Arc<[NamedPersona]>> {
        let read = || read_people(path).map(Arc::from).map_err(|error| BadFile::of(&error));
        self.people.get(path.to_owned(), read)
    }

    pub(super) fn measured_surface(&self, path: &Path) -> Outcome<Arc<MeasuredSurface>> {
        let read = || read_measured_surface(path).map(Arc::new).map_err(|error| BadFile::of(&error));
        self.surfaces.get(path.to_owned(), read)
    }

    pub(super) fn profile(&self, path: &Path) -> Outcome<Arc<ComputeProfile>> {
        let read = || read_profile(path).map(Arc::new).map_err(|error| BadFile::of(&error));
        self.profiles.get(path.to_owned(), read)
    }

    pub(super) fn prompts(&self, path: &Path) -> Outcome<Arc<[String]>> {
        let read = || read_prompts(path).map(Arc::from).map_err(|error| BadFile::of(&error));
        self.prompts.get(path.to_owned(), read)
    }

    pub(super) fn trace(&self, path: &Path, names: &DeviceNames<'_>) -> Outcome<Trace> {
        let read = || match read_trace(path, &|name| names.find(name)) {
            Ok(file) => Ok((file.rows, file.prompts)),
            Err(error) => Err(BadFile::of(&error)),
        };
        self.traces.get((path.to_owned(), names.counts().to_vec()), read)
    }

    pub(super) fn tracks(&self, path: &Path, names: &DeviceNames<'_>) -> Outcome<Arc<[Vec<TrackPoint>]>> {
        let devices = names.counts().iter().map(|count| *count as usize).sum();
        let read = || read_tracks(path, &|name| names.find(name), devices).map_err(|error| BadFile::of(&error));
        self.tracks.get((path.to_owned(), names.counts().to_vec()), read)
    }
}
