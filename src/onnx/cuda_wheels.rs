//! The pinned wheels of a CUDA run: the GPU build of ONNX Runtime, and the CUDA 13 and cuDNN 9 libraries that its extras `cuda` and
//! `cudnn` name.
//!
//! They are fetched only by `latentlink doctor --install-runtime cuda`. All were downloaded and their digests computed from the files;
//! that they *compute* was last proven where `docs/models.md` says.

/// One wheel, and the libraries in it that are of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CudaWheel {
    /// What pip is asked for: `name==version`.
    pub requirement: &'static str,
    /// Size of the wheel [bytes].
    pub wheel_bytes: u64,
    /// SHA-256 of the wheel, lower-case hexadecimal.
    pub wheel_sha256: &'static str,
    /// Folders of the wheel whose shared libraries are taken.
    pub library_folder: &'static str,
}

/// Linux on x86-64, glibc 2.28 or newer: the only platform with rows.
pub const CUDA_WHEELS: [CudaWheel; 8] = [
    CudaWheel {
        requirement: "onnxruntime-gpu==1.31.1",
        wheel_bytes: 255_569_273,
        wheel_sha256: "05d548956197b9d01f59b625de740e0d6be3593f874e241a12dc0362650ecdf7",
        library_folder: "onnxruntime/capi/",
    },
    CudaWheel {
        requirement: "nvidia-cuda-runtime==13.5.37",
        wheel_bytes: 2_504_024,
        wheel_sha256: "df2b79a8852f10d1fef8c848489c49eebb5754051bf870202a862831412b179d",
        library_folder: "nvidia/cu13/lib/",
    },
    CudaWheel {
        requirement: "nvidia-nvjitlink==13.5.37",
        wheel_bytes: 46_642_491,
        wheel_sha256: "280d7cb9649704145f074b8dbde500de04ce02d0872e066e20a83c17bcaa93eb",
        library_folder: "nvidia/cu13/lib/",
    },
    CudaWheel {
        requirement: "nvidia-cuda-nvrtc==13.5.37",
        wheel_bytes: 58_185_930,
        wheel_sha256: "86b4d68058807988b7d9af5b44917a0601e9c337f35ccd657bfb3c759ff8d8bc",
        library_folder: "nvidia/cu13/lib/",
    },
    CudaWheel {
        requirement: "nvidia-cublas==13.10.0.20",
        wheel_bytes: 444_289_903,
        wheel_sha256: "dcc6d63884c53d07e267ce7e6feac17b2538cebaafec5db865736c3e28e4dc84",
        library_folder: "nvidia/cu13/lib/",
    },
    CudaWheel {
        requirement: "nvidia-curand==10.4.5.25",
        wheel_bytes: 77_113_015,
        wheel_sha256: "22bb226a857e5888fe6b54ae465fc4371296bcff13a35f79e19691bcf454f529",
        library_folder: "nvidia/cu13/lib/",
    },
    CudaWheel {
        requirement: "nvidia-cufft==12.5.0.14",
        wheel_bytes: 165_072_555,
        wheel_sha256: "b8be26837a5abad2b5b74f3e92dd29f622a42934b355be0961a48712cbba23ad",
        library_folder: "nvidia/cu13/lib/",
    },
    CudaWheel {
        requirement: "nvidia-cudnn-cu13==9.28.1.4",
        wheel_bytes: 516_817_937,
        wheel_sha256: "a54f205b1db1f2895d99f398754db1369816f0569dd459731f925635cf7b65ec",
        library_folder: "nvidia/cudnn/lib/",
    },
];

/// The tags that the files of these wheels carry.
const PLATFORM_TAGS: [&str; 5] = [
    "manylinux_2_28_x86_64",
    "manylinux_2_27_x86_64",
    "manylinux2014_x86_64",
    "manylinux2010_x86_64",
    "manylinux1_x86_64",
];

impl CudaWheel {
    /// Those of the machine that the program was built for; none elsewhere.
    pub fn for_this_machine() -> Vec<Self> {
        let fit = cfg!(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"));
        if fit { CUDA_WHEELS.to_vec() } else { Vec::new() }
    }

    /// Name of the package.
    pub fn name(&self) -> &'static str {
        self.requirement.split("==").next().unwrap_or(self.requirement)
    }

    /// The line of a requirements file that pins the wheel's digest.
    pub fn hashed_requirement(&self) -> String {
        format!("{} --hash=sha256:{}", self.requirement, self.wheel_sha256)
    }

    /// The arguments after `pip` that select these wheels, whatever Python and platform pip itself runs on.
    pub fn pip_selection() -> Vec<&'static str> {
        let fixed =
            ["download", "--no-deps", "--only-binary=:all:", "--python-version", "3.12", "--implementation", "cp"];
        fixed.into_iter().chain(PLATFORM_TAGS.into_iter().flat_map(|tag| ["--platform", tag])).collect()
    }
}
