//! How fields of a scenario are named on axes: `radio.bit_error_probability` = 0.005 reads "bit error probability", "0.5 %".

/// How a number is written on an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberStyle {
    /// As a percentage: 0.005 → "0.5 %".
    Percent,
    /// With a unit and, where that is customary, an SI prefix: 5e6 → "5 MHz".
    Unit(&'static str),
    /// Bare.
    Plain,
}

/// The title of the axis of a swept field: its last part in words, without the unit, which the ticks carry.
pub fn axis_title(field: &str) -> String {
    let title = match last_part(field) {
        "t0" => "steps on the server, t₀".to_owned(),
        "tk" => "steps on the device, tₖ".to_owned(),
        "ms" => "shadowing parameter mₛ".to_owned(),
        "m" => "fading parameter m".to_owned(),
        // What says which of several kinds, or whether at all, is called after its table: `architecture.kind`.
        "kind" | "enabled" => table_of(field).replace('_', " "),
        "rate_hz" if table_of(field) == "arrivals" => "arrival rate".to_owned(),
        name => {
            let words = match unit_suffix(name) {
                Some((suffix, _)) => &name[..name.len() - suffix.len()],
                None => name,
            };
            words.replace("tx_", "transmit_").replace('_', " ").replace("snr", "SNR")
        }
    };
    match element(field) {
        Some(element) => format!("{title} ({element})"),
        // Devices have one of their own.
        None if ["server.prompt", "server.step_time_s", "server.step_energy_j", "server.energy_budget_j"]
            .contains(&field) =>
        {
            format!("{title} (server)")
        }
        None => title,
    }
}

/// How values of a swept field are written.
pub fn number_style(field: &str) -> NumberStyle {
    let name = last_part(field);
    if ["probability", "fraction", "rate", "efficiency", "utilisation"].iter().any(|end| name.ends_with(end)) {
        return NumberStyle::Percent;
    }
    unit_suffix(name).map_or(NumberStyle::Plain, |(_, unit)| NumberStyle::Unit(unit))
}

/// One value of a swept field as a tick label. What is no number stays as it is, without quotes; a table is its kind and what
/// stands beside it: `{ kind = "rician", k_db = 3.0 }` reads "rician, k 3 dB".
pub fn tick_label(field: &str, value: &str) -> String {
    match value.trim().replace('_', "").parse::<f64>() {
        Ok(number) if number.is_finite() => number_label(number, number_style(field)),
        _ => table_label(value).unwrap_or_else(|| switch_label(field, value.trim().trim_matches('"'))),
    }
}

/// All values of a swept field as tick labels: [`tick_label`], but of paths only the folders and names that tell them apart.
pub fn tick_labels(field: &str, values: &[String]) -> Vec<String> {
    let labels: Vec<String> = values.iter().map(|value| tick_label(field, value)).collect();
    let mut paths: Vec<Vec<&str>> = labels.iter().map(|label| label.split('/').collect()).collect();
    let before = shared_parts(&paths);
    paths.iter_mut().for_each(|path| path.reverse());
    let after = shared_parts(&paths);
    let apart = |path: &Vec<&str>| {
        let parts = path.get(after..path.len().saturating_sub(before)).filter(|parts| !parts.is_empty())?;
        Some(parts.iter().rev().copied().collect::<Vec<_>>().join("/"))
    };
    paths.iter().map(apart).collect::<Option<Vec<String>>>().unwrap_or(labels)
}

/// How many parts all paths have in common at their beginning.
fn shared_parts(paths: &[Vec<&str>]) -> usize {
    let Some((first, others)) = paths.split_first() else { return 0 };
    let is_shared = |(index, part): &(usize, &&str)| others.iter().all(|path| path.get(*index) == Some(*part));
    first.iter().enumerate().take_while(is_shared).count()
}

/// Of an inline table with a `kind`; `None` of anything else.
fn table_label(value: &str) -> Option<String> {
    let value = value.trim();
    let table: toml::Table = value.starts_with('{').then(|| toml::from_str(&format!("v = {value}")).ok()).flatten()?;
    let table = table.get("v")?.as_table()?;
    let kind = table.get("kind")?.as_str()?.to_owned();
    let beside = table.iter().filter(|(key, _)| *key != "kind");
    let beside = beside.map(|(key, value)| format!("{} {}", axis_title(key), tick_label(key, &value.to_string())));
    Some(std::iter::once(kind).chain(beside).collect::<Vec<_>>().join(", "))
}

/// "on" and "off" of what is switched on and off.
fn switch_label(field: &str, value: &str) -> String {
    match (last_part(field), value) {
        ("enabled", "true") => "on".to_owned(),
        ("enabled", "false") => "off".to_owned(),
        _ => value.to_owned(),
    }
}

/// One number as a tick label.
pub fn number_label(number: f64, style: NumberStyle) -> String {
    match style {
        NumberStyle::Percent => format!("{} %", short_number(number * 100.0)),
        NumberStyle::Plain => short_number(number),
        // Decibels and metres are not scaled: 900 m, not 0.9 km.
        NumberStyle::Unit(unit) if unit.starts_with("dB") || unit == "m" => {
            format!("{} {unit}", short_number(number))
        }
        NumberStyle::Unit(unit) => {
            const PREFIXES: [(f64, &str); 6] =
                [(1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ")];
            let (scale, prefix) =
                PREFIXES.into_iter().find(|(scale, _)| number.abs() >= *scale * (1.0 - 1e-9)).unwrap_or((1.0, ""));
            format!("{} {prefix}{unit}", short_number(number / scale))
        }
    }
}

/// At most six significant digits, without trailing zeros, with a true minus sign.
fn short_number(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    let magnitude = number.abs().log10().floor();
    let text = if (-5.0..9.0).contains(&magnitude) {
        let decimals = (5.0 - magnitude).clamp(0.0, 10.0) as usize;
        let fixed = format!("{number:.decimals$}");
        match fixed.contains('.') {
            true => fixed.trim_end_matches('0').trim_end_matches('.').to_owned(),
            false => fixed,
        }
    } else {
        format!("{number:e}")
    };
    text.replace('-', "−")
}

/// `tk` of `policy.tk[device-2]`, `rate_hz` of `fault[0].rate_hz`.
fn last_part(field: &str) -> &str {
    let name = match field.strip_suffix(']').and_then(|open| open.rsplit_once('[')) {
        Some((name, _)) => name,
        None => field,
    };
    name.rsplit('.').next().unwrap_or(name)
}

/// `architecture` of `architecture.kind`; the field itself where it stands alone.
fn table_of(field: &str) -> &str {
    let table = field.rsplit_once('.').map_or(field, |(table, _)| table);
    table.rsplit('.').next().unwrap_or(table)
}

/// `device-2` of `policy.tk[device-2]` and of `device.device-2.distance_m`, `fault 0` of `fault[0].rate_hz`.
fn element(field: &str) -> Option<String> {
    if let Some((_, rest)) = field.strip_suffix(']').and_then(|open| open.rsplit_once('[')) {
        return Some(rest.to_owned());
    }
    if let Some((list, (number, _))) =
        field.split_once('[').and_then(|(list, rest)| Some((list, rest.split_once(']')?)))
    {
        return Some(format!("{list} {number}"));
    }
    field.strip_prefix("device.")?.split('.').next().map(str::to_owned)
}

/// The unit at the end of a field's name, as spelled there and as printed.
fn unit_suffix(name: &str) -> Option<(&'static str, &'static str)> {
    const UNITS: [(&str, &str); 11] = [
        ("_dbw", "dBW"),
        ("_dbm", "dBm"),
        ("_db", "dB"),
        ("_hz", "Hz"),
        ("_j", "J"),
        ("_w", "W"),
        ("_s", "s"),
        ("_m", "m"),
        ("_bits", "bit"),
        ("_bps", "bit/s"),
        ("_bytes", "B"),
    ];
    UNITS.into_iter().find(|(suffix, _)| name.ends_with(suffix))
}
