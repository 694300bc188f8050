//! Places in a text, in braces: `{openness}`, `{picture}`.

use crate::judge::persona::TRAIT_NAMES;

/// What is put there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// `{openness}`: "0.90"; index of the trait.
    Trait(usize),
    /// `{openness_percent}`: "90".
    TraitPercent(usize),
    Request,
    Lowest,
    Highest,
    General,
    Agent,
    Picture,
    Question,
}

impl Place {
    pub(super) fn named(name: &str) -> Option<Self> {
        let trait_index = |name: &str| TRAIT_NAMES.iter().position(|known| *known == name);
        match name {
            "request" => Some(Self::Request),
            "lowest" => Some(Self::Lowest),
            "highest" => Some(Self::Highest),
            "general" => Some(Self::General),
            "agent" => Some(Self::Agent),
            "picture" => Some(Self::Picture),
            "question" => Some(Self::Question),
            _ => match name.strip_suffix("_percent") {
                Some(name) => trait_index(name).map(Self::TraitPercent),
                None => trait_index(name).map(Self::Trait),
            },
        }
    }

    pub(super) fn name(self) -> String {
        match self {
            Self::Trait(index) => TRAIT_NAMES[index].to_owned(),
            Self::TraitPercent(index) => format!("{}_percent", TRAIT_NAMES[index]),
            Self::Request => "request".into(),
            Self::Lowest => "lowest".into(),
            Self::Highest => "highest".into(),
            Self::General => "general".into(),
            Self::Agent => "agent".into(),
            Self::Picture => "picture".into(),
            Self::Question => "question".into(),
        }
    }
}

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    Place(Place),
}

/// A brace that begins no known place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UnknownPlace {
    /// As written, with its braces.
    pub(super) written: String,
    pub(super) is_open: bool,
}

/// Takes a text apart.
pub(super) fn pieces(text: &str) -> Result<Vec<Piece>, UnknownPlace> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let inside = &rest[open + 1..];
        let Some(close) = inside.find(['}', '{']).filter(|close| inside[*close..].starts_with('}')) else {
            let written: String = rest[open..].chars().take(16).collect();
            return Err(UnknownPlace { written, is_open: true });
        };
        let place = Place::named(&inside[..close])
            .ok_or_else(|| UnknownPlace { written: format!("{{{}}}", &inside[..close]), is_open: false })?;
        if open > 0 {
            pieces.push(Piece::Text(rest[..open].to_owned()));
        }
        pieces.push(Piece::Place(place));
        rest = &inside[close + 1..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    Ok(pieces)
}

/// The text with `words` in its places.
pub(super) fn filled(pieces: &[Piece], words: impl Fn(Place) -> String) -> String {
    let parts = pieces.iter().map(|piece| match piece {
        Piece::Text(text) => text.clone(),
        Piece::Place(place) => words(*place),
    });
    parts.collect()
}

/// The text as it was written.
pub(super) fn written(pieces: &[Piece]) -> String {
    filled(pieces, |place| format!("{{{}}}", place.name()))
}
