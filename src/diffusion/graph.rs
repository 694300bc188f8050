//! The denoising graph: what has to be computed, written down before anything is computed.
//!
//! The simulation decides *when* things happen and hands out node ids; the executor decides *how* to compute them.
//! A node's content depends on its operation and its parents alone, so its key is a hash over exactly these and the
//! digest of the model pack. Asking for a node that is there already returns the one that is there: two devices that
//! share the server's steps, a sweep over bit error probabilities, a reference picture — the same work is done once.
//!
//! ```text
//!  Noise ─► Denoise ─► … ─► Denoise ─► Corrupt ─► Denoise ─► … ─► Decode ─┬─► Compare ◄─ Decode (reference)
//!           └──────── server ───────┘   (link)    └── device ──┘            └─► Score (one persona, one answer)
//! ```

mod saved;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use self::saved::SavedGraph;
use super::codec::{LatentCodec, ProtectedBits, Sanitize};
use super::sampler::DenoisingStep;
use crate::judge::Persona;
use crate::onnx::DiffusionPack;
use crate::random::StreamKey;

/// A node of one graph; ids grow in the order of insertion, so parents come before children.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NodeId(u32);

impl NodeId {
    /// Position of the node in its graph.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Content address of a node: equal keys mean equal content, in any graph and any process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeKey([u8; 32]);

impl NodeKey {
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key as 64 hexadecimal digits.
    pub fn to_hex(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A prompt that a graph knows; the text is stored once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PromptId(u32);

impl PromptId {
    /// Position of the prompt in its graph.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// How a latent crosses the link.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BitChannel {
    pub codec: LatentCodec,
    /// Values are quantised, clipped and range-checked in ±`latent_range`.
    pub latent_range: f64,
    pub sanitize: Sanitize,
    /// Probability that a bit flips, in [0, 0.5]; where some are protected, one of the others.
    pub bit_error_probability: f64,
    /// The most significant bits of each value, where they are protected better than the others.
    pub protected: Option<ProtectedBits>,
    /// How many of the earlier model outputs that the latent brings are sent along, newest first; the others are lost.
    pub history: u32,
    /// Stream of the bit errors. Not a coordinate of the sweep: see [`crate::random`].
    pub seed: StreamKey,
}

/// What a node computes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Operation {
    /// The start latent z_T: standard normal values times `scale`.
    Noise { seed: StreamKey, scale: f64 },
    /// One step of (13) with classifier-free guidance: two UNet evaluations, or one where `guidance` is 1 or the denoiser
    /// is told it, and twice as many in the first step of PNDM.
    Denoise {
        from: NodeId,
        prompt: PromptId,
        guidance: f64,
        step: DenoisingStep,
        /// Stream of the fresh noise of a stochastic step.
        noise: Option<StreamKey>,
    },
    /// The latent as bits over the link and back, with as much of its history as is sent.
    Corrupt { from: NodeId, channel: BitChannel },
    /// The picture D(z_0) of (2).
    Decode { from: NodeId },
    /// MSE, PSNR and SSIM of a picture against a reference picture.
    Compare { picture: NodeId, reference: NodeId },
    /// What an agent with this personality answers when it is shown the picture: a user's quality of experience.
    Score {
        picture: NodeId,
        persona: Persona,
        /// What the user had asked for.
        request: PromptId,
        /// Digest of the judge: everything but the question that its answer depends on.
        judge: [u8; 32],
        /// Stream of a drawn answer; `None` where nothing is drawn.
        seed: Option<StreamKey>,
    },
}

impl Operation {
    /// The nodes whose content this one needs.
    pub fn parents(&self) -> impl Iterator<Item = NodeId> {
        let (first, second) = match *self {
            Self::Noise { .. } => (None, None),
            Self::Denoise { from, .. } | Self::Corrupt { from, .. } | Self::Decode { from } => (Some(from), None),
            Self::Compare { picture, reference } => (Some(picture), Some(reference)),
            Self::Score { picture, .. } => (Some(picture), None),
        };
        first.into_iter().chain(second)
    }

    /// Scores of this node: 1 or 0.
    pub fn scores(&self) -> u64 {
        u64::from(matches!(self, Self::Score { .. }))
    }
}

#[derive(Debug, Clone)]
struct Node {
    operation: Operation,
    key: NodeKey,
    /// Longest path from a root: nodes of one level do not depend on each other.
    level: u32,
}

/// A hash-consed graph of operations on one model pack.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "SavedGraph", into = "SavedGraph")]
pub struct DenoisingGraph {
    pack_digest: [u8; 32],
    /// Whether the pack's denoiser is told the guidance scale, and so needs no unconditional prediction.
    is_told_guidance: bool,
    nodes: Vec<Node>,
    by_key: HashMap<NodeKey, NodeId>,
    prompts: Vec<String>,
    by_prompt: HashMap<String, PromptId>,
}

impl DenoisingGraph {
    /// An empty graph over the model pack with this digest, whose denoiser takes classifier-free guidance.
    pub fn new(pack_digest: [u8; 32]) -> Self {
        Self {
            pack_digest,
            is_told_guidance: false,
            nodes: Vec::new(),
            by_key: HashMap::new(),
            prompts: Vec::new(),
            by_prompt: HashMap::new(),
        }
    }

    /// An empty graph over `pack`.
    pub fn of_pack(pack: &DiffusionPack) -> Self {
        Self { is_told_guidance: pack.architecture().guidance_width.is_some(), ..Self::new(pack.digest()) }
    }

    /// The id of a prompt, which is stored if it is new.
    pub fn prompt(&mut self, text: &str) -> PromptId {
        if let Some(&id) = self.by_prompt.get(text) {
            return id;
        }
        let id = PromptId(self.prompts.len() as u32);
        self.prompts.push(text.to_owned());
        self.by_prompt.insert(text.to_owned(), id);
        id
    }

    /// The node that computes `operation`: the one that is there, or a new one.
    ///
    /// # Panics
    /// If a parent or prompt is not of this graph.
    pub fn insert(&mut self, operation: Operation) -> NodeId {
        let key = self.key_of(&operation);
        self.insert_under(key, operation)
    }

    /// The node under a key that is known to be its own.
    fn insert_under(&mut self, key: NodeKey, operation: Operation) -> NodeId {
        if let Some(&id) = self.by_key.get(&key) {
            return id;
        }
        let level = operation.parents().map(|parent| self.nodes[parent.index()].level + 1).max().unwrap_or(0);
        let id = NodeId(u32::try_from(self.nodes.len()).expect("a graph holds fewer than 2^32 nodes"));
        self.nodes.push(Node { operation, key, level });
        self.by_key.insert(key, id);
        id
    }

    /// Inserts every node of `other`; entry i of the result is the id here of the node with index i there.
    pub fn absorb(&mut self, other: &Self) -> Vec<NodeId> {
        assert_eq!(self.pack_digest, other.pack_digest, "graphs over different model packs are never merged");
        let prompts: Vec<PromptId> = other.prompts.iter().map(|text| self.prompt(text)).collect();
        let mut ids: Vec<NodeId> = Vec::with_capacity(other.nodes.len());
        for node in &other.nodes {
            let operation = match node.operation.clone() {
                noise @ Operation::Noise { .. } => noise,
                Operation::Denoise { from, prompt, guidance, step, noise } => Operation::Denoise {
                    from: ids[from.index()],
                    prompt: prompts[prompt.index()],
                    guidance,
                    step,
                    noise,
                },
                Operation::Corrupt { from, channel } => Operation::Corrupt { from: ids[from.index()], channel },
                Operation::Decode { from } => Operation::Decode { from: ids[from.index()] },
                Operation::Compare { picture, reference } => {
                    Operation::Compare { picture: ids[picture.index()], reference: ids[reference.index()] }
                }
                Operation::Score { picture, persona, request, judge, seed } => Operation::Score {
                    picture: ids[picture.index()],
                    persona,
                    request: prompts[request.index()],
                    judge,
                    seed,
                },
            };
            // Keys say nothing of ids: the node has the same one here.
            ids.push(self.insert_under(node.key, operation));
        }
        ids
    }

    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    pub fn operation(&self, id: NodeId) -> &Operation {
        &self.nodes[id.index()].operation
    }

    pub fn key(&self, id: NodeId) -> NodeKey {
        self.nodes[id.index()].key
    }

    /// Longest path from a root to the node.
    pub fn level(&self, id: NodeId) -> u32 {
        self.nodes[id.index()].level
    }

    /// UNet evaluations of the node: two where classifier-free guidance needs the unconditional prediction as well, and
    /// twice as many in the first step of PNDM.
    pub fn unet_evaluations(&self, id: NodeId) -> u64 {
        match self.operation(id) {
            Operation::Denoise { step, .. } => {
                u64::from(step.evaluations()) * if self.needs_unconditional(id) { 2 } else { 1 }
            }
            _ => 0,
        }
    }

    /// Whether the node is a step with classifier-free guidance that needs the unconditional prediction.
    pub fn needs_unconditional(&self, id: NodeId) -> bool {
        matches!(self.operation(id), Operation::Denoise { guidance, .. } if *guidance != 1.0 && !self.is_told_guidance)
    }

    /// All prompts, indexed by [`PromptId::index`].
    pub fn prompts(&self) -> &[String] {
        &self.prompts
    }

    /// The wanted nodes and all they depend on, in ascending order.
    pub fn ancestors(&self, wanted: &[NodeId]) -> Vec<NodeId> {
        self.ancestors_beyond(wanted, |_| false)
    }

    /// The wanted nodes and all they depend on, in ascending order, without those whose content is `known` and what
    /// only these depend on.
    pub fn ancestors_beyond(&self, wanted: &[NodeId], known: impl Fn(NodeId) -> bool) -> Vec<NodeId> {
        let mut needed = vec![false; self.nodes.len()];
        for id in wanted {
            needed[id.index()] = true;
        }
        for index in (0..self.nodes.len()).rev() {
            needed[index] &= !known(NodeId(index as u32));
            if needed[index] {
                for parent in self.nodes[index].operation.parents() {
                    needed[parent.index()] = true;
                }
            }
        }
        (0..self.nodes.len()).filter(|&index| needed[index]).map(|index| NodeId(index as u32)).collect()
    }

    /// The position of each node in a depth-first walk from the noises along first parents: what shares a prefix stands
    /// together, so that whoever follows this order holds few latents at a time.
    pub fn depth_first_positions(&self) -> Vec<u32> {
        let mut first_child: Vec<Option<u32>> = vec![None; self.nodes.len()];
        let mut next_sibling: Vec<Option<u32>> = vec![None; self.nodes.len()];
        let mut open = Vec::new();
        for index in (0..self.nodes.len()).rev() {
            match self.nodes[index].operation.parents().next() {
                Some(parent) => {
                    next_sibling[index] = first_child[parent.index()].replace(index as u32);
                }
                None => open.push(index as u32),
            }
        }
        let mut positions = vec![0; self.nodes.len()];
        let mut position = 0;
        while let Some(index) = open.pop() {
            positions[index as usize] = position;
            position += 1;
            // The sibling waits below the child on the stack.
            open.extend(next_sibling[index as usize]);
            open.extend(first_child[index as usize]);
        }
        positions
    }

    /// UNet evaluations on the chain that ends in `id`, were nothing shared.
    pub fn unshared_unet_evaluations(&self, id: NodeId) -> u64 {
        let above: u64 = self.operation(id).parents().map(|parent| self.unshared_unet_evaluations(parent)).sum();
        self.unet_evaluations(id) + above
    }

    fn key_of(&self, operation: &Operation) -> NodeKey {
        let mut hash = Sha256::new();
        hash.update(b"latentlink node 1");
        hash.update(self.pack_digest);
        match operation {
            Operation::Noise { seed, scale } => {
                hash.update(b"noise");
                hash.update(seed.as_bytes());
                hash.update(scale.to_bits().to_le_bytes());
            }
            Operation::Denoise { from, prompt, guidance, step, noise } => {
                hash.update(b"denoise");
                hash.update(self.key(*from).0);
                let text = &self.prompts[prompt.index()];
                hash.update((text.len() as u64).to_le_bytes());
                hash.update(text.as_bytes());
                hash.update(guidance.to_bits().to_le_bytes());
                step.write_key(&mut |bytes| hash.update(bytes));
                if let Some(noise) = noise {
                    hash.update(noise.as_bytes());
                }
            }
            Operation::Corrupt { from, channel } => {
                hash.update(b"corrupt");
                hash.update(self.key(*from).0);
                hash.update([channel.codec as u8, channel.sanitize as u8]);
                hash.update(channel.latent_range.to_bits().to_le_bytes());
                hash.update(channel.bit_error_probability.to_bits().to_le_bytes());
                hash.update(channel.seed.as_bytes());
                if channel.history > 0 {
                    hash.update(b"history");
                    hash.update(channel.history.to_le_bytes());
                }
                if let Some(protected) = channel.protected {
                    hash.update(b"protected");
                    hash.update(protected.bits.to_le_bytes());
                    hash.update(protected.bit_error_probability.to_bits().to_le_bytes());
                }
            }
            Operation::Decode { from } => {
                hash.update(b"decode");
                hash.update(self.key(*from).0);
            }
            Operation::Compare { picture, reference } => {
                hash.update(b"compare");
                hash.update(self.key(*picture).0);
                hash.update(self.key(*reference).0);
            }
            Operation::Score { picture, persona, request, judge, seed } => {
                hash.update(b"score");
                hash.update(self.key(*picture).0);
                for value in persona.traits() {
                    hash.update(value.to_bits().to_le_bytes());
                }
                let text = &self.prompts[request.index()];
                hash.update((text.len() as u64).to_le_bytes());
                hash.update(text.as_bytes());
                hash.update(judge);
                if let Some(seed) = seed {
                    hash.update(seed.as_bytes());
                }
            }
        }
        NodeKey(hash.finalize().into())
    }
}
