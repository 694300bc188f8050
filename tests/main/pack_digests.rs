//! The digests of a pack's files.

use latentlink::onnx::digest::{FileDigest, sha256_of_file, verify_digests};
use latentlink::onnx::{DiffusionPack, PackError};
use miette::Diagnostic;

use crate::tiny_pack::TinyPack;

#[test]
fn the_digest_of_a_file_is_its_sha_256() {
    // FIPS 180-2, appendix B.1 and the empty message.
    let pack = TinyPack::new();
    for (text, digest) in [
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ] {
        pack.write("text", text);
        let found = sha256_of_file(&pack.path("text")).expect("the file is there");
        assert_eq!(found.to_string(), digest);
        assert_eq!(FileDigest::from_hex(digest), Some(found));
    }
    assert_eq!(FileDigest::from_hex("abc"), None);
    assert_eq!(FileDigest::from_hex(&"g".repeat(64)), None);
}

#[test]
fn a_report_tells_intact_missing_corrupt_and_unlisted_files_apart() {
    let pack = TinyPack::new();
    pack.write("README.md", "# Card");
    pack.write("notes/mine.txt", "not shipped");
    pack.write_digests(&["README.md", "model_index.json", "unet/model.onnx", "unet/config.json"]);
    assert!(verify_digests(pack.root()).expect("it is readable").holds());
    pack.remove("README.md");
    pack.model("unet", "unet_one_f32");

    let report = verify_digests(pack.root()).expect("it is readable");
    assert!(report.listed && !report.holds());
    assert_eq!(report.intact, ["model_index.json", "unet/config.json"]);
    assert_eq!(report.missing, ["README.md"]);
    assert_eq!(report.corrupt.len(), 1);
    assert_eq!(report.corrupt[0].file, "unet/model.onnx");
    assert_eq!(
        report.unlisted,
        [
            "notes/mine.txt",
            "scheduler/scheduler_config.json",
            "text_encoder/model.onnx",
            "tokenizer/tokenizer.json",
            "vae_decoder/config.json",
            "vae_decoder/model.onnx",
        ]
    );
}

#[test]
fn a_pack_without_digests_has_nothing_to_check() {
    let report = verify_digests(TinyPack::new().root()).expect("it is readable");
    assert!(!report.listed && report.holds());
    assert!(report.intact.is_empty());
}

#[test]
fn a_changed_model_is_refused_with_both_digests_and_the_way_back() {
    let pack = TinyPack::new();
    pack.write_digests(&["unet/model.onnx"]);
    DiffusionPack::open(pack.root()).expect("nothing has changed");
    let before = sha256_of_file(&pack.path("unet/model.onnx")).expect("the file is there");
    let mut bytes = std::fs::read(pack.path("unet/model.onnx")).expect("the file is there");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(pack.path("unet/model.onnx"), bytes).expect("the file is ours");
    let after = sha256_of_file(&pack.path("unet/model.onnx")).expect("the file is there");

    let error = DiffusionPack::open(pack.root()).expect_err("one bit has changed");
    let PackError::CorruptFile { file, expected, found } = &error else { panic!("{error}") };
    assert_eq!(file, &pack.path("unet/model.onnx"));
    assert_eq!((*expected, *found), (before, after));
    let help = error.help().expect("the error helps").to_string();
    assert!(help.contains("git checkout -- "), "{help}");
}

#[test]
fn files_that_no_picture_depends_on_do_not_keep_a_pack_from_opening() {
    let pack = TinyPack::new();
    pack.write("README.md", "# Card");
    pack.write_digests(&["README.md", "unet/model.onnx"]);
    pack.remove("README.md");
    DiffusionPack::open(pack.root()).expect("the models are whole");
}

#[test]
fn a_listed_model_file_that_is_absent_is_asked_for() {
    let pack = TinyPack::new();
    pack.write("unet/model.onnx_data", "weights");
    pack.write_digests(&["unet/model.onnx_data"]);
    pack.remove("unet/model.onnx_data");
    let error = DiffusionPack::open(pack.root()).expect_err("the weights are gone");
    assert!(matches!(error, PackError::ListedFileMissing { .. }), "{error}");
    assert!(error.to_string().contains("model.onnx_data is missing, which the pack's digests.json lists"), "{error}");
    let help = error.help().expect("the error helps").to_string();
    assert!(help.contains("take its line out of digests.json"), "{help}");
    // What the layout asks for too is told the same way.
    pack.write_digests(&["unet/model.onnx"]);
    pack.remove("unet/model.onnx");
    let error = DiffusionPack::open(pack.root()).expect_err("the denoiser is gone");
    assert!(matches!(error, PackError::ListedFileMissing { .. }), "{error}");
}

#[test]
fn a_malformed_list_of_digests_is_told_with_the_entry() {
    for (list, entry) in [
        (r#"{ }"#, "files"),
        (r#"{ "files": { "unet/model.onnx": "abc" } }"#, "files.unet/model.onnx"),
        (r#"{ "files": { "unet/model.onnx": 1 } }"#, "files.unet/model.onnx"),
        (r#"{ "files": { "../secret": "" } }"#, "files.../secret"),
    ] {
        let pack = TinyPack::new();
        pack.write("digests.json", list);
        let error = verify_digests(pack.root()).expect_err("the list is malformed");
        let PackError::Config { key, .. } = &error else { panic!("{error}") };
        assert_eq!(key, entry);
        assert!(DiffusionPack::open(pack.root()).is_err());
    }
}
