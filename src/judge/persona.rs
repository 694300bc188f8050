//! Big Five personalities: the vector u_k of (25).

use miette::Diagnostic;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A personality: how strong each of the Big Five traits is, in [0, 1].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Persona {
    traits: [f64; 5],
}

/// The traits in the order of (25).
pub const TRAIT_NAMES: [&str; 5] = ["openness", "conscientiousness", "extraversion", "agreeableness", "neuroticism"];

/// A trait outside [0, 1], or not a number.
#[derive(Debug, Clone, PartialEq, Error, Diagnostic)]
#[error("{trait_name} is {value}, which is outside [0, 1]")]
#[diagnostic(help("a trait is a number from 0 (absent) to 1 (as strong as it gets)"))]
pub struct PersonaError {
    pub trait_name: &'static str,
    pub value: f64,
}

impl Persona {
    /// The agent GA1 of Figs. 8 to 10: closed to the new, orderly, sociable, agreeable, calm.
    pub const GA1: Self = Self { traits: [0.1, 0.8, 0.7, 0.8, 0.1] };
    /// The agent GA2 of Figs. 8 and 9: open, careless, reserved, disagreeable, nervous.
    pub const GA2: Self = Self { traits: [0.9, 0.2, 0.1, 0.1, 0.8] };
    /// The agent GA2 of Fig. 10, whose neuroticism the paper gives as 0.5.
    pub const GA2_FIG10: Self = Self { traits: [0.9, 0.2, 0.1, 0.1, 0.5] };
    /// Every trait in the middle.
    pub const NEUTRAL: Self = Self { traits: [0.5; 5] };

    /// The personas that a scenario can call by name.
    pub const NAMED: [(&str, Self); 4] =
        [("GA1", Self::GA1), ("GA2", Self::GA2), ("GA2-fig10", Self::GA2_FIG10), ("neutral", Self::NEUTRAL)];

    /// A persona from its traits in the order of [`TRAIT_NAMES`].
    ///
    /// # Errors
    /// [`PersonaError`] for the first trait outside [0, 1].
    pub fn new(traits: [f64; 5]) -> Result<Self, PersonaError> {
        match traits.iter().position(|value| !(0.0..=1.0).contains(value)) {
            // Adding 0 makes -0 a plain 0: what is equal is told, named and stored alike.
            None => Ok(Self { traits: traits.map(|value| value + 0.0) }),
            Some(index) => Err(PersonaError { trait_name: TRAIT_NAMES[index], value: traits[index] }),
        }
    }

    /// The persona of the paper with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMED.iter().find(|(known, _)| *known == name).map(|(_, persona)| *persona)
    }

    /// The traits in the order of [`TRAIT_NAMES`].
    pub fn traits(&self) -> [f64; 5] {
        self.traits
    }

    pub fn openness(&self) -> f64 {
        self.traits[0]
    }

    pub fn conscientiousness(&self) -> f64 {
        self.traits[1]
    }

    pub fn extraversion(&self) -> f64 {
        self.traits[2]
    }

    pub fn agreeableness(&self) -> f64 {
        self.traits[3]
    }

    pub fn neuroticism(&self) -> f64 {
        self.traits[4]
    }
}

/// A persona and what tables and figures call it.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedPersona {
    /// `GA1`, the name of a person of a file, or the traits written out.
    pub name: String,
    pub persona: Persona,
}

impl NamedPersona {
    pub fn new(name: impl Into<String>, persona: Persona) -> Self {
        Self { name: name.into(), persona }
    }

    /// Called by its traits: `o0.10-c0.80-e0.70-a0.80-n0.10`, with as many digits as they have, two at least.
    pub fn of_traits(persona: Persona) -> Self {
        let written: Vec<String> = TRAIT_NAMES
            .iter()
            .zip(persona.traits())
            .map(|(name, value)| {
                let digits = format!("{value}");
                let places = digits.split_once('.').map_or(0, |(_, places)| places.len()).max(2);
                format!("{}{value:.places$}", &name[..1])
            })
            .collect();
        Self { name: written.join("-"), persona }
    }
}
