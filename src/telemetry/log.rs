//! Logs: where they go, how they look, which are shown.

use std::{io::IsTerminal, sync::OnceLock};

use tracing_subscriber::{
    EnvFilter, Layer, Registry, fmt, layer::SubscriberExt, reload, util::SubscriberInitExt,
};

/// How a log line looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people: one line an event, coloured when standard error is a terminal.
    #[default]
    Human,
    /// For machines: one JSON object a line, the event's fields beside `message`.
    Json,
}

impl LogFormat {
    /// Names and values, for configuration.
    pub const CHOICES: &'static [(&'static str, LogFormat)] =
        &[("human", LogFormat::Human), ("json", LogFormat::Json)];
}

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    pub format: LogFormat,
    /// A level (`error`, `warn`, `info`, `debug`, `trace`, `off`) or a comma-separated filter in the
    /// manner of `RUST_LOG`, such as `warn,edgeward::mqtt=debug`.
    pub level: String,
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error(
        "the log level `{level}` can't be read: {reason}; write `info`, or a filter such as `warn,edgeward=debug`"
    )]
    Level { level: String, reason: String },
    #[error("logging was set up twice in one process; this is a bug in edgeward")]
    Twice,
}

/// Checks a level or filter without setting anything up.
///
/// # Errors
/// [`LogError::Level`] with what is wrong.
pub fn check_level(level: &str) -> Result<(), LogError> {
    filter(level).map(drop)
}

/// What lets lines through, changeable while the process runs.
static FILTER: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// Sends the process's logs to standard error, once per process. Colours appear only on a terminal, and
/// not when `NO_COLOR` is set.
///
/// # Errors
/// [`LogError`] when the level can't be read or logging is already set up.
pub fn init(settings: &LogSettings) -> Result<(), LogError> {
    let (filter, handle) = reload::Layer::new(filter(&settings.level)?);
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match settings.format {
        LogFormat::Human => lines.with_ansi(colours()).with_target(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_ansi(false).boxed(),
    };
    tracing_subscriber::registry().with(filter).with(lines).try_init().map_err(|_| LogError::Twice)?;
    let _ = FILTER.set(handle);
    Ok(())
}

/// Logs by another level or filter from now on; nothing where logging was not set up.
///
/// # Errors
/// [`LogError::Level`] with what is wrong; the old one stays.
pub fn set_level(level: &str) -> Result<(), LogError> {
    let filter = filter(level)?;
    if let Some(handle) = FILTER.get() {
        let refuse =
            |error: reload::Error| LogError::Level { level: level.to_owned(), reason: error.to_string() };
        handle.reload(filter).map_err(refuse)?;
    }
    Ok(())
}

fn colours() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn filter(level: &str) -> Result<EnvFilter, LogError> {
    let refuse = |reason: String| LogError::Level { level: level.to_owned(), reason };
    let text = level.trim();
    let known = ["off", "error", "warn", "info", "debug", "trace"];
    // A bare word that is no level would be taken for a module's name, and silence everything else.
    if !text.contains(['=', ',']) && !known.iter().any(|name| name.eq_ignore_ascii_case(text)) {
        return Err(refuse(format!("it is not one of {}", known.join(", "))));
    }
    EnvFilter::builder().parse(text).map_err(|error| refuse(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_filters_are_read() {
        for level in ["info", "WARN", " off ", "warn,edgeward=debug", "edgeward::mqtt=trace"] {
            assert!(check_level(level).is_ok(), "{level}");
        }
        for level in ["loud", "", "edgeward=loud", "edgeward"] {
            assert!(check_level(level).is_err(), "{level:?}");
        }
        let message = check_level("loud").unwrap_err().to_string();
        assert!(message.contains("`loud`") && message.contains("write `info`"), "{message}");
    }
}
