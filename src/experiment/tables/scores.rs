//! `scores.csv` and `answers.csv`: every answer of every judge.

use super::{StudyData, key_cells, key_columns};
use crate::experiment::scores::{PersonaScores, ScoredAnswer};
use crate::experiment::study::Run;
use crate::judge::persona::TRAIT_NAMES;
use crate::network::bench::SimulatedUser;
use crate::report::{Cell, Column, ReportError, Table};
use crate::scenario::JudgeKind;

/// One answer with whom it is of and about.
struct AnswerContext<'a> {
    run: &'a Run,
    user: &'a SimulatedUser,
    /// Whether the persona is the user's own, not the panel's.
    is_own: bool,
    scores: &'a PersonaScores,
    index: usize,
}

/// One row per request, persona and answer; `None` where no point has a judge.
pub(super) fn scores(data: &StudyData<'_>) -> Result<Option<Table>, ReportError> {
    if !data.is_judged() {
        return Ok(None);
    }
    let mut columns = question_columns(data);
    columns.extend(TRAIT_NAMES.map(|name| Column::new(name, format!("{name} of the persona, in [0, 1]"))));
    columns.extend([
        Column::new("score", "what the answer says, in [0, 1]; blank where it says nothing"),
        Column::new("attempts", "answers that were asked for until one held a score; blank where there was no picture"),
        Column::new("status", "`ok`; `failed` where no answer held a score; else why there is no picture"),
    ]);
    let mut table = Table::new(columns)?;
    for answer in answers_of(data) {
        let mut cells = question_cells(data, &answer);
        cells.extend(answer.scores.persona.persona.traits().map(Cell::from));
        let scored = &answer.scores.answers[answer.index];
        cells.push(scored.score().into());
        cells.push(match scored {
            ScoredAnswer::Given(given) => given.attempts.into(),
            ScoredAnswer::NoPicture(_) => Cell::Blank,
        });
        cells.push(scored.status().into());
        table.push(cells)?;
    }
    Ok(Some(table))
}

/// What the agents said, word for word, at points that ask for it; `None` where none does.
pub(super) fn answers(data: &StudyData<'_>) -> Result<Option<Table>, ReportError> {
    let asks = |point: usize| {
        let judge = &data.points[point].scenario.judge;
        judge.write_answers && judge.kind != JudgeKind::None
    };
    if !(0..data.points.len()).any(asks) {
        return Ok(None);
    }
    let mut columns = question_columns(data);
    columns.extend([
        Column::new("score", "what was read from the answer, in [0, 1]; blank where it says nothing"),
        Column::new("attempts", "answers that were asked for until one held a score; blank where there was no picture"),
        Column::new("text", "the last attempt, word for word; blank where nothing is said"),
    ]);
    let mut table = Table::new(columns)?;
    for answer in answers_of(data).filter(|answer| asks(answer.run.point)) {
        let mut cells = question_cells(data, &answer);
        let scored = &answer.scores.answers[answer.index];
        cells.push(scored.score().into());
        cells.extend(match scored {
            ScoredAnswer::Given(given) => [given.attempts.into(), given.text.as_deref().into()],
            ScoredAnswer::NoPicture(_) => [Cell::Blank, Cell::Blank],
        });
        table.push(cells)?;
    }
    Ok(Some(table))
}

fn answers_of<'a>(data: &'a StudyData<'_>) -> impl Iterator<Item = AnswerContext<'a>> {
    data.study.runs.iter().enumerate().flat_map(move |(index, run)| {
        run.users.iter().zip(data.scores.run(index)).flat_map(move |(user, personas)| {
            personas.iter().enumerate().flat_map(move |(position, scores)| {
                let is_own = position == 0;
                (0..scores.answers.len()).map(move |index| AnswerContext { run, user, is_own, scores, index })
            })
        })
    })
}

fn question_columns(data: &StudyData<'_>) -> Vec<Column> {
    let mut columns = key_columns(data);
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

fn question_cells(data: &StudyData<'_>, answer: &AnswerContext<'_>) -> Vec<Cell> {
    let record = &answer.user.record;
    let scenario = &data.points[answer.run.point].scenario;
    let mut cells = key_cells(data, answer.run);
    cells.extend([
        record.request.into(),
        scenario.devices[record.device].name.as_str().into(),
        answer.scores.persona.name.as_str().into(),
        if answer.is_own { "user" } else { "panel" }.into(),
        answer.index.into(),
    ]);
    cells
}
