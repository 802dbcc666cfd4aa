//! Where the outbox is, noted in the state folder, so that a start tells a first one from one whose disk is not
//! mounted: below a bare mount point no second outbox is begun.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use edgeward_core::crypto::hex;
use edgeward_outbox::store::{disk::Folder, read_outbox};

/// The file's name in the state folder.
const NAME: &str = "outbox.json";

/// The note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    dir: PathBuf,
    /// The outbox's id.
    store: String,
}

fn read(state_dir: &Path) -> Option<Note> {
    serde_json::from_slice(&fs::read(state_dir.join(NAME)).ok()?).ok()
}

/// Refuses a start that would begin a new outbox where there was one: says which one is missed, and the way out.
pub(super) fn check(state_dir: &Path, dir: &Path) -> Result<(), String> {
    let Some(note) = read(state_dir).filter(|note| note.dir == dir) else { return Ok(()) };
    // What can't be read is told by who opens it.
    if !matches!(read_outbox(&Folder::new(dir)), Ok(None)) && dir.exists() {
        return Ok(());
    }
    Err(format!(
        "the outbox {} that was in {} is not there: is its disk mounted? If it is gone for good, remove {} to begin \
         a new one",
        note.store,
        dir.display(),
        state_dir.join(NAME).display()
    ))
}

/// Notes where the outbox is.
pub(super) fn note(state_dir: &Path, dir: &Path, store: [u8; 8]) -> io::Result<()> {
    let note = Note { dir: dir.to_owned(), store: hex(&store) };
    if read(state_dir).as_ref() == Some(&note) {
        return Ok(());
    }
    fs::create_dir_all(state_dir)?;
    // Whole or not at all.
    let part = state_dir.join(format!("{NAME}.part"));
    fs::write(&part, serde_json::to_vec(&note)?)?;
    fs::rename(part, state_dir.join(NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outbox_that_was_there_is_missed() {
        let folder = tempfile::tempdir().unwrap();
        let (state, dir) = (folder.path().join("state"), folder.path().join("outbox"));
        assert_eq!(check(&state, &dir), Ok(()), "the first start");
        note(&state, &dir, *b"a-store.").unwrap();
        let missed = check(&state, &dir).unwrap_err();
        assert!(missed.contains("612d73746f72652e") && missed.contains("outbox.json"), "{missed}");
        // A bare mount point is none.
        fs::create_dir(&dir).unwrap();
        assert!(check(&state, &dir).is_err());
        assert_eq!(check(&state, &folder.path().join("another")), Ok(()), "configured elsewhere");
    }
}
