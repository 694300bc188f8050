//! `scores.csv` and `answers.csv`: every answer of every judge.

use super::{RunData, TableLayout, key_cells};
use crate::experiment::scores::{PersonaScores, ScoredAnswer};
use crate::judge::persona::TRAIT_NAMES;
use crate::network::bench::SimulatedUser;
use crate::report::table::CsvRows;
use crate::report::{Cell, Column};

/// One answer with whom it is of and about.
struct AnswerContext<'a> {
    user: &'a SimulatedUser,
    /// Whether the persona is the user's own, not the panel's.
    is_own: bool,
    scores: &'a PersonaScores,
    index: usize,
}

pub(super) fn score_columns(layout: &TableLayout) -> Vec<Column> {
    let mut columns = question_columns(layout);
    columns.extend(TRAIT_NAMES.map(|name| Column::new(name, format!("{name} of the persona, in [0, 1]"))));
    columns.extend([
        Column::new("score", "what the answer says, in [0, 1]; blank where it says nothing"),
        Column::new("attempts", "answers that were asked for until one held a score; blank where there was no picture"),
        Column::new("status", "`ok`; `failed` where no answer held a score; else why there is no picture"),
    ]);
    columns
}

/// One row per request, persona and answer.
pub(super) fn score_rows(data: &RunData<'_>, rows: &mut CsvRows) {
    let mut cells = key_cells(data.run, 14);
    let keys = cells.len();
    for answer in answers_of(data) {
        cells.truncate(keys);
        cells.extend(question_cells(data, &answer));
        cells.extend(answer.scores.persona.persona.traits().map(Cell::from));
        let scored = &answer.scores.answers[answer.index];
        cells.push(scored.score().into());
        cells.push(match scored {
            ScoredAnswer::Given(given) => given.attempts.into(),
            ScoredAnswer::NoPicture(_) => Cell::Blank,
        });
        cells.push(scored.status().into());
        rows.push(&cells);
    }
}

pub(super) fn answer_columns(layout: &TableLayout) -> Vec<Column> {
    let mut columns = question_columns(layout);
    columns.extend([
        Column::new("score", "what was read from the answer, in [0, 1]; blank where it says nothing"),
        Column::new("attempts", "answers that were asked for until one held a score; blank where there was no picture"),
        Column::new("text", "the last attempt, word for word; blank where nothing is said"),
    ]);
    columns
}

/// What the agents said, word for word.
pub(super) fn answer_rows(data: &RunData<'_>, rows: &mut CsvRows) {
    let mut cells = key_cells(data.run, 8);
    let keys = cells.len();
    for answer in answers_of(data) {
        cells.truncate(keys);
        cells.extend(question_cells(data, &answer));
        let scored = &answer.scores.answers[answer.index];
        cells.push(scored.score().into());
        cells.extend(match scored {
            ScoredAnswer::Given(given) => [given.attempts.into(), given.text.as_deref().into()],
            ScoredAnswer::NoPicture(_) => [Cell::Blank, Cell::Blank],
        });
        rows.push(&cells);
    }
}

fn answers_of<'a>(data: &'a RunData<'_>) -> impl Iterator<Item = AnswerContext<'a>> {
    data.run.users.iter().zip(data.scores.by_user()).flat_map(|(user, personas)| {
        personas.iter().enumerate().flat_map(move |(position, scores)| {
            let is_own = position == 0;
            (0..scores.answers.len()).map(move |index| AnswerContext { user, is_own, scores, index })
        })
    })
}

fn question_columns(layout: &TableLayout) -> Vec<Column> {
    let mut columns = layout.key_columns();
    columns.extend(
        [
            ("request", "number of the request within the run"),
            ("device", "name of the user's device"),
            ("persona", "who answers"),
            ("rater", "`user` where the picture is the persona's own, `panel` where it is somebody else's"),
            ("answer", "index of the answer; the same stream of random numbers for every persona"),
        ]
        .map(|(name, meaning)| Column::new(name, meaning)),
    );
    columns
}

fn question_cells(data: &RunData<'_>, answer: &AnswerContext<'_>) -> [Cell; 5] {
    let record = &answer.user.record;
    [
        record.journey.request.into(),
        data.run.point.scenario.devices[record.journey.device].name.as_str().into(),
        answer.scores.persona.name.as_str().into(),
        if answer.is_own { "user" } else { "panel" }.into(),
        answer.index.into(),
    ]
}
