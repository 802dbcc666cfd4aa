//! A small certificate authority, made by OpenSSL's command line.

use std::{fs, path::Path, process::Command};

/// Certificates and keys in a folder.
pub struct Authority<'f> {
    folder: &'f Path,
    name: &'f str,
}

impl<'f> Authority<'f> {
    /// Makes `<name>.pem` and `<name>.key`.
    pub fn new(folder: &'f Path, name: &'f str) -> Self {
        let authority = Authority { folder, name };
        openssl(
            folder,
            &format!(
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
                 -subj /CN={name} -keyout {name}.key -out {name}.pem"
            ),
        );
        authority
    }

    /// Signs a certificate `<subject>.pem` with a key `<subject>.key`; `names` are its alternative
    /// names, such as `DNS:localhost`.
    pub fn sign(&self, subject: &str, names: &str) {
        let (folder, name) = (self.folder, self.name);
        openssl(
            folder,
            &format!(
                "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN={subject} \
                 -keyout {subject}.key -out {subject}.csr"
            ),
        );
        fs::write(folder.join("extensions"), format!("subjectAltName={names}\n")).unwrap();
        openssl(
            folder,
            &format!(
                "x509 -req -in {subject}.csr -CA {name}.pem -CAkey {name}.key -CAcreateserial -days 2 \
                 -extfile extensions -out {subject}.pem"
            ),
        );
    }
}

fn openssl(folder: &Path, arguments: &str) {
    let done = Command::new("openssl")
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .output()
        .expect("openssl starts; tests/setup installs it");
    assert!(done.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&done.stderr));
}
