//! A persona where a scenario names one: by name, or by its five traits.

use crate::judge::persona::TRAIT_NAMES;
use crate::judge::{NamedPersona, Persona};
use crate::scenario::error::Problem;
use crate::scenario::range::Range;
use crate::scenario::reader::TableReader;
use crate::scenario::settings::PersonaSettings;
use crate::scenario::tree::{Data, Value};
use crate::scenario::words::nearest;

/// The word for a persona that is drawn.
pub(in crate::scenario) const POPULATION: &str = "population";

/// People named in messages before the list is cut short.
const LISTED_PEOPLE: usize = 8;

/// Whom a scenario can name besides the personas of the paper.
#[derive(Debug, Clone, Copy)]
pub(super) enum People<'a> {
    /// There is no `[population]`.
    NoPopulation,
    /// A distribution: nobody in it has a name.
    Nameless,
    /// The people of a file.
    Of(&'a [NamedPersona]),
    /// `[population]` is wrong, and has been reported.
    Unknown,
}

impl People<'_> {
    fn find(self, name: &str) -> Option<NamedPersona> {
        if let Some(persona) = Persona::named(name) {
            return Some(NamedPersona::new(name, persona));
        }
        match self {
            Self::Of(people) => people.iter().find(|person| person.name == name).cloned(),
            _ => None,
        }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let people: &[NamedPersona] = match self {
            Self::Of(people) => people,
            _ => &[],
        };
        Persona::NAMED.iter().map(|(name, _)| *name).chain(people.iter().map(|person| person.name.as_str()))
    }

    /// What may stand there, for messages.
    fn expected(&self) -> String {
        let listed: Vec<String> =
            self.names().take(Persona::NAMED.len() + LISTED_PEOPLE).map(|name| format!("\"{name}\"")).collect();
        let more =
            if self.names().nth(listed.len()).is_some() { ", … (as the file of [population] has them)" } else { "" };
        format!("{}{more}, or a list of five traits", listed.join(", "))
    }
}

/// Who uses a device.
pub(super) fn user(table: &mut TableReader<'_>, people: People<'_>) -> PersonaSettings {
    let usual = match people {
        People::NoPopulation => PersonaSettings::Given(NamedPersona::new("neutral", Persona::NEUTRAL)),
        _ => PersonaSettings::Population,
    };
    let Some(value) = table.value("persona") else {
        return usual;
    };
    match &value.data {
        Data::Text(word) if word == POPULATION => {
            if matches!(people, People::NoPopulation) {
                let problem = Problem::new("`persona` = \"population\", but there is no [population]");
                let problem = problem.at(&value.origin).expected(people.expected());
                table.push(problem.help(format!("add one, say\n  {}", super::population::EXAMPLE)));
            }
            usual
        }
        _ => persona_from(table, "persona", value, people).map_or(usual, PersonaSettings::Given),
    }
}

/// A persona that is given, not drawn.
pub(super) fn persona_from(
    table: &mut TableReader<'_>,
    key: &str,
    value: &Value,
    people: People<'_>,
) -> Option<NamedPersona> {
    match &value.data {
        Data::Text(name) => {
            let found = people.find(name);
            if found.is_none() && !matches!(people, People::Unknown) {
                table.push(unknown_persona(key, name, value, people));
            }
            found
        }
        Data::List(_) => {
            let traits = five_numbers(table, key, value, Range::Between(0.0, 1.0))?;
            let persona = Persona::new(traits).expect("each trait was held against [0, 1]");
            Some(NamedPersona::of_traits(persona))
        }
        _ => {
            table.wrong_type(key, value, people.expected());
            None
        }
    }
}

fn unknown_persona(key: &str, name: &str, value: &Value, people: People<'_>) -> Problem {
    let problem = Problem::new(format!("`{key}` = \"{name}\" is nobody's name")).at(&value.origin);
    let problem = problem.expected(people.expected());
    match (nearest(name, people.names()), people) {
        (_, _) if name == POPULATION => problem.help("only a device's user can be drawn; name somebody here"),
        (Some(near), _) => problem.help(format!("did you mean \"{near}\"?")),
        (None, People::Of(_)) => problem.help("add this person to the file of [population], or write five traits"),
        (None, _) => problem.help(format!(
            "write the traits instead, [{}], or list people in a file: [population] kind = \"file\"",
            TRAIT_NAMES.join(", ")
        )),
    }
}

/// One number for each trait.
pub(super) fn five_numbers(table: &mut TableReader<'_>, key: &str, value: &Value, range: Range) -> Option<[f64; 5]> {
    let expected = format!("a list of five numbers: {}", TRAIT_NAMES.join(", "));
    let Data::List(list) = &value.data else {
        table.wrong_type(key, value, expected);
        return None;
    };
    if list.len() != TRAIT_NAMES.len() {
        let problem = Problem::new(format!("`{key}` has {} numbers", list.len())).at(&value.origin);
        table.push(problem.expected(expected));
        return None;
    }
    let numbers: Vec<Option<f64>> =
        list.iter().zip(TRAIT_NAMES).map(|(value, name)| table.number_from(name, value, range)).collect();
    let numbers: Vec<f64> = numbers.into_iter().collect::<Option<_>>()?;
    Some(numbers.try_into().expect("five traits, five numbers"))
}
