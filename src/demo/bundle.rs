//! The model that ships with the program, written to a private folder for the run.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// Name and content of the bundle's files.
const FILES: [(&str, &[u8]); 3] = [
    ("bundle.toml", include_bytes!("../../modules/edgeward/bundles/machine-anomaly/bundle.toml")),
    ("model.onnx", include_bytes!("../../modules/edgeward/bundles/machine-anomaly/model.onnx")),
    ("samples.jsonl", include_bytes!("../../modules/edgeward/bundles/machine-anomaly/samples.jsonl")),
];

/// The bundle on disk, removed when dropped.
#[derive(Debug)]
pub struct ShippedBundle {
    dir: PathBuf,
}

impl ShippedBundle {
    /// Writes the bundle to a new folder in the system's folder for temporary files; only this user
    /// can read it. `run` makes its name unique.
    ///
    /// # Errors
    /// The folder and what the system said.
    pub fn unpack(run: &str) -> Result<ShippedBundle, (PathBuf, io::Error)> {
        let dir = std::env::temp_dir().join(format!("edgeward-demo-{run}"));
        // A folder that is there already is not ours, so this fails on one.
        fs::DirBuilder::new().mode(0o700).create(&dir).map_err(|error| (dir.clone(), error))?;
        let bundle = ShippedBundle { dir };
        for (name, content) in FILES {
            let path = bundle.dir.join(name);
            let written = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
            written.and_then(|mut file| file.write_all(content)).map_err(|error| (path, error))?;
        }
        Ok(bundle)
    }

    pub fn path(&self) -> &Path {
        &self.dir
    }
}

impl Drop for ShippedBundle {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.dir) {
            tracing::warn!(dir = %self.dir.display(), %error, "the demo's temporary folder stays behind");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_bundle_is_private_whole_and_gone_at_the_end() {
        let run = format!("test-{}", std::process::id());
        let bundle = ShippedBundle::unpack(&run).unwrap();
        let dir = bundle.path().to_owned();
        assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
        let model = fs::read(dir.join("model.onnx")).unwrap();
        let manifest = fs::read_to_string(dir.join("bundle.toml")).unwrap();
        assert!(
            manifest.contains(&edgeward_core::crypto::sha256_hex(&model)),
            "the manifest names the model's digest"
        );
        assert!(ShippedBundle::unpack(&run).is_err(), "somebody else's folder is not taken over");
        drop(bundle);
        assert!(!dir.exists());
    }
}
