//! Reading diffusers' `scheduler_config.json`.
//!
//! A pack says by `_class_name` which scheduler its authors had in mind; the scenario chooses the sampler. So a file
//! of any of these classes serves every sampler, and what it leaves out is what *its own* class would take. (Converting
//! with `from_config` in diffusers fills the gaps from the *target* class: a `PNDMScheduler` file without `clip_sample`
//! would then clip latents to ±1 under DDIM, which no latent model wants.) Where a file asks for a variant of one sampler
//! that is not there, a third-order solver say, only that sampler is refused.

use std::path::Path;

use serde_json::{Map, Value};

use super::{ConsistencyModel, Misfits, NoiseSchedule, PredictionType, ScheduleError, TimestepSpacing};

/// Fields that decide the table or the walk through it.
const USED: [&str; 21] = [
    "num_train_timesteps",
    "beta_start",
    "beta_end",
    "beta_schedule",
    "trained_betas",
    "rescale_betas_zero_snr",
    "prediction_type",
    "timestep_spacing",
    "steps_offset",
    "set_alpha_to_one",
    "clip_sample",
    "clip_sample_range",
    "original_inference_steps",
    "timestep_scaling",
    "use_karras_sigmas",
    // Of one sampler: see `misfits`.
    "skip_prk_steps",
    "solver_order",
    "algorithm_type",
    "solver_type",
    "lambda_min_clipped",
    "use_lu_lambdas",
];

/// Fields that would change the result, but for the one value (or none: `null`) that leaves it as we compute it.
const ONE_VALUE: [(&str, OneValue); 12] = [
    ("thresholding", OneValue::False),
    ("use_exponential_sigmas", OneValue::False),
    ("use_beta_sigmas", OneValue::False),
    ("use_flow_sigmas", OneValue::False),
    ("use_dynamic_shifting", OneValue::False),
    ("predict_epsilon", OneValue::True),
    ("sigma_min", OneValue::Null),
    ("sigma_max", OneValue::Null),
    ("variance_type", OneValue::Text("fixed_small")),
    ("interpolation_type", OneValue::Text("linear")),
    ("timestep_type", OneValue::Text("discrete")),
    ("final_sigmas_type", OneValue::Text("zero")),
];

/// Fields without effect here: of dynamic thresholding and shifted schedules, which are refused, and of the last step of
/// DPM-Solver++, which is of first order wherever the last σ is 0.
const INERT: [&str; 6] = [
    "dynamic_thresholding_ratio",
    "sample_max_value",
    "lower_order_final",
    "euler_at_final",
    "flow_shift",
    "time_shift_type",
];

#[derive(Clone, Copy)]
enum OneValue {
    False,
    True,
    Null,
    Text(&'static str),
}

impl OneValue {
    fn accepts(self, value: &Value) -> bool {
        value.is_null()
            || match self {
                Self::False => value == &Value::Bool(false),
                Self::True => value == &Value::Bool(true),
                Self::Null => false,
                Self::Text(text) => value.as_str() == Some(text),
            }
    }

    fn describe(self) -> String {
        match self {
            Self::False => "false: the other is not supported".to_owned(),
            Self::True => "true: the other is not supported".to_owned(),
            Self::Null => "null: no other value is supported".to_owned(),
            Self::Text(text) => format!("\"{text}\": no other value is supported"),
        }
    }
}

/// What a diffusers class takes where its file is silent, as far as the classes differ.
struct ClassDefaults {
    name: &'static str,
    betas: (f64, f64),
    beta_schedule: &'static str,
    clip_sample: bool,
    set_alpha_to_one: bool,
    timestep_spacing: &'static str,
    skip_prk_steps: bool,
}

/// What most classes take.
const USUAL: ClassDefaults = ClassDefaults {
    name: "",
    betas: (0.0001, 0.02),
    beta_schedule: "linear",
    clip_sample: false,
    set_alpha_to_one: true,
    timestep_spacing: "linspace",
    skip_prk_steps: true,
};

const CLASSES: [ClassDefaults; 7] = [
    ClassDefaults { name: "DDIMScheduler", clip_sample: true, timestep_spacing: "leading", ..USUAL },
    ClassDefaults { name: "DDPMScheduler", clip_sample: true, timestep_spacing: "leading", ..USUAL },
    ClassDefaults { name: "EulerDiscreteScheduler", ..USUAL },
    ClassDefaults { name: "EulerAncestralDiscreteScheduler", ..USUAL },
    ClassDefaults {
        name: "PNDMScheduler",
        set_alpha_to_one: false,
        timestep_spacing: "leading",
        skip_prk_steps: false,
        ..USUAL
    },
    ClassDefaults { name: "DPMSolverMultistepScheduler", ..USUAL },
    ClassDefaults {
        name: "LCMScheduler",
        betas: (0.00085, 0.012),
        beta_schedule: "scaled_linear",
        timestep_spacing: "leading",
        ..USUAL
    },
];

pub(super) fn read(path: &Path, json: &Value) -> Result<NoiseSchedule, ScheduleError> {
    let object = json.as_object().ok_or_else(|| ScheduleError::NotAnObject { path: path.to_owned() })?;
    let fields = Fields { path, object };
    let class = fields.class()?;
    fields.check_known()?;

    let prediction = match fields.text("prediction_type", "epsilon")? {
        "epsilon" => PredictionType::Epsilon,
        "v_prediction" => PredictionType::VPrediction,
        "sample" => PredictionType::Sample,
        _ => {
            return Err(fields.wrong("prediction_type", "\"epsilon\", \"v_prediction\" or \"sample\""));
        }
    };
    let spacing = match fields.text("timestep_spacing", class.timestep_spacing)? {
        "leading" => TimestepSpacing::Leading,
        "trailing" => TimestepSpacing::Trailing,
        "linspace" => TimestepSpacing::Linspace,
        _ => {
            return Err(fields.wrong("timestep_spacing", "\"leading\", \"trailing\" or \"linspace\""));
        }
    };
    let steps_offset = fields.count("steps_offset", 0)?;
    let clip_range = fields.number("clip_sample_range", 1.0)?;
    if clip_range <= 0.0 {
        return Err(fields.wrong("clip_sample_range", "a number above 0"));
    }
    let clip_sample = fields.flag("clip_sample", class.clip_sample)?.then_some(clip_range);

    let alpha_bar = alpha_bar_table(&fields, class)?;
    if prediction == PredictionType::Epsilon && alpha_bar.last() == Some(&0.0) {
        return Err(ScheduleError::ZeroTerminalWithEpsilon { path: path.to_owned() });
    }
    let final_alpha_bar = if fields.flag("set_alpha_to_one", class.set_alpha_to_one)? { 1.0 } else { alpha_bar[0] };
    Ok(NoiseSchedule {
        use_karras_sigmas: fields.flag("use_karras_sigmas", false)?,
        consistency: consistency_model(&fields, alpha_bar.len() as u32)?,
        misfits: misfits(&fields, class, prediction)?,
        alpha_bar,
        prediction,
        spacing,
        steps_offset,
        final_alpha_bar,
        clip_sample,
    })
}

fn consistency_model(fields: &Fields<'_>, train_timesteps: u32) -> Result<ConsistencyModel, ScheduleError> {
    // A short table of a model that is none: no more than there are.
    let original_steps = fields.count("original_inference_steps", 50.min(train_timesteps))?;
    if !(1..=train_timesteps).contains(&original_steps) {
        let expected = format!("a whole number from 1 to {train_timesteps} (num_train_timesteps)");
        return Err(fields.wrong("original_inference_steps", &expected));
    }
    let timestep_scaling = fields.number("timestep_scaling", 10.0)?;
    if timestep_scaling <= 0.0 {
        return Err(fields.wrong("timestep_scaling", "a number above 0"));
    }
    Ok(ConsistencyModel { original_steps, timestep_scaling })
}

/// What the file asks of single samplers. Malformed values are errors at once, whoever samples.
fn misfits(fields: &Fields<'_>, class: &ClassDefaults, prediction: PredictionType) -> Result<Misfits, ScheduleError> {
    let mut pndm = None;
    if !fields.flag("skip_prk_steps", class.skip_prk_steps)? {
        pndm = Some(fields.wrong("skip_prk_steps", "true for sampler \"pndm\": Runge-Kutta steps are not supported"));
    }
    if prediction == PredictionType::Sample {
        pndm = Some(fields.wrong("prediction_type", "\"epsilon\" or \"v_prediction\" for sampler \"pndm\""));
    }
    let mut dpm_solver = None;
    let mut of_solver = |field: &str, expected: &str| {
        let expected = format!("{expected} for sampler \"dpm-solver++\": the other is not supported");
        dpm_solver.get_or_insert(fields.wrong(field, &expected));
    };
    if fields.count("solver_order", 2)? != 2 {
        of_solver("solver_order", "2");
    }
    if fields.text("algorithm_type", "dpmsolver++")? != "dpmsolver++" {
        of_solver("algorithm_type", "\"dpmsolver++\"");
    }
    if fields.text("solver_type", "midpoint")? != "midpoint" {
        of_solver("solver_type", "\"midpoint\"");
    }
    if fields.flag("use_lu_lambdas", false)? {
        of_solver("use_lu_lambdas", "false");
    }
    // JSON has no infinity: the pack hands Python's on as a text.
    let clips_nothing = |value: &Value| value.is_null() || value.as_str() == Some("-Infinity");
    if fields.object.get("lambda_min_clipped").is_some_and(|value| !clips_nothing(value)) {
        of_solver("lambda_min_clipped", "-Infinity");
    }
    Ok(Misfits { pndm, dpm_solver })
}

/// ᾱ_t = Π_{i ≤ t} (1 − β_i), rescaled if asked, and checked to fall strictly.
fn alpha_bar_table(fields: &Fields<'_>, class: &ClassDefaults) -> Result<Vec<f64>, ScheduleError> {
    let betas = betas(fields, class)?;
    let mut product = 1.0;
    let mut table: Vec<f64> = betas
        .iter()
        .map(|beta| {
            product *= 1.0 - beta;
            product
        })
        .collect();
    if fields.flag("rescale_betas_zero_snr", false)? {
        rescale_to_zero_terminal_snr(&mut table);
    }
    let mut before = 1.0;
    for (timestep, &after) in table.iter().enumerate() {
        // Also false for NaN.
        if !(after < before && after >= 0.0) {
            return Err(ScheduleError::NotMonotone { path: fields.path.to_owned(), timestep, before, after });
        }
        before = after;
    }
    Ok(table)
}

fn betas(fields: &Fields<'_>, class: &ClassDefaults) -> Result<Vec<f64>, ScheduleError> {
    let count = fields.count("num_train_timesteps", 1000)?;
    if !(1..=1_000_000).contains(&count) {
        return Err(fields.wrong("num_train_timesteps", "a whole number from 1 to 1000000"));
    }
    if let Some(value) = fields.object.get("trained_betas").filter(|value| !value.is_null()) {
        let expected = format!("a list of {count} numbers (num_train_timesteps), or null");
        let betas: Option<Vec<f64>> = value.as_array().and_then(|list| list.iter().map(Value::as_f64).collect());
        return betas
            .filter(|betas| betas.len() == count as usize)
            .ok_or_else(|| fields.wrong("trained_betas", &expected));
    }
    let start = fields.number("beta_start", class.betas.0)?;
    let end = fields.number("beta_end", class.betas.1)?;
    for (name, beta) in [("beta_start", start), ("beta_end", end)] {
        if !(beta > 0.0 && beta < 1.0) {
            return Err(fields.wrong(name, "a number above 0 and below 1"));
        }
    }
    let linear = |from: f64, to: f64| {
        let stride = (to - from) / f64::from(count.max(2) - 1);
        (0..count).map(move |i| from + stride * f64::from(i))
    };
    match fields.text("beta_schedule", class.beta_schedule)? {
        "linear" => Ok(linear(start, end).collect()),
        "scaled_linear" => Ok(linear(start.sqrt(), end.sqrt()).map(|root| root * root).collect()),
        "squaredcos_cap_v2" => Ok((0..count)
            .map(|i| {
                let level = |t: f64| ((t + 0.008) / 1.008 * std::f64::consts::FRAC_PI_2).cos().powi(2);
                let ratio = level(f64::from(i + 1) / f64::from(count)) / level(f64::from(i) / f64::from(count));
                (1.0 - ratio).min(0.999)
            })
            .collect()),
        _ => Err(fields.wrong("beta_schedule", "\"scaled_linear\", \"linear\" or \"squaredcos_cap_v2\"")),
    }
}

/// Shifts and scales √ᾱ so that its last value is 0 and its first stays (arXiv 2305.08891, algorithm 1).
fn rescale_to_zero_terminal_snr(table: &mut [f64]) {
    let first = table[0].sqrt();
    let last = table[table.len() - 1].sqrt();
    for alpha_bar in table {
        let root = (alpha_bar.sqrt() - last) * (first / (first - last));
        *alpha_bar = root * root;
    }
}

/// The fields of one file, with errors that name it.
struct Fields<'a> {
    path: &'a Path,
    object: &'a Map<String, Value>,
}

impl Fields<'_> {
    fn class(&self) -> Result<&'static ClassDefaults, ScheduleError> {
        let found = self.object.get("_class_name");
        CLASSES.iter().find(|class| found.and_then(Value::as_str) == Some(class.name)).ok_or_else(|| {
            ScheduleError::UnsupportedClass {
                path: self.path.to_owned(),
                found: found.map_or_else(|| "missing".to_owned(), Value::to_string),
                expected: CLASSES.map(|class| class.name).join(", "),
            }
        })
    }

    fn check_known(&self) -> Result<(), ScheduleError> {
        for (field, value) in self.object {
            if let Some((_, one_value)) = ONE_VALUE.iter().find(|(name, _)| name == field) {
                if !one_value.accepts(value) {
                    return Err(self.wrong(field, &one_value.describe()));
                }
                continue;
            }
            let name = field.as_str();
            if !(name.starts_with('_') || USED.contains(&name) || INERT.contains(&name)) {
                return Err(ScheduleError::UnknownField { path: self.path.to_owned(), field: field.clone() });
            }
        }
        Ok(())
    }

    fn text<'a>(&'a self, field: &str, default: &'a str) -> Result<&'a str, ScheduleError> {
        match self.object.get(field) {
            None => Ok(default),
            Some(value) => value.as_str().ok_or_else(|| self.wrong(field, "a text")),
        }
    }

    fn flag(&self, field: &str, default: bool) -> Result<bool, ScheduleError> {
        match self.object.get(field) {
            None => Ok(default),
            Some(value) => value.as_bool().ok_or_else(|| self.wrong(field, "true or false")),
        }
    }

    fn number(&self, field: &str, default: f64) -> Result<f64, ScheduleError> {
        match self.object.get(field) {
            None => Ok(default),
            Some(value) => value.as_f64().ok_or_else(|| self.wrong(field, "a number")),
        }
    }

    fn count(&self, field: &str, default: u32) -> Result<u32, ScheduleError> {
        match self.object.get(field) {
            None => Ok(default),
            Some(value) => value
                .as_u64()
                .and_then(|count| u32::try_from(count).ok())
                .ok_or_else(|| self.wrong(field, "a whole number, not negative")),
        }
    }

    fn wrong(&self, field: &str, expected: &str) -> ScheduleError {
        let found = match self.object.get(field) {
            Some(Value::Array(list)) => format!("a list of {} values", list.len()),
            Some(value) => value.to_string(),
            None => "missing".to_owned(),
        };
        ScheduleError::FieldValue {
            path: self.path.to_owned(),
            field: field.to_owned(),
            found,
            expected: expected.to_owned(),
        }
    }
}
