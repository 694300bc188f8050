//! The different prompts of a run, by number, and how similar they are.

use std::collections::HashMap;

use crate::diffusion::text;

/// Prompts that a request or a server may have. Shared by all runs of a point.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PromptBook {
    texts: Vec<String>,
    numbers: HashMap<String, u32>,
    /// Unit vectors [hidden] of the text encoder, by prompt; empty where nobody asks how similar prompts are.
    directions: Vec<Vec<f64>>,
    /// Taken for the similarity of any two different prompts, in place of their directions.
    given_similarity: Option<f64>,
    /// Each device's own prompt.
    of_devices: Vec<u32>,
    /// The prompt of shared steps, where it is the same for all groups.
    server: Option<u32>,
}

impl PromptBook {
    /// The book with the devices' own prompts, in the order of the scenario.
    pub fn of_devices<'a>(prompts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut book = Self::default();
        for prompt in prompts {
            let number = book.add(prompt);
            book.of_devices.push(number);
        }
        book
    }

    /// The number of a prompt, which is written down if it is new. Directions are set when all prompts are there.
    pub fn add(&mut self, text: &str) -> u32 {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        let number = self.texts.len() as u32;
        self.texts.push(text.to_owned());
        self.numbers.insert(text.to_owned(), number);
        number
    }

    /// The number of a prompt that is in the book.
    pub fn number(&self, text: &str) -> Option<u32> {
        self.numbers.get(text).copied()
    }

    /// With one prompt for the shared steps of every group.
    pub fn with_server_prompt(mut self, text: &str) -> Self {
        self.server = Some(self.add(text));
        self
    }

    /// With the unit vectors of all prompts, in their order.
    pub fn with_directions(mut self, directions: Vec<Vec<f64>>) -> Self {
        assert_eq!(directions.len(), self.texts.len(), "one direction for each prompt");
        self.directions = directions;
        self
    }

    /// With one number for the similarity of any two different prompts.
    pub fn with_given_similarity(mut self, similarity: f64) -> Self {
        self.given_similarity = Some(similarity);
        self
    }

    pub fn len(&self) -> usize {
        self.texts.len()
    }

    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    pub fn text(&self, prompt: u32) -> &str {
        &self.texts[prompt as usize]
    }

    /// The own prompt of the device of that index.
    pub fn of_device(&self, device: usize) -> u32 {
        self.of_devices[device]
    }

    /// The prompt of shared steps, where it is the same for all groups.
    pub fn server(&self) -> Option<u32> {
        self.server
    }

    /// What the embedding of one prompt takes as single precision [byte].
    pub fn key_bytes(&self) -> u64 {
        self.directions.first().map_or(0, |direction| 4 * direction.len() as u64)
    }

    /// Whether [`PromptBook::similarity`] knows anything.
    pub fn knows_similarities(&self) -> bool {
        self.given_similarity.is_some() || !self.directions.is_empty()
    }

    /// Cosine similarity of two prompts in [−1, 1]; 1 of a prompt to itself, and where nothing is known.
    pub fn similarity(&self, one: u32, other: u32) -> f64 {
        if one == other {
            return 1.0;
        }
        match (self.given_similarity, self.directions.is_empty()) {
            (Some(similarity), _) => similarity,
            (None, true) => 1.0,
            (None, false) => text::similarity(&self.directions[one as usize], &self.directions[other as usize]),
        }
    }

    /// The medoid of some prompts: the one whose summed similarity to the others is highest, the first of equals.
    pub fn medoid(&self, prompts: &[u32]) -> u32 {
        let total = |own: u32| -> f64 { prompts.iter().map(|&other| self.similarity(own, other)).sum() };
        let mut best = (prompts[0], f64::NEG_INFINITY);
        for &own in prompts {
            let similarity = total(own);
            // Equal prompts differ in the last bits of the sum's order: a tie goes to the first.
            if similarity > best.1 + 1e-9 {
                best = (own, similarity);
            }
        }
        best.0
    }
}
