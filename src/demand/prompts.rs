//! Which prompt a request asks for: one of a list by Zipf popularity, or an object by popularity in any setting.
//!
//! Popularity follows Zipf's law: the i-th most popular is asked for with a probability in proportion to i^−α. A draw costs
//! two random numbers, however many prompts there are (the alias method: A. J. Walker, *ACM TOMS* 3, 1977, in the form of
//! M. D. Vose, *IEEE TSE* 17, 1991).

use std::collections::HashMap;

use rand::{Rng, RngExt};

use crate::network::PromptBook;
use crate::scenario::PromptChoice;

/// Draws prompts. Made once for a point, shared by its runs.
#[derive(Debug, Clone, PartialEq)]
pub struct PromptSampler {
    /// Numbers in the book [object × template], the templates of one object side by side; a list has one template.
    prompts: Vec<u32>,
    templates: u32,
    popularity: AliasTable,
}

impl PromptSampler {
    /// The book must hold all prompts of `choice`. Costs a look at each text of the book.
    pub fn new(choice: &PromptChoice, zipf_exponent: f64, book: &PromptBook) -> Self {
        let numbers: HashMap<&str, u32> =
            (0..).zip(book.texts()).map(|(number, text)| (text.as_str(), number)).collect();
        let number = |text: String| *numbers.get(text.as_str()).expect("the book holds every prompt of the demand");
        let (objects, templates) = match choice {
            PromptChoice::Own => (0, 1),
            PromptChoice::List { prompts } => (prompts.len(), 1),
            PromptChoice::File { prompts, .. } => (prompts.len(), 1),
            PromptChoice::Grammar { objects, templates } => (objects.len(), templates.len()),
        };
        Self {
            prompts: choice.texts().map(number).collect(),
            templates: templates as u32,
            popularity: AliasTable::new((1..=objects).map(|rank| (rank as f64).powf(-zipf_exponent)).collect()),
        }
    }

    /// A number in the book; `None` where devices ask for their own prompt.
    pub fn draw<R: Rng + ?Sized>(&self, rng: &mut R) -> Option<u32> {
        if self.prompts.is_empty() {
            return None;
        }
        let object = self.popularity.draw(rng);
        let template = if self.templates > 1 { rng.random_range(0..self.templates) } else { 0 };
        Some(self.prompts[(object * self.templates + template) as usize])
    }
}

/// A discrete distribution as columns of equal probability, each shared by two outcomes at most.
///
/// ```text
///   mean ┬─────┬─────┬─────┬─────┐
///        │  0  │▒ 0 ▒│  3  │▒ 3 ▒│   outcome 1 is rarer than the mean, so the rest of its column
///        │     ├─────┤     ├─────┤   goes to outcome 0, which is more frequent
///        │     │  1  │     │  2  │
///        └─────┴─────┴─────┴─────┘
/// ```
#[derive(Debug, Clone, PartialEq)]
struct AliasTable {
    /// Part of the column that belongs to its own outcome, and the outcome of the rest.
    columns: Vec<(f64, u32)>,
}

impl AliasTable {
    /// From weights ≥ 0 that are not all 0.
    fn new(weights: Vec<f64>) -> Self {
        let mean = weights.iter().sum::<f64>() / weights.len() as f64;
        let mut heights: Vec<f64> = weights.iter().map(|weight| weight / mean).collect();
        let mut columns: Vec<(f64, u32)> = (0..heights.len() as u32).map(|outcome| (1.0, outcome)).collect();
        let (mut low, mut high): (Vec<usize>, Vec<usize>) =
            (0..heights.len()).partition(|&outcome| heights[outcome] < 1.0);
        while let (Some(&donor), Some(column)) = (high.last(), low.pop()) {
            columns[column] = (heights[column], donor as u32);
            heights[donor] -= 1.0 - heights[column];
            if heights[donor] < 1.0 {
                high.pop();
                low.push(donor);
            }
        }
        // What is left on either list is full but for rounding.
        Self { columns }
    }

    fn draw<R: Rng + ?Sized>(&self, rng: &mut R) -> u32 {
        let column = rng.random_range(0..self.columns.len());
        let (own, other) = self.columns[column];
        if rng.random::<f64>() < own { column as u32 } else { other }
    }
}
