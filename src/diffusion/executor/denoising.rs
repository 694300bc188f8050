//! The denoising steps of a wave: each by itself, or stretches of them.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, PoisonError};

use super::stretches::Stretches;
use super::{Executor, ExecutorError, Finished, batches, latent_of};
use crate::diffusion::graph::{DenoisingGraph, NodeId, Operation};
use crate::diffusion::text::TextEmbedding;
use crate::diffusion::value::Value;
use crate::diffusion::worker::{self, DenoiseItem, Stretch, StretchForm};
use crate::onnx::DiffusionModels;
use crate::onnx::pack::TextEncoders;

impl Executor {
    /// Steps whose parents' values are there, and those that end stretches whose first steps' parents' are.
    pub(super) fn denoise(
        &self,
        graph: &DenoisingGraph,
        ids: Vec<NodeId>,
        stretches: &Stretches,
        values: &HashMap<NodeId, Value>,
        finished: &mut Finished<'_>,
    ) -> Result<(), ExecutorError> {
        let (alone, ends): (Vec<_>, Vec<_>) = ids.into_iter().partition(|&id| stretches.first(id) == id);
        self.denoise_steps(graph, alone, values, finished)?;
        self.denoise_stretches(graph, &ends, stretches, values, finished)
    }

    fn denoise_steps(
        &self,
        graph: &DenoisingGraph,
        mut ids: Vec<NodeId>,
        values: &HashMap<NodeId, Value>,
        finished: &mut Finished<'_>,
    ) -> Result<(), ExecutorError> {
        // Equal timesteps side by side: a UNet that takes one timestep a call then splits a batch least.
        ids.sort_by(|&a, &b| timestep(graph, a).total_cmp(&timestep(graph, b)).then(a.cmp(&b)));
        let mut items = Vec::with_capacity(ids.len());
        let mut without_text = Vec::new();
        for &id in &ids {
            match self.denoise_item(graph, id, values)? {
                Ok(item) => items.push(item),
                Err(failed) => without_text.push((id, failed)),
            }
        }
        if !without_text.is_empty() {
            ids.retain(|id| without_text.iter().all(|(failed, _)| failed != id));
            finished(without_text)?;
        }
        let shape = self.pack.latent_shape();
        let call = |batch: Range<usize>| self.with_worker(|models| worker::denoise(models, shape, &items[batch]));
        self.in_batches(&ids, &batches::denoising(items.iter(), self.provider), call, finished)
    }

    fn denoise_stretches(
        &self,
        graph: &DenoisingGraph,
        ends: &[NodeId],
        stretches: &Stretches,
        values: &HashMap<NodeId, Value>,
        finished: &mut Finished<'_>,
    ) -> Result<(), ExecutorError> {
        if ends.is_empty() {
            return Ok(());
        }
        let mut known: Vec<(StretchForm, NodeId, Stretch)> = Vec::with_capacity(ends.len());
        let mut without_text = Vec::new();
        for &end in ends {
            let nodes = stretches.ending_in(&end);
            match self.denoise_item(graph, nodes[0], values)? {
                Ok(first) => {
                    let later = nodes[1..].iter().map(|&id| match graph.operation(id) {
                        Operation::Denoise { step, noise, .. } => (*step, *noise),
                        _ => unreachable!("stretches are of denoising steps"),
                    });
                    let stretch = Stretch { first, later: later.collect() };
                    known.push((stretch.form(), end, stretch));
                }
                Err(failed) => without_text.push((end, failed)),
            }
        }
        finished(without_text)?;
        known.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut cut = Vec::new();
        for of_one_form in known.chunk_by(|a, b| a.0 == b.0) {
            let start = cut.last().map_or(0, |batch: &Range<usize>| batch.end);
            let batches = batches::denoising(of_one_form.iter().map(|(.., stretch)| &stretch.first), self.provider);
            cut.extend(batches.into_iter().map(|batch| start + batch.start..start + batch.end));
        }
        let (ids, items): (Vec<NodeId>, Vec<Stretch>) = known.into_iter().map(|(_, id, stretch)| (id, stretch)).unzip();
        let shape = self.pack.latent_shape();
        let is_stopped = || self.stop.is_set();
        let call = |batch: Range<usize>| {
            let take =
                |models: &mut DiffusionModels| worker::denoise_stretches(models, shape, &items[batch], &is_stopped);
            let values = self.with_worker(take)?;
            if is_stopped() { Err(ExecutorError::Stopped) } else { Ok(values) }
        };
        self.in_batches(&ids, &cut, call, finished)
    }

    /// All that one step needs; or the value of its node, where its prompt cannot be encoded.
    fn denoise_item(
        &self,
        graph: &DenoisingGraph,
        id: NodeId,
        values: &HashMap<NodeId, Value>,
    ) -> Result<Result<DenoiseItem, Value>, ExecutorError> {
        let Operation::Denoise { from, prompt, guidance, step, noise } = graph.operation(id) else {
            unreachable!("only denoising steps come here");
        };
        let unconditional = graph.needs_unconditional(id).then(|| self.unconditional_text()).transpose();
        let texts = unconditional.and_then(|none| Ok((none, self.text_embedding(&graph.prompts()[prompt.index()])?)));
        let (unconditional_text, text) = match texts {
            Ok(texts) => texts,
            Err(ExecutorError::Call { message }) => return Ok(Err(Value::CallFailed(message.into()))),
            Err(error) => return Err(error),
        };
        let latent = Arc::clone(latent_of(values, *from));
        let noise = noise.as_ref().map(|seed| worker::draw_noise(seed, 1.0, latent.values.len()));
        Ok(Ok(DenoiseItem { latent, text, unconditional_text, guidance: *guidance, step: *step, noise }))
    }

    /// The embedding of a prompt, computed alone so that it does not depend on its neighbours.
    pub fn text_embedding(&self, prompt: &str) -> Result<Arc<TextEmbedding>, ExecutorError> {
        self.texts.get_or_encode(prompt, &self.pack, |ids| self.with_worker(|models| models.encode_prompts(ids)))
    }

    /// What the unconditional prediction of classifier-free guidance is told: the empty prompt, or zeros where the pack
    /// wants these.
    fn unconditional_text(&self) -> Result<Arc<TextEmbedding>, ExecutorError> {
        let mut known = self.unconditional_text.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = known.as_ref() {
            return Ok(Arc::clone(text));
        }
        let empty = self.text_embedding("")?;
        let text = match self.pack.architecture().text_encoders {
            TextEncoders::Two { zeros_for_empty_prompt: true } => Arc::new(empty.zeroed()),
            TextEncoders::One | TextEncoders::Two { zeros_for_empty_prompt: false } => empty,
        };
        *known = Some(Arc::clone(&text));
        Ok(text)
    }
}

fn timestep(graph: &DenoisingGraph, id: NodeId) -> f64 {
    match graph.operation(id) {
        Operation::Denoise { step, .. } => step.timestep,
        _ => unreachable!("only denoising steps have a timestep"),
    }
}
