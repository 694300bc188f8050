//! A study of two points that takes a second on the shipped pack, and in which everything costs something.

use crate::program::shipped_pack;

/// The first lines of every scenario here. Nobody judges.
pub fn models() -> String {
    format!(
        "[models]\ndiffusion = '{}'\nexecution_provider = \"cpu\"\n[judge]\nkind = \"none\"\n",
        shipped_pack().display()
    )
}

/// A short one with everything that costs something, and a sweep of two points.
pub fn small() -> String {
    models()
        + r#"
[study]
name = "small"
[diffusion]
steps = 3
guidance = 1.0
metrics_against = ["error-free", "unshared"]
[server]
prompt = "a cat on a table"
step_energy_j = 0.25
step_time_s = 0.5
[radio]
bandwidth_hz = 1e6
modulation = "qpsk"
energy_per_watt_j = 0.01
bit_error_probability = 0.02
[[device]]
name = "phone"
prompt = "a cat on a table"
step_energy_j = 2.0
step_time_s = 0.75
decode_energy_j = 0.125
decode_time_s = 0.03
receive_power_w = 1.5
[[device]]
name = "tablet"
prompt = "an apple on a table"
step_energy_j = 3.0
step_time_s = 0.25
[policy]
t0 = 2
tk = [0, 2]
tx_power_w = [4.0, 8.0]
[sweep]
radio.multiple_access = ["tdma", "ofdma"]
"#
}
