//! The pinned builds of ONNX Runtime: one row per platform, with the digest of the wheel and of the library inside it.
//!
//! ONNX Runtime is published on the Python package index as wheels (zip files). The Python half of a wheel is of no use here;
//! the C library under `onnxruntime/capi/` is all that is taken, and for one platform it is the only file a CPU session needs
//! (`providers_shared` beside it serves accelerator builds only).
//!
//! All rows were downloaded and their digests computed from the files. Only the Linux x86-64 row has been *run* by this
//! project; the other three are the same release, checked down to the digest but not executed.

/// The pinned release of ONNX Runtime.
pub const ONNX_RUNTIME_VERSION: &str = "1.31.1";

/// The oldest ONNX Runtime the program can use, as the minor number of `1.minor.patch` (the C API version asked for).
pub const OLDEST_MINOR_VERSION: u32 = ort::MINOR_VERSION;

/// One platform's wheel and the library in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuntimeWheel {
    /// As [`std::env::consts::OS`].
    pub operating_system: &'static str,
    /// As [`std::env::consts::ARCH`].
    pub architecture: &'static str,
    /// The platform tag pip is asked for (`--platform`); it also says the oldest system that can load the library.
    pub platform_tag: &'static str,
    /// File name of the wheel.
    pub wheel_file_name: &'static str,
    /// Size of the wheel [bytes]: what a first start downloads.
    pub wheel_bytes: u64,
    /// SHA-256 of the wheel, lower-case hexadecimal.
    pub wheel_sha256: &'static str,
    /// Path of the library inside the wheel.
    pub library_in_wheel: &'static str,
    /// Size of the unpacked library [bytes].
    pub library_bytes: u64,
    /// SHA-256 of the unpacked library, lower-case hexadecimal.
    pub library_sha256: &'static str,
}

/// Every platform with a pinned build.
pub const RUNTIME_WHEELS: [RuntimeWheel; 4] = [
    // glibc 2.28 or newer; run by this project
    RuntimeWheel {
        operating_system: "linux",
        architecture: "x86_64",
        platform_tag: "manylinux_2_28_x86_64",
        wheel_file_name: "onnxruntime-1.31.1-cp312-cp312-manylinux_2_28_x86_64.whl",
        wheel_bytes: 23_760_988,
        wheel_sha256: "1f3dea47f2f0e5117c2404cea7d21fd253ae7836a3bf167a501cdfbb2600d536",
        library_in_wheel: "onnxruntime/capi/libonnxruntime.so.1.31.1",
        library_bytes: 29_352_200,
        library_sha256: "fc44112fbe06d7d689c57e11d3862031f64711007e4ee020f8eed5185fd2c1d3",
    },
    RuntimeWheel {
        operating_system: "linux",
        architecture: "aarch64",
        platform_tag: "manylinux_2_28_aarch64",
        wheel_file_name: "onnxruntime-1.31.1-cp312-cp312-manylinux_2_28_aarch64.whl",
        wheel_bytes: 21_420_803,
        wheel_sha256: "0b9a492176886992e0e875f06bc0367e333f5fff11711a2d642e18b02f3009cc",
        library_in_wheel: "onnxruntime/capi/libonnxruntime.so.1.31.1",
        library_bytes: 25_265_040,
        library_sha256: "8aa3b76b28c778a2b1dd660d34161adb1d508c9ccd04ff9dc80e26eca5df8467",
    },
    // macOS 14 or newer
    RuntimeWheel {
        operating_system: "macos",
        architecture: "aarch64",
        platform_tag: "macosx_14_0_arm64",
        wheel_file_name: "onnxruntime-1.31.1-cp312-cp312-macosx_14_0_arm64.whl",
        wheel_bytes: 20_882_125,
        wheel_sha256: "96dd2564b10ea7153ad9c207e7cd8e5917cb3ba521e0e0a62ac03486fdc8d56c",
        library_in_wheel: "onnxruntime/capi/libonnxruntime.1.31.1.dylib",
        library_bytes: 33_037_336,
        library_sha256: "d586cbe89effc085a09d3341b3cfbd5c322517f9d397aeb20814af21433f2b36",
    },
    RuntimeWheel {
        operating_system: "windows",
        architecture: "x86_64",
        platform_tag: "win_amd64",
        wheel_file_name: "onnxruntime-1.31.1-cp312-cp312-win_amd64.whl",
        wheel_bytes: 14_888_466,
        wheel_sha256: "ae8a9a351efda685cc59a66226cdefaa37a126c1d66872ca23a2de9425326130",
        library_in_wheel: "onnxruntime/capi/onnxruntime.dll",
        library_bytes: 19_288_376,
        library_sha256: "e45f61e50d8650885452be538a00bb14a715e46a1bc3691000ce947e89ed0306",
    },
];

impl RuntimeWheel {
    /// The row of the machine the program was built for, `None` where no build is pinned.
    ///
    /// A Linux program linked against musl has none: the wheels' libraries need glibc.
    pub fn for_this_machine() -> Option<RuntimeWheel> {
        if cfg!(all(target_os = "linux", not(target_env = "gnu"))) {
            return None;
        }
        RUNTIME_WHEELS
            .into_iter()
            .find(|row| row.operating_system == std::env::consts::OS && row.architecture == std::env::consts::ARCH)
    }

    /// File name of the library, without its folder in the wheel.
    pub fn library_file_name(&self) -> &'static str {
        self.library_in_wheel.rsplit('/').next().unwrap_or(self.library_in_wheel)
    }

    /// What pip is asked for, without the digest: `onnxruntime==1.31.1`.
    pub fn requirement() -> String {
        format!("onnxruntime=={ONNX_RUNTIME_VERSION}")
    }

    /// The line of a requirements file that pins the wheel's digest.
    pub fn hashed_requirement(&self) -> String {
        format!("{} --hash=sha256:{}", Self::requirement(), self.wheel_sha256)
    }

    /// The arguments after `pip` that select exactly this wheel, whatever Python and platform pip itself runs on.
    pub fn pip_selection(&self) -> [&'static str; 11] {
        [
            "download",
            "--no-deps",
            "--only-binary=:all:",
            "--platform",
            self.platform_tag,
            "--python-version",
            "3.12",
            "--implementation",
            "cp",
            "--abi",
            "cp312",
        ]
    }

    /// The command a person can type on any machine with pip and a network to get this wheel.
    pub fn download_command(&self) -> String {
        format!("python3 -m pip {} {}", self.pip_selection().join(" "), Self::requirement())
    }
}
