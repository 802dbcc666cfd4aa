//! Who to be at a broker: asked for anew at each connection, so that what was exchanged on disk counts from the
//! next one on.

use std::{
    fmt, fs,
    future::{Future, ready},
    io,
    path::PathBuf,
    pin::Pin,
    time::{Duration, Instant},
};

use super::Secret;

/// Gives credentials; may take its time over it.
pub trait Login: Send + Sync + fmt::Debug {
    /// The credentials for the connection that is made now.
    fn credentials(&self) -> Pin<Box<dyn Future<Output = Result<Credentials, LoginError>> + Send + '_>>;
}

/// What a client shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    pub username: Option<String>,
    pub password: Option<Secret>,
    /// PEM certificate chain and private key.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// When the broker takes them no longer. The session connects anew before that, without a gap in what it
    /// acknowledges.
    pub expire_at: Option<Instant>,
}

/// Why there are no credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// Tried again after a pause.
    #[error("no credentials for now: {0}")]
    ForNow(String),
    /// Tried again, too, since somebody may mend it; told as a refusal.
    #[error("no credentials: {0}")]
    ForGood(String),
}

/// How long before their end credentials are renewed, at most.
const RENEW_BEFORE: Duration = Duration::from_secs(60);

impl Credentials {
    /// When a connection made `now` is to be made anew: a tenth of the time before the end.
    pub(super) fn renew_at(&self, now: Instant) -> Option<Instant> {
        let expire_at = self.expire_at?;
        let left = expire_at.saturating_duration_since(now);
        Some(expire_at - (left / 10).min(RENEW_BEFORE))
    }
}

/// A password, or where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Password {
    Given(Secret),
    /// Its content without the line's end.
    File(PathBuf),
}

impl Password {
    /// # Errors
    /// What the file system says.
    pub fn read(&self) -> io::Result<Secret> {
        match self {
            Password::Given(secret) => Ok(secret.clone()),
            Password::File(path) => {
                let text = fs::read_to_string(path)?;
                Ok(Secret::new(text.trim_end_matches(['\r', '\n']).to_owned()))
            }
        }
    }
}

/// The login of a configuration: user and password, a client certificate, both, or neither. Files are read at each
/// connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FixedLogin {
    pub username: Option<String>,
    pub password: Option<Password>,
    /// PEM certificate chain and private key.
    pub certificate: Option<(PathBuf, PathBuf)>,
}

impl FixedLogin {
    fn read(&self) -> Result<Credentials, LoginError> {
        let password = self.password.as_ref().map(|password| {
            password.read().map_err(|error| {
                let from = match password {
                    Password::File(path) => path.display().to_string(),
                    Password::Given(_) => "the configuration".into(),
                };
                let what = format!("can't read the password from {from}: {error}");
                // A file that is being exchanged comes back; one that may not be read does not by itself.
                match error.kind() {
                    io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidData => LoginError::ForGood(what),
                    _ => LoginError::ForNow(what),
                }
            })
        });
        Ok(Credentials {
            username: self.username.clone(),
            password: password.transpose()?,
            certificate: self.certificate.clone(),
            expire_at: None,
        })
    }
}

impl Login for FixedLogin {
    fn credentials(&self) -> Pin<Box<dyn Future<Output = Result<Credentials, LoginError>> + Send + '_>> {
        // Small local files.
        Box::pin(ready(self.read()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_renewed_a_tenth_before_their_end() {
        let now = Instant::now();
        let lasting =
            |secs| Credentials { expire_at: Some(now + Duration::from_secs(secs)), ..Credentials::default() };
        assert_eq!(lasting(100).renew_at(now), Some(now + Duration::from_secs(90)));
        assert_eq!(lasting(86_400).renew_at(now), Some(now + Duration::from_secs(86_340)));
        assert_eq!(lasting(0).renew_at(now), Some(now));
        assert_eq!(Credentials::default().renew_at(now), None);
    }

    #[test]
    fn a_password_file_is_read_each_time_and_its_absence_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        let login = FixedLogin { password: Some(Password::File(path.clone())), ..FixedLogin::default() };
        let gone = login.read().unwrap_err();
        assert!(matches!(&gone, LoginError::ForNow(why) if why.contains("password")), "{gone}");
        for word in ["old", "new"] {
            fs::write(&path, format!("{word}\r\n")).unwrap();
            assert_eq!(login.read().unwrap().password, Some(Secret::new(word.into())));
        }
        fs::write(&path, [0xff]).unwrap();
        assert!(matches!(login.read(), Err(LoginError::ForGood(_))));
    }
}
