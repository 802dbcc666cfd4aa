//! Digests of files and of whole bundles.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use super::ModelError;
use crate::crypto::{Sha256, hex};

/// The SHA-256 of a file, read in pieces, in hexadecimal.
pub(super) fn file_digest(path: &Path) -> io::Result<String> {
    let mut file = fs::File::open(path)?;
    let mut hasher = Sha256::default();
    let mut piece = vec![0; 64 << 10];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hex(&hasher.finish())),
            n => hasher.update(&piece[..n]),
        }
    }
}

/// The digest of a bundle: SHA-256 over the sorted lines `digest path` of all its files except
/// signatures (`*.sig`), each line closed by a newline, paths with forward slashes.
///
/// # Errors
/// When a file can't be read, or the bundle has links or special files.
pub fn bundle_digest(bundle: &Path) -> Result<String, ModelError> {
    let mut lines = Vec::new();
    collect(bundle, bundle, &mut lines)?;
    lines.sort();
    Ok(super::digest_text(&lines.concat()))
}

fn collect(bundle: &Path, folder: &Path, lines: &mut Vec<String>) -> Result<(), ModelError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |source| ModelError::Unreadable { path, source }
    };
    for entry in fs::read_dir(folder).map_err(unreadable(folder))? {
        let entry = entry.map_err(unreadable(folder))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(unreadable(&path))?;
        let name = path.strip_prefix(bundle).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        if kind.is_dir() {
            collect(bundle, &path, lines)?;
        } else if !kind.is_file() {
            return Err(ModelError::NotPlain { path: bundle.to_owned(), name });
        } else if !name.ends_with(".sig") {
            let digest = file_digest(&path).map_err(unreadable(&path))?;
            lines.push(format!("{digest} {name}\n"));
        }
    }
    Ok(())
}
