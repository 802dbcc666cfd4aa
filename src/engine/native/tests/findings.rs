//! What the fuzz targets of `tests/fuzz/` have found, kept so that it stays mended: files in `tests/fuzz/findings/`,
//! named by their target.

use std::{fs, path::Path};

use crate::native::fuzz;

#[test]
fn findings_stay_mended() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/findings");
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = fs::read(&path).unwrap();
        match name.split('-').next() {
            Some("parser") => fuzz::parse(&bytes),
            Some("checker") => fuzz::check(&bytes),
            Some("executor") => fuzz::execute(&bytes),
            _ => panic!("{name}: which target is it for?"),
        }
    }
}
