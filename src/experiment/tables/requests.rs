//! `requests.csv`: one row per user. That of a run in time is in [`super::live_requests`].

use super::{RunData, TableLayout, key_cells};
use crate::experiment::budget::{over_budget_j, paid_by_devices_j};
use crate::experiment::images::picture_file;
use crate::experiment::scores::PersonaScores;
use crate::experiment::simulation::Run;
use crate::network::UserRecord;
use crate::network::bench::SimulatedUser;
use crate::report::table::CsvRows;
use crate::report::{Cell, Column};
use crate::scenario::PictureReference;

/// A column of `requests.csv`: its name, its meaning, and how a user's cell is made.
pub(super) type UserColumn = (&'static str, &'static str, fn(&UserContext<'_>) -> Cell);

/// A picture and all that is known of it.
pub(super) struct UserContext<'a> {
    pub(super) data: &'a RunData<'a>,
    pub(super) run: &'a Run,
    pub(super) user: &'a SimulatedUser,
    /// The user's own persona first; empty where nobody judges.
    pub(super) scores: &'a [PersonaScores],
    /// What the user's device paid [J].
    pub(super) paid_j: f64,
}

impl UserContext<'_> {
    pub(super) fn record(&self) -> &UserRecord {
        &self.user.record
    }

    fn device(&self) -> &crate::scenario::DeviceSettings {
        &self.run.point.scenario.devices[self.record().journey.device]
    }

    pub(super) fn link<T: Into<Cell>>(&self, select: impl Fn(&crate::network::LinkRecord) -> Option<T>) -> Cell {
        self.record().link.as_ref().and_then(select).map_or(Cell::Blank, Into::into)
    }

    fn picture_status(&self) -> &'static str {
        match self.data.values.failure_of(self.record()) {
            _ if !self.run.makes_pictures() => "not-made",
            None => "ok",
            Some(failure) => failure.name(),
        }
    }

    fn errors(&self, select: impl Fn(&crate::diffusion::LinkErrors) -> u64) -> Cell {
        self.record()
            .received
            .and_then(|id| self.data.values.link_errors.get(&id))
            .map_or(Cell::Blank, |errors| Cell::from(select(errors)))
    }
}

pub(super) const USER_COLUMNS: &[UserColumn] = &[
    ("request", "number of the request within the run", |u| u.record().journey.request.into()),
    ("device", "name of the user's device", |u| u.device().name.as_str().into()),
    ("prompt", "what the user asked for", |u| u.run.point.prompts.text(u.record().journey.prompt).into()),
    ("server_prompt", "prompt of the shared steps; blank where nothing was shared", |u| {
        u.record().shared_prompt.map_or(Cell::Blank, |prompt| u.run.point.prompts.text(prompt).into())
    }),
    ("t0", "denoising steps on the server", |u| u64::from(u.record().t0).into()),
    ("tk", "denoising steps on the device", |u| u64::from(u.record().tk).into()),
    ("distance_m", "ground distance to the server [m]", |u| u.record().journey.distance_m.into()),
    ("tx_power_w", "transmit power [W]", |u| u.link(|l| Some(l.tx_power_w))),
    ("path_loss_db", "path loss [dB]; blank where the link is pinned", |u| u.link(|l| l.path_loss_db)),
    ("fading_gain", "drawn power gain h of the fading, a factor; blank where it is not drawn", |u| {
        u.link(|l| l.fading_gain)
    }),
    ("snr_db", "signal-to-noise ratio per symbol [dB]; blank where the link is pinned", |u| u.link(|l| l.snr_db)),
    ("bit_error_probability", "probability that a bit of the latent flips; blank where nothing was sent", |u| {
        u.link(|l| Some(l.bit_error_probability))
    }),
    ("transmitted_bits", "bits of latent and header on the air", |u| u.link(|l| Some(l.transmitted_bits))),
    ("latent_bits", "bits of the packed latent, and of the history that is sent along", |u| u.errors(|e| e.bits)),
    ("flipped_bits", "bits of the latent that arrived flipped", |u| u.errors(|e| e.flipped_bits)),
    ("non_finite_values", "values that were NaN or infinite before sanitising", |u| u.errors(|e| e.non_finite)),
    ("out_of_range_values", "finite values outside the latent range before sanitising", |u| {
        u.errors(|e| e.out_of_range)
    }),
    ("airtime_s", "time of the latent on the air [s]", |u| u.link(|l| Some(l.airtime_s))),
    ("arrival_s", "when the user asked [s]", |u| u.record().journey.arrival_s.into()),
    ("server_finished_s", "when the shared steps were done [s]", |u| {
        u.record().server_finished_s.map_or(Cell::Blank, Into::into)
    }),
    ("transmit_start_s", "when the transmission began [s]", |u| u.link(|l| Some(l.transmit_start_s))),
    ("received_s", "when the latent was there [s]", |u| u.link(|l| Some(l.received_s))),
    ("finished_s", "when the picture was there [s]", |u| u.record().finished_s.into()),
    ("latency_s", "from the request to the picture [s]", |u| {
        (u.record().finished_s - u.record().journey.arrival_s).into()
    }),
    ("transmit_energy_j", "energy the server spent on this transmission [J]", |u| {
        u.link(|l| Some(l.transmit_energy_j))
    }),
    ("receive_energy_j", "energy the device spent on receiving [J]", |u| u.link(|l| Some(l.receive_energy_j))),
    ("compute_energy_j", "energy the device spent on its steps and decoding [J]", |u| {
        u.record().device_compute_j.into()
    }),
    (
        "device_over_budget_j",
        "energy above the device's budget, constraint (22) [J]; 0 where it is kept, blank without one",
        |u| u.device().energy_budget_j.map_or(Cell::Blank, |budget| over_budget_j(u.paid_j, budget).into()),
    ),
    ("picture", "file of the picture; blank where there is none", |u| match u.picture_status() {
        "ok" => {
            let request = u.data.layout.is_live.then_some(u.record().journey.request);
            picture_file(u.run.id, &u.device().name, request).into()
        }
        _ => Cell::Blank,
    }),
    ("picture_status", "`ok`, why the picture failed, or `not-made` where a surface judges, which needs none", |u| {
        u.picture_status().into()
    }),
];

pub(super) fn columns(layout: &TableLayout) -> Vec<Column> {
    let mut columns = layout.key_columns();
    columns.extend(USER_COLUMNS.iter().map(|(name, meaning, _)| Column::new(*name, *meaning)));
    columns.extend(picture_columns(layout));
    columns
}

/// Metrics of the pictures, and what judges made of them.
pub(super) fn picture_columns(layout: &TableLayout) -> Vec<Column> {
    let metrics = layout.references.iter().flat_map(|against| metric_columns(*against));
    metrics.chain(quality_columns(layout)).collect()
}

/// One row per request and user.
pub(super) fn rows(data: &RunData<'_>, rows: &mut CsvRows) {
    let run = data.run;
    let paid_j = paid_by_devices_j(&run.point.scenario, &run.ledger);
    let mut cells = key_cells(run, USER_COLUMNS.len() + picture_columns(data.layout).len());
    let keys = cells.len();
    for (user, scores) in run.users.iter().zip(data.scores.by_user()) {
        let context = UserContext { data, run, user, scores, paid_j: paid_j[user.record.journey.device] };
        cells.truncate(keys);
        cells.extend(USER_COLUMNS.iter().map(|(_, _, cell)| cell(&context)));
        context.add_picture_cells(&mut cells);
        rows.push(&cells);
    }
}

impl UserContext<'_> {
    /// The cells of [`picture_columns`].
    pub(super) fn add_picture_cells(&self, cells: &mut Vec<Cell>) {
        for &against in &self.data.layout.references {
            let metrics = self.data.values.metrics_of(self.user, against);
            cells.extend([metrics.map(|m| m.mse), metrics.map(|m| m.psnr_db), metrics.map(|m| m.ssim)].map(Cell::from));
        }
        cells.extend(quality_cells(self));
    }
}

fn metric_columns(against: PictureReference) -> [Column; 3] {
    let (suffix, name) = (against.column_suffix(), against.name());
    [
        Column::new(
            format!("mse_{suffix}"),
            format!("mean squared error against the {name} picture, values in [0, 1]"),
        ),
        Column::new(
            format!("psnr_{suffix}_db"),
            format!("peak signal-to-noise ratio against the {name} picture [dB]; `inf` for equal pictures"),
        ),
        Column::new(format!("ssim_{suffix}"), format!("structural similarity to the {name} picture")),
    ]
}

/// What judges made of the picture; nothing where there is no judge.
fn quality_columns(layout: &TableLayout) -> Vec<Column> {
    if !layout.is_judged {
        return Vec::new();
    }
    let mut columns = vec![
        Column::new("persona", "who the user is: a name of judge or population, traits in scores.csv"),
        Column::new("qoe", "the user's quality of experience, the mean over its answers, in [0, 1]; blank without one"),
        Column::new("qoe_status", "`ok`; `failed` where no answer held a score; else why there is no picture"),
    ];
    columns.extend(layout.panel.iter().map(|name| {
        Column::new(format!("qoe_{name}"), format!("the same score by {name} of the panel; blank without one"))
    }));
    columns
}

/// The cells of [`quality_columns`].
fn quality_cells(user: &UserContext<'_>) -> Vec<Cell> {
    if !user.data.layout.is_judged {
        return Vec::new();
    }
    let own = user.scores.first();
    let scenario = &user.run.point.scenario;
    let mut cells = vec![
        own.map(|own| own.persona.name.as_str()).into(),
        own.and_then(PersonaScores::quality_of_experience).into(),
        own.map(PersonaScores::status).into(),
    ];
    cells.extend(scenario.judge.panel.iter().map(|persona| {
        let scores = user.scores.iter().find(|scores| *scores.persona == *persona);
        Cell::from(scores.and_then(PersonaScores::quality_of_experience))
    }));
    cells
}
