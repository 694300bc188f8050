//! Requests that somebody wrote down: a CSV file with the columns `arrival_s`, and `device` and `prompt` if they are known.
//!
//! A blank device is any device, a blank prompt one that `demand.prompts` says. Equal prompts are kept once, under a number.
//! A row is 24 bytes in memory and takes about 0.5 µs; the file itself is never in memory.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use crate::scenario::TraceRow;
use crate::timed_rows::TimedRows;

pub use crate::timed_rows::TraceError;

const HEADER: &str = "arrival_s,device,prompt";

/// What a trace of requests holds.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceFile {
    /// In the order of time; at least one.
    pub rows: Arc<[TraceRow]>,
    /// The different prompts, in the order of their first request.
    pub prompts: Arc<[String]>,
}

/// The requests of a file; `device` knows the number of a device by its name.
///
/// # Errors
/// [`TraceError`] for the first thing that is wrong.
pub fn read_trace(path: &Path, device: &dyn Fn(&str) -> Option<u32>) -> Result<TraceFile, TraceError> {
    let mut file = TimedRows::open(path, HEADER)?;
    let arrival = file.column("arrival_s")?;
    let device_column = file.optional_column("device")?;
    let prompt_column = file.optional_column("prompt")?;
    // Room for all rows at once: a list that grows, and is copied into its `Arc`, would need twice the memory.
    let room = file.count_lines()?.saturating_sub(1);
    let mut rows: Arc<[TraceRow]> =
        std::iter::repeat_n(TraceRow { arrival_s: 0.0, device: None, prompt: None }, room).collect();
    let filled = Arc::get_mut(&mut rows).expect("nobody else has it yet");
    let mut prompts = Prompts::default();
    let (mut count, mut before_s) = (0, 0.0);
    while file.advance()? {
        let arrival_s = file.time_s(arrival)?;
        if arrival_s < before_s {
            return Err(file.unsorted(arrival_s, before_s, "is before"));
        }
        before_s = arrival_s;
        let device = match device_column {
            Some(column) => file.optional_device(column, device)?,
            None => None,
        };
        let prompt = match prompt_column {
            Some(column) if !file.is_left_out(column) => match file.text(column)? {
                "" => return Err(file.empty_prompt()),
                text => Some(prompts.number(text)),
            },
            _ => None,
        };
        filled[count] = TraceRow { arrival_s, device, prompt };
        count += 1;
    }
    if count == 0 {
        return Err(file.no_rows());
    }
    if count < room {
        // Some lines were empty, or prompts have several.
        rows = rows[..count].into();
    }
    Ok(TraceFile { rows, prompts: prompts.texts.into() })
}

/// Numbers of texts, in the order of their first appearance.
#[derive(Default)]
struct Prompts {
    texts: Vec<String>,
    numbers: HashMap<String, u32>,
}

impl Prompts {
    fn number(&mut self, text: &str) -> u32 {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        let number = self.texts.len() as u32;
        self.texts.push(text.to_owned());
        self.numbers.insert(text.to_owned(), number);
        number
    }
}
