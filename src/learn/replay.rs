//! The replay memory: the newest records of what was done and what came of it, drawn from uniformly.

use miette::Diagnostic;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Records in flat arrays, `[size, length]` row after row. The next states and `dones` are empty where episodes have a
/// single step.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Batch {
    pub size: usize,
    /// `[size, state_len]`
    pub states: Vec<f32>,
    /// `[size, action_len]`, in [−1, 1]
    pub actions: Vec<f32>,
    /// `[size]`
    pub rewards: Vec<f32>,
    /// `[size, state_len]`, or empty
    pub next_states: Vec<f32>,
    /// `[size]`, 1 where the episode ended, or empty
    pub dones: Vec<f32>,
}

/// Nothing was put in yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, Diagnostic)]
#[error("the replay memory is empty: there is nothing to learn from")]
#[diagnostic(help(
    "no episode has ended before the training did: raise `interactions` under [train], or shorten the runs under [demand]"
))]
pub struct EmptyReplay;

/// A ring of records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Replay {
    capacity: usize,
    state_len: usize,
    action_len: usize,
    /// Whether episodes go on, so that next states are kept.
    sequential: bool,
    /// Where the next record goes, once the ring is full.
    oldest: usize,
    records: Batch,
}

impl Replay {
    /// Room for the `capacity` newest records.
    pub fn new(capacity: usize, state_len: usize, action_len: usize, sequential: bool) -> Self {
        assert!(capacity > 0, "a replay memory holds at least one record");
        Self { capacity, state_len, action_len, sequential, oldest: 0, records: Batch::default() }
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.records.size
    }

    pub fn is_empty(&self) -> bool {
        self.records.size == 0
    }

    /// Keeps a record; the oldest one makes room. `next` is the next state, and whether the episode ended; it is there
    /// where episodes go on.
    pub fn push(&mut self, state: &[f32], action: &[f32], reward: f32, next: Option<(&[f32], bool)>) {
        assert_eq!(state.len(), self.state_len, "a state of another length");
        assert_eq!(action.len(), self.action_len, "an action of another length");
        assert_eq!(next.is_some(), self.sequential, "next states are there if, and only if, episodes go on");
        let records = &mut self.records;
        if records.size < self.capacity {
            records.size += 1;
            records.states.extend_from_slice(state);
            records.actions.extend_from_slice(action);
            records.rewards.push(reward);
            if let Some((next_state, done)) = next {
                assert_eq!(next_state.len(), self.state_len, "a next state of another length");
                records.next_states.extend_from_slice(next_state);
                records.dones.push(f32::from(done));
            }
            return;
        }
        let at = self.oldest;
        self.oldest = (self.oldest + 1) % self.capacity;
        row_mut(&mut records.states, at, self.state_len).copy_from_slice(state);
        row_mut(&mut records.actions, at, self.action_len).copy_from_slice(action);
        records.rewards[at] = reward;
        if let Some((next_state, done)) = next {
            row_mut(&mut records.next_states, at, self.state_len).copy_from_slice(next_state);
            records.dones[at] = f32::from(done);
        }
    }

    /// `size` records drawn uniformly, with replacement.
    ///
    /// # Errors
    /// [`EmptyReplay`].
    pub fn sample(&self, size: usize, rng: &mut ChaCha8Rng) -> Result<Batch, EmptyReplay> {
        if self.is_empty() {
            return Err(EmptyReplay);
        }
        let records = &self.records;
        let mut batch = Batch { size, ..Batch::default() };
        batch.states.reserve_exact(size * self.state_len);
        batch.actions.reserve_exact(size * self.action_len);
        for _ in 0..size {
            let at = rng.random_range(0..records.size);
            batch.states.extend_from_slice(row(&records.states, at, self.state_len));
            batch.actions.extend_from_slice(row(&records.actions, at, self.action_len));
            batch.rewards.push(records.rewards[at]);
            if self.sequential {
                batch.next_states.extend_from_slice(row(&records.next_states, at, self.state_len));
                batch.dones.push(records.dones[at]);
            }
        }
        Ok(batch)
    }

    /// Everything, in bytes: sizes, then the arrays.
    pub fn save(&self) -> Vec<u8> {
        let Self { capacity, state_len, action_len, sequential, oldest, records } = self;
        let sizes = [*capacity, *state_len, *action_len, usize::from(*sequential), *oldest, records.size];
        let arrays = [&records.states, &records.actions, &records.rewards, &records.next_states, &records.dones];
        let mut bytes: Vec<u8> = sizes.iter().flat_map(|size| (*size as u64).to_le_bytes()).collect();
        bytes.extend(arrays.into_iter().flatten().flat_map(|value| value.to_le_bytes()));
        bytes
    }

    /// What [`save`](Self::save) wrote; `None` of anything else.
    pub fn load(bytes: &[u8]) -> Option<Self> {
        let (sizes, rest) = bytes.as_chunks::<8>().0.split_at_checked(6).map(|(sizes, _)| (sizes, &bytes[48..]))?;
        let size = |index: usize| usize::try_from(u64::from_le_bytes(sizes[index])).ok();
        let (capacity, state_len, action_len) = (size(0)?, size(1)?, size(2)?);
        let (sequential, oldest, count) = (size(3)? == 1, size(4)?, size(5)?);
        let (values, left) = rest.as_chunks::<4>();
        let mut values = values.iter().map(|value| f32::from_le_bytes(*value));
        let next = if sequential { count } else { 0 };
        let lengths =
            [count.checked_mul(state_len)?, count.checked_mul(action_len)?, count, next.checked_mul(state_len)?, next];
        let [states, actions, rewards, next_states, dones] =
            lengths.map(|length| values.by_ref().take(length).collect::<Vec<f32>>());
        let is_whole = left.is_empty() && values.next().is_none() && dones.len() == next && rewards.len() == count;
        let is_sound = capacity > 0 && count <= capacity && oldest < capacity && next_states.len() == next * state_len;
        (is_whole && is_sound).then_some(Self {
            capacity,
            state_len,
            action_len,
            sequential,
            oldest,
            records: Batch { size: count, states, actions, rewards, next_states, dones },
        })
    }
}

fn row(values: &[f32], at: usize, len: usize) -> &[f32] {
    &values[at * len..(at + 1) * len]
}

fn row_mut(values: &mut [f32], at: usize, len: usize) -> &mut [f32] {
    &mut values[at * len..(at + 1) * len]
}
