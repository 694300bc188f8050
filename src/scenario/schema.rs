//! Which tables and keys a scenario file may have.

/// What stands under a key, as far as paths and unknown keys are concerned.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// One number, string or list that is read as a whole.
    Plain,
    /// One number for all devices, or a list of one per device.
    PerDevice,
    /// A name, or a table with that name as its `kind` and further keys; the first variant is the default.
    Choice(&'static [Variant]),
}

/// One kind of a [`Shape::Choice`], with the keys it takes besides `kind`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Variant {
    pub(super) kind: &'static str,
    pub(super) keys: &'static [&'static str],
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub(super) key: &'static str,
    pub(super) shape: Shape,
}

/// One table of the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct TableSchema {
    pub(super) name: &'static str,
    /// Written `[[name]]`, once per entry.
    pub(super) is_list: bool,
    pub(super) fields: &'static [Field],
}

impl TableSchema {
    /// `[radio]` or `[[device]]`.
    pub(super) fn header(&self) -> String {
        if self.is_list { format!("[[{}]]", self.name) } else { format!("[{}]", self.name) }
    }

    pub(super) fn field(&self, key: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.key == key)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.fields.iter().map(|field| field.key)
    }
}

const fn plain(key: &'static str) -> Field {
    Field { key, shape: Shape::Plain }
}

const fn per_device(key: &'static str) -> Field {
    Field { key, shape: Shape::PerDevice }
}

const fn variant(kind: &'static str, keys: &'static [&'static str]) -> Variant {
    Variant { kind, keys }
}

pub(super) const SAMPLERS: &[Variant] = &[variant("ddim", &["eta"]), variant("ddpm", &[]), variant("euler", &[])];

pub(super) const PATH_LOSSES: &[Variant] = &[
    variant("uma-nlos", &[]),
    variant("uma-los", &[]),
    variant("umi-nlos", &[]),
    variant("umi-los", &[]),
    variant("log-distance", &["exponent", "reference_distance_m", "reference_loss_db"]),
    variant("fixed-gain", &["gain_db"]),
];

pub(super) const FADINGS: &[Variant] = &[
    variant("fisher-snedecor", &["m", "ms", "convention"]),
    variant("none", &[]),
    variant("rayleigh", &[]),
    variant("rician", &["k_db"]),
    variant("nakagami-m", &["m"]),
];

/// The name of the table of swept fields; its keys are paths, not names of fields.
pub(super) const SWEEP: &str = "sweep";

/// The name of the tables of figures.
pub(super) const FIGURE: &str = "figure";

pub(super) const TABLES: &[TableSchema] = &[
    TableSchema {
        name: "study",
        is_list: false,
        fields: &[
            plain("name"),
            plain("seed"),
            plain("replications"),
            plain("until_relative_half_width"),
            plain("until_quantity"),
            plain("maximum_replications"),
        ],
    },
    TableSchema { name: "models", is_list: false, fields: &[plain("diffusion"), plain("execution_provider")] },
    TableSchema {
        name: "diffusion",
        is_list: false,
        fields: &[
            Field { key: "sampler", shape: Shape::Choice(SAMPLERS) },
            plain("steps"),
            plain("split"),
            plain("guidance"),
            plain("codec"),
            plain("latent_range"),
            plain("sanitize"),
            plain("metrics_against"),
            plain("execution"),
        ],
    },
    TableSchema {
        name: "server",
        is_list: false,
        fields: &[plain("prompt"), plain("step_energy_j"), plain("step_time_s"), plain("energy_budget_j")],
    },
    TableSchema {
        name: "radio",
        is_list: false,
        fields: &[
            plain("carrier_hz"),
            plain("bandwidth_hz"),
            plain("noise_figure_db"),
            Field { key: "path_loss", shape: Shape::Choice(PATH_LOSSES) },
            plain("base_station_height_m"),
            plain("device_height_m"),
            Field { key: "fading", shape: Shape::Choice(FADINGS) },
            plain("modulation"),
            plain("error_model"),
            plain("multiple_access"),
            plain("efficiency"),
            plain("header_bits"),
            plain("energy_per_watt_j"),
            plain("amplifier_efficiency"),
            plain("bit_error_probability"),
        ],
    },
    TableSchema {
        name: "device",
        is_list: true,
        fields: &[
            plain("name"),
            plain("prompt"),
            plain("persona"),
            plain("distance_m"),
            plain("step_energy_j"),
            plain("step_time_s"),
            plain("decode_energy_j"),
            plain("decode_time_s"),
            plain("receive_power_w"),
            plain("energy_budget_j"),
        ],
    },
    TableSchema {
        name: "policy",
        is_list: false,
        fields: &[plain("kind"), plain("t0"), per_device("tk"), per_device("tx_power_w"), per_device("tx_power_dbw")],
    },
    TableSchema {
        name: "judge",
        is_list: false,
        fields: &[
            plain("kind"),
            plain("qoe_threshold"),
            plain("panel"),
            plain("answers_per_picture"),
            plain("write_answers"),
            plain("similarity"),
            plain("noise"),
            plain("pack"),
            plain("template"),
            plain("readout"),
            plain("temperature"),
            plain("max_new_tokens"),
            plain("retries"),
        ],
    },
    TableSchema {
        name: "population",
        is_list: false,
        fields: &[plain("kind"), plain("mean"), plain("standard_deviation"), plain("covariance"), plain("file")],
    },
    TableSchema {
        name: FIGURE,
        is_list: true,
        fields: &[
            plain("kind"),
            plain("name"),
            plain("x"),
            plain("y"),
            plain("device"),
            plain("title"),
            plain("width_mm"),
            plain("dots_per_inch"),
            plain("scores"),
            plain("ssim_against"),
            plain("value"),
            plain("series"),
            plain("at"),
            plain("intervals"),
            plain("log_x"),
            plain("threshold"),
            plain("mark_maximum"),
            plain("contour_threshold"),
            plain("mark"),
            plain("point"),
            plain("replication"),
        ],
    },
];

/// Keys of one table of which a file gives at most one; setting one from outside takes the other away.
pub(super) const ALTERNATIVES: &[(&str, [&str; 2])] =
    &[("policy", ["tx_power_w", "tx_power_dbw"]), ("population", ["standard_deviation", "covariance"])];

/// The schema of the table `name`.
pub(super) fn table(name: &str) -> Option<&'static TableSchema> {
    TABLES.iter().find(|table| table.name == name)
}

/// The keys a table of a choice may have, whatever its kind.
pub(super) fn choice_keys(variants: &'static [Variant]) -> Vec<&'static str> {
    let mut keys = vec!["kind"];
    for key in variants.iter().flat_map(|variant| variant.keys) {
        if !keys.contains(key) {
            keys.push(key);
        }
    }
    keys
}

/// Every field a scenario file may set, as (table, path inside it): `("radio", "bandwidth_hz")`,
/// `("radio", "fading.ms")`, `("device", "prompt")`.
///
/// `docs/scenario.md` describes each; a test holds that.
pub fn known_fields() -> Vec<(&'static str, String)> {
    let mut fields = Vec::new();
    for table in TABLES {
        for field in table.fields {
            fields.push((table.name, field.key.to_owned()));
            if let Shape::Choice(variants) = field.shape {
                let inner = choice_keys(variants).into_iter().map(|key| (table.name, format!("{}.{key}", field.key)));
                fields.extend(inner);
            }
        }
    }
    fields
}
