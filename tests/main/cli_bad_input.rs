//! What the program does with wrong input: it says what, where, what was expected and what to do, ends with the exit
//! code for it, and leaves nothing behind.

use latentlink::experiment::results_folder::ResultsFolder;

use crate::program::{Workplace, shipped_pack};
use crate::tiny_pack::TinyPack;

/// A scenario for the tiny pack; `head` and `policy` are what a row varies.
fn scenario(pack: &std::path::Path, head: &str, policy: &str) -> String {
    format!(
        "{head}[models]\ndiffusion = '{}'\n[diffusion]\nsteps = 4\nmetrics_against = []\n[[device]]\nprompt = \"a b\"\n\
         [[device]]\nprompt = \"a c\"\n[policy]\n{policy}\n[judge]\nkind = \"none\"\n",
        pack.display()
    )
}

const POLICY: &str = "t0 = 2\ntk = 2";

#[rustfmt::skip]
const WRONG_SCENARIOS: &[(&str, &str, &[&str])] = &[
    // (first lines, [policy], what is said)
    ("[radio]\nbandwith_hz = 5e6\n", POLICY, &["bad.toml:2:1", "unknown key `bandwith_hz`", "did you mean `bandwidth_hz`?"]),
    ("[radio\n", POLICY, &["bad.toml:1:7", "not valid TOML"]),
    ("[radio]\ncarrier_hz = \"3.5e9\"\n", POLICY, &["bad.toml:2:14", "is a string", "expected a number above 0 in Hz"]),
    ("[radio]\nbit_error_probability = 0.7\n", POLICY, &["bad.toml:2:25", "out of range", "expected a number from 0 to 0.5"]),
    ("[radio]\nbandwidth_hz = -5e6\n", POLICY, &["bad.toml:2:16", "expected a number above 0 in Hz"]),
    ("", "t0 = 2\ntk = 2\ntx_power_w = -1.0", &["bad.toml:13:14", "`tx_power_w` = -1", "expected a number of at least 0 in W"]),
    ("", "t0 = -1\ntk = 2", &["bad.toml:11:6", "`t0` = -1", "expected a whole number from 0 to 4"]),
    ("", "t0 = 5\ntk = 2", &["bad.toml:11:6", "`t0` = 5 is more than the 4 steps", "raise `steps` under [diffusion] to 5"]),
    ("", "t0 = 2\ntk = -3", &["bad.toml:12:6", "`tk` = -3", "expected a whole number from 0 to 4"]),
    ("", "t0 = 2\ntk = [2, 9]", &["bad.toml:12:10", "`tk` = 9 is more than the 4 steps", "raise `steps`"]),
    ("", "t0 = 0\ntk = [2, 0]", &["bad.toml:12:10", "both 0 for \"device-2\"", "expected a `tk` of at least 1"]),
    ("", "t0 = 2\ntk = [2, 2, 2]", &["bad.toml:12:6", "2 devices"]),
];

#[test]
fn a_wrong_scenario_ends_with_2_and_its_place_what_was_expected_and_what_to_do() {
    let pack = TinyPack::new();
    for (head, policy, texts) in WRONG_SCENARIOS {
        let workplace = Workplace::with("bad.toml", &scenario(pack.root(), head, policy));
        for command in ["run", "check"] {
            let outcome = workplace.run(&[command, "bad.toml"]).assert_fails(2, texts);
            assert_eq!(outcome.stdout, "", "{command}");
        }
        assert_eq!(workplace.contents(), ["bad.toml"]);
    }
}

#[test]
fn one_wrong_number_for_all_devices_is_one_problem() {
    let pack = TinyPack::new();
    let workplace = Workplace::with("bad.toml", &scenario(pack.root(), "", "t0 = 2\ntk = 2\ntx_power_w = -1"));
    let outcome = workplace.run(&["check", "bad.toml"]).assert_fails(2, &["tx_power_w"]);
    assert!(!outcome.stderr.contains("more problem"), "{}", outcome.stderr);
}

#[rustfmt::skip]
const WRONG_COMMANDS: &[(&[&str], &[&str])] = &[
    (&["run", "good.toml", "--set", "radio.bandwith_hz=1e6"], &["`radio.bandwith_hz`", "did you mean `radio.bandwidth_hz`?"]),
    (&["run", "good.toml", "--set", "policy.t0"], &["there is no `=`", "FIELD=VALUE"]),
    (&["run", "good.toml", "--set", "device.device-9.prompt=a"], &["device-9", "device-1"]),
    (&["run", "good.toml", "--threads", "0"], &["--threads", "1.."]),
    (&["run", "good.toml", "--seed", "-1"], &["-1"]),
    (&["run"], &["<FILE>", "Usage:"]),
    (&["run", "nothing/*.toml"], &["no file matches `nothing/*.toml`", "quote the pattern"]),
    (&["run", "good.tml"], &["good.tml: there is no such file", "did you mean good.toml?"]),
    (&["run", "."], &["this is a folder"]),
    (&["check", "good.tml"], &["did you mean good.toml?"]),
    (&["paint"], &["paint", "Usage:"]),
    (&["bep", "--modulation", "bpsk"], &["exactly one of"]),
];

#[test]
fn a_wrong_command_line_ends_with_2_and_says_what_to_type() {
    let pack = TinyPack::new();
    let workplace = Workplace::with("good.toml", &scenario(pack.root(), "", POLICY));
    for (arguments, texts) in WRONG_COMMANDS {
        workplace.run(arguments).assert_fails(2, texts);
        assert_eq!(workplace.contents(), ["good.toml"], "{arguments:?}");
    }
}

/// How a pack is broken, and what is said.
type BrokenPack = (&'static str, fn(&TinyPack), &'static [&'static str]);

#[rustfmt::skip]
const BROKEN_PACKS: &[BrokenPack] = &[
    ("a file is missing", |pack| pack.remove("unet/model.onnx"), &["lacks", "model.onnx", "the denoiser", "git checkout -- "]),
    ("the schedule is missing", |pack| pack.remove("scheduler/scheduler_config.json"), &["lacks", "scheduler_config.json", "git checkout -- "]),
    ("bytes have changed", |pack| {
        pack.write_digests(&["unet/model.onnx", "vae_decoder/model.onnx"]);
        pack.model("vae_decoder", "vae_decoder_f16");
    }, &["model.onnx is corrupt", "SHA-256 should be", "git checkout -- "]),
    ("it is no pack", |pack| pack.remove("model_index.json"), &["is no model pack", "model_index.json"]),
    ("the index is no JSON", |pack| pack.write("model_index.json", "{\n  \"a\": }"), &["model_index.json, line 2, column 8", "not valid JSON"]),
    ("the schedule has a field nobody knows", |pack| {
        pack.write("scheduler/scheduler_config.json", r#"{ "_class_name": "DDIMScheduler", "magic": 3 }"#);
    }, &["scheduler_config.json: unknown field `magic`", "remove `magic`"]),
    ("the denoiser takes other latents", |pack| { pack.model("unet", "unet_nine_channels"); }, &["model.onnx", "tensor `sample`", "should be", "found", "optimum-cli export onnx"]),
    ("the denoiser takes other text", |pack| { pack.model("unet", "unet_hidden_5"); }, &["tensor `encoder_hidden_states`", "should be", "optimum-cli export onnx"]),
    ("a model is no model", |pack| pack.write("text_encoder/model.onnx", "not ONNX"), &["text_encoder/model.onnx is damaged", "no ONNX model"]),
];

#[test]
fn a_broken_pack_ends_with_3_and_the_file_and_what_mends_it() {
    for (what, break_it, texts) in BROKEN_PACKS {
        let pack = TinyPack::new();
        break_it(&pack);
        let workplace = Workplace::with("s.toml", &scenario(pack.root(), "", POLICY));
        for command in ["run", "check"] {
            let outcome = workplace.run(&[command, "s.toml"]);
            assert_eq!(outcome.code, 3, "{what}, {command}: {outcome:#?}");
            outcome.assert_fails(3, texts);
            assert_eq!(workplace.contents(), ["s.toml"], "{what}, {command}");
        }
    }
}

#[test]
fn a_missing_pack_ends_with_3_and_names_the_packs_that_are_there() {
    let workplace = Workplace::with("s.toml", &scenario(&shipped_pack().with_file_name("emoji"), "", POLICY));
    workplace
        .run(&["run", "s.toml"])
        .assert_fails(3, &["emoji is no model pack: there is no such folder", "emoji-ldm"]);
    assert_eq!(workplace.contents(), ["s.toml"]);
}

#[test]
fn an_onnx_runtime_that_is_not_there_ends_with_3_and_the_ways_out() {
    let pack = TinyPack::new();
    let workplace = Workplace::with("s.toml", &scenario(pack.root(), "", POLICY));
    let nothing = workplace.path("libonnxruntime.so");
    let nothing = nothing.to_str().expect("a plain path");
    for command in [&["run", "s.toml"][..], &["check", "s.toml"], &["doctor"]] {
        let outcome = workplace.run_where(command, &[("ORT_DYLIB_PATH", nothing)]);
        assert_eq!(outcome.code, 3, "{command:?}: {outcome:#?}");
        let said = outcome.stdout + &outcome.stderr;
        assert!(said.contains("ORT_DYLIB_PATH names") && said.contains("unset it"), "{said}");
        assert_eq!(workplace.contents(), ["s.toml"], "{command:?}");
    }
}

#[test]
fn a_place_that_takes_no_results_ends_with_1_before_any_picture() {
    let pack = TinyPack::new();
    let workplace = Workplace::with("s.toml", &scenario(pack.root(), "", POLICY));
    for out in ["s.toml/deeper", "s.toml/much/deeper"] {
        let outcome = workplace.run(&["run", "s.toml", "--out", out]);
        let place = std::path::Path::new(out).display().to_string();
        let outcome =
            outcome.assert_fails(1, &["cannot create the results folder", &place, "--out chooses another one"]);
        assert_eq!(outcome.stderr.matches("os error").count(), 1, "the reason is said once: {}", outcome.stderr);
        assert_eq!(workplace.contents(), ["s.toml"]);
    }
}

#[test]
fn results_are_replaced_with_force_only_and_nothing_else_is_ever_replaced() {
    let pack = TinyPack::new();
    let workplace = Workplace::with("s.toml", &scenario(pack.root(), "", POLICY));
    workplace.run(&["run", "s.toml"]).assert_done();
    let before = workplace.contents();
    let manifest = workplace.read("results/s/manifest.json");
    workplace
        .run(&["run", "s.toml", "--seed", "5"])
        .assert_fails(2, &["results are there already: ", "--force", "--out", "study.name"]);
    assert_eq!((workplace.contents(), workplace.read("results/s/manifest.json")), (before.clone(), manifest));

    workplace.run(&["run", "s.toml", "--seed", "5", "--force"]).assert_done();
    assert_eq!(workplace.contents(), before);
    assert_eq!(workplace.json("results/s/manifest.json")["seed"], 5);

    let second = workplace.read("results/s/manifest.json");
    let broken = ["run", "s.toml", "--force", "--set", "models.diffusion=elsewhere"];
    workplace.run(&broken).assert_fails(3, &["elsewhere is no model pack"]);
    assert_eq!((workplace.contents(), workplace.read("results/s/manifest.json")), (before.clone(), second));

    workplace.write("precious/thesis.tex", "years of work");
    for out in ["precious", "precious/thesis.tex", "."] {
        let outcome = workplace.run(&["run", "s.toml", "--out", out, "--force"]);
        outcome.assert_fails(2, &["holds no results of latentlink", "choose another --out"]);
    }
    assert_eq!(workplace.text("precious/thesis.tex"), "years of work");
    assert_eq!(workplace.contents().len(), before.len() + 2);

    std::fs::create_dir(workplace.path("empty")).expect("a new folder");
    workplace.run(&["run", "s.toml", "--out", "empty"]).assert_done();
    assert!(workplace.contents().contains(&"empty/manifest.json".to_owned()));
}

#[test]
fn a_results_folder_that_is_never_finished_leaves_nothing_behind() {
    let workplace = Workplace::new();
    let folder = ResultsFolder::create(&workplace.path("a/b/study"), false).expect("a writable place");
    folder.write("requests.csv", b"half").expect("a writable place");
    assert!(!workplace.path("a/b/study").exists());
    drop(folder);
    assert_eq!(workplace.contents(), [""; 0]);
}

#[test]
fn words_the_pack_does_not_know_are_named_in_a_warning_and_the_run_goes_on() {
    let pack = TinyPack::new();
    let workplace = Workplace::with("s.toml", &scenario(pack.root(), "", POLICY));
    for arguments in [&["check", "s.toml"][..], &["run", "s.toml"]] {
        let set = ["--set", "device.device-2.prompt=xylophone zebra"];
        let outcome = workplace.run(&[arguments, &set].concat()).assert_done();
        let warnings: Vec<_> = outcome.stderr.lines().filter(|line| line.starts_with("warning: ")).collect();
        assert_eq!(warnings.len(), 1, "{}", outcome.stderr);
        let list = format!("`latentlink models --folder {}`", pack.root().parent().expect("a folder").display());
        for text in ["\"xylophone\", \"zebra\"", "device-2", &list] {
            assert!(warnings[0].contains(text), "{}", warnings[0]);
        }
    }
}

#[test]
fn of_several_files_the_good_ones_run_and_each_bad_one_is_reported() {
    let pack = TinyPack::new();
    let workplace = Workplace::new();
    workplace.write("in/one.toml", &scenario(pack.root(), "", POLICY));
    workplace.write("in/three.toml", &scenario(pack.root(), "", POLICY));
    workplace.write("in/two.toml", &scenario(pack.root(), "[studdy]\n", POLICY));
    workplace.write("in/twice.toml", &scenario(pack.root(), "[study]\nname = \"one\"\n", POLICY));
    workplace.run(&["run", "in/*.toml", "missing.toml", "--out", "all", "--force"]).assert_fails(
        2,
        &[
            "in/two.toml:1:2",
            "did you mean `study`?",
            "in/twice.toml",
            "called \"one\" as in/one.toml is",
            "missing.toml",
            "3 of 5 scenarios failed",
        ],
    );
    let studies: Vec<_> = workplace.contents().into_iter().filter(|name| name.ends_with("/requests.csv")).collect();
    assert_eq!(studies, ["all/one/requests.csv", "all/three/requests.csv"]);
    let elsewhere: Vec<_> = workplace.contents().into_iter().filter(|name| name.starts_with("results/")).collect();
    assert_eq!(elsewhere, ["results/", "results/.score-store.redb.lock", "results/score-store.redb"]);
}

#[test]
fn help_texts_and_messages_are_not_wrapped_inside_commands() {
    let pack = TinyPack::new();
    pack.remove("unet/model.onnx");
    let workplace = Workplace::with("s.toml", &scenario(pack.root(), "", POLICY));
    let outcome = workplace.run(&["run", "s.toml"]).assert_fails(3, &[]);
    let command = format!("git checkout -- {}", pack.path("unet/model.onnx").display());
    assert!(outcome.stderr.contains(&command), "{}", outcome.stderr);
}
