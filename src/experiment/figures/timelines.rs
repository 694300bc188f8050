//! Who does what when in one round, from the times in `requests.csv`.
//!
//! ```text
//!  server          ▐ t₀ steps ▌
//!  link to phone              ▐ transmit ▌
//!  link to tablet             ▐ wait ════▐ transmit ▌
//!  phone                                 ▐ tₖ steps ▌ decode ▌
//!  tablet                                           ▐ tₖ steps ▌ decode ▌
//! ```

use super::columns::{Columns, Wanted};
use super::{FigureSource, base_title};
use crate::report::timeline::{Activity, TimelineSpan, TimelineWindow};
use crate::report::{ReportError, Timeline};
use crate::scenario::{FigureSettings, Scenario, TimelineSettings};

/// Times in seconds; NaN where they do not apply.
const TIMES: &[&str] = &["t0", "tk", "arrival_s", "server_finished_s", "transmit_start_s", "received_s", "finished_s"];

/// Simulated time runs in whole nanoseconds: what is shorter is a rounding error [s].
pub(super) const RESOLUTION_S: f64 = 0.5e-9;

/// The timeline of one run.
///
/// # Errors
/// [`ReportError::Figure`] where there is no such run.
pub(super) fn timeline(
    source: &FigureSource,
    scenario: &Scenario,
    figure: &FigureSettings,
    &TimelineSettings { point, replication, from_s, to_s }: &TimelineSettings,
) -> Result<Timeline, ReportError> {
    let (at_point, at_replication) = (point.to_string(), replication.to_string());
    let decode_fields = decode_time_fields(source, scenario);
    let mut words = vec!["device"];
    words.extend(decode_fields.iter().flatten().copied());
    let wanted =
        Wanted { words: &words, numbers: TIMES, only: &[("point", &at_point), ("replication", &at_replication)] };
    let run = Columns::read(&source.folder.join("requests.csv"), &wanted)?;
    let title = match &figure.title {
        Some(title) => title.clone(),
        None => format!("{}: point {point}, replication {replication}", base_title(scenario, figure)),
    };
    if run.rows() == 0 {
        let message = format!("there is no run of point {point}, replication {replication}");
        return Err(ReportError::Figure { figure: title, message });
    }
    let mut server: Vec<TimelineSpan> = Vec::new();
    let (mut links, mut devices) = (Vec::new(), Vec::new());
    for (index, device) in scenario.devices.iter().enumerate() {
        let (mut link, mut own) = (Vec::new(), Vec::new());
        for row in (0..run.rows()).filter(|row| run.words("device").word(*row) == device.name) {
            let time = |name: &str| run.numbers(name)[row];
            let swept = decode_fields[index].and_then(|field| run.words(field).word(row).parse().ok());
            let decode_s: f64 = swept.unwrap_or(device.decode_time_s);
            let request = Request {
                t0: time("t0"),
                tk: time("tk"),
                arrival_s: time("arrival_s"),
                finished_s: time("finished_s"),
                sent: time("server_finished_s").is_finite().then(|| Sent {
                    server_finished_s: time("server_finished_s"),
                    transmit_start_s: time("transmit_start_s"),
                    received_s: time("received_s"),
                }),
            };
            request.on_server(&mut server);
            request.on_link(&mut link);
            request.on_device(decode_s, &mut own);
        }
        links.push((format!("link to {}", device.name), link));
        devices.push((device.name.clone(), own));
    }
    let lanes = std::iter::once(("server".to_owned(), server)).chain(links).chain(devices);
    // Where nothing is shared, server and links have nothing to do.
    let busy: Vec<(String, Vec<TimelineSpan>)> = lanes.filter(|(_, spans)| !spans.is_empty()).collect();
    let spans = busy
        .iter()
        .enumerate()
        .flat_map(|(lane, (_, spans))| spans.iter().map(move |span| TimelineSpan { lane, ..span.clone() }));
    let spans: Vec<TimelineSpan> = spans.collect();
    let end_s = spans.iter().map(|span| span.end_s).fold(0.0, f64::max);
    let window = (from_s.is_some() || to_s.is_some()).then(|| TimelineWindow {
        from_s: from_s.unwrap_or(0.0),
        to_s: to_s.unwrap_or(end_s),
        lanes: (0..busy.len()).collect(),
    });
    Ok(Timeline {
        title,
        lanes: busy.into_iter().map(|(name, _)| name).collect(),
        spans,
        window,
        footer: source.footer.clone(),
    })
}

/// The swept field that holds each device's decoding time, where one does.
fn decode_time_fields<'a>(source: &'a FigureSource, scenario: &Scenario) -> Vec<Option<&'a str>> {
    let fields = scenario.devices.iter().enumerate().map(|(index, device)| {
        let names = [
            format!("device.{}.decode_time_s", device.name),
            format!("device.{index}.decode_time_s"),
            format!("device[{}].decode_time_s", device.name),
            format!("device[{index}].decode_time_s"),
        ];
        source.swept.iter().find(|field| names.contains(field)).map(String::as_str)
    });
    fields.collect()
}

/// One row of `requests.csv`.
struct Request {
    t0: f64,
    tk: f64,
    /// [s]
    arrival_s: f64,
    finished_s: f64,
    /// `None` where the device worked alone.
    sent: Option<Sent>,
}

/// When a latent was handed over [s].
struct Sent {
    server_finished_s: f64,
    transmit_start_s: f64,
    received_s: f64,
}

impl Request {
    /// The steps for a group begin when its last request is there: requests with one end share their span.
    fn on_server(&self, spans: &mut Vec<TimelineSpan>) {
        let Some(Sent { server_finished_s: end_s, .. }) = self.sent else { return };
        match spans.iter_mut().find(|span| span.end_s == end_s) {
            Some(shared) => shared.start_s = shared.start_s.max(self.arrival_s),
            None => spans.push(span(Activity::Compute, self.arrival_s, end_s, format!("t₀ = {}", self.t0))),
        }
    }

    /// A latent waits while the channel is taken by others.
    fn on_link(&self, spans: &mut Vec<TimelineSpan>) {
        let Some(Sent { server_finished_s, transmit_start_s, received_s }) = self.sent else { return };
        if transmit_start_s > server_finished_s {
            spans.push(span(Activity::Wait, server_finished_s, transmit_start_s, "wait".to_owned()));
        }
        spans.push(span(Activity::Transmit, transmit_start_s, received_s, "transmit".to_owned()));
    }

    fn on_device(&self, decode_s: f64, spans: &mut Vec<TimelineSpan>) {
        let start_s = self.sent.as_ref().map_or(self.arrival_s, |sent| sent.received_s);
        let decode_start_s = (self.finished_s - decode_s).clamp(start_s, self.finished_s.max(start_s));
        if decode_start_s > start_s + RESOLUTION_S {
            spans.push(span(Activity::Compute, start_s, decode_start_s, format!("tₖ = {}", self.tk)));
        }
        if self.finished_s > decode_start_s + RESOLUTION_S {
            spans.push(span(Activity::Decode, decode_start_s, self.finished_s, "decode".to_owned()));
        }
    }
}

/// In a lane that is numbered later.
pub(super) fn span(activity: Activity, start_s: f64, end_s: f64, label: String) -> TimelineSpan {
    TimelineSpan { lane: 0, activity, start_s, end_s, label }
}
