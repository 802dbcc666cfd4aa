//! `[device]`: who this machine is.

use edgeward_core::settings::Section;

/// The device's id: as set, or the host's name.
pub(super) fn read(section: Section<'_>) -> String {
    let id = section.text("id");
    if let Some(id) = &id
        && (id.is_empty() || id.contains(['/', '+', '#']) || id.chars().any(char::is_control))
    {
        section.fault("id", "must be a name that can be a level of a topic: no `/`, `+`, `#`");
    }
    section.finish();
    id.unwrap_or_else(host_name)
}

fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name: String = name.trim().chars().filter(|c| !matches!(c, '/' | '+' | '#')).collect();
    if name.is_empty() { "edge".into() } else { name }
}
