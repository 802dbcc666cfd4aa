//! `[outbox]` and `[classes.<name>]`: what is stored on disk, how much, and what gives way.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use edgeward_core::{
    domain::{ClassPolicy, Durability, Order, WhenFull},
    settings::{Section, is_name},
};

/// The class of verdicts that no other class takes.
pub const RESULT_CLASS: &str = "result";
/// What the journal of inputs calls its own class.
const RESERVED: &str = "input";

/// Where and how results are stored until they are delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxSettings {
    pub dir: PathBuf,
    pub max_bytes: u64,
    pub min_free_bytes: u64,
    pub segment_bytes: u64,
    pub durability: Durability,
    /// An input without an outcome after this time is journaled and acknowledged.
    pub journal_after: Duration,
    /// Payload held unacknowledged while the policy is to refuse, before the session is left.
    pub max_unacked_bytes: usize,
    pub compress: bool,
    pub keep_delivered: Duration,
    /// By priority; [`RESULT_CLASS`] is always there.
    pub classes: Vec<ClassSettings>,
}

/// A class of results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassSettings {
    pub name: String,
    pub policy: ClassPolicy,
    /// Conditions of which one must hold; empty for [`RESULT_CLASS`], which takes the rest.
    pub when: Vec<String>,
    /// The uplink that takes it; none while no uplink is configured.
    pub uplink: Option<String>,
    /// Counts against budgets and waits for windows.
    pub metered: bool,
}

impl OutboxSettings {
    /// Reads `[outbox]` and `[classes]` below `root`; `uplinks` are the names of those that are configured, and
    /// `resolve` says where a path of the settings is. None without an `[outbox]`.
    pub fn read(
        root: &Section<'_>,
        resolve: impl FnOnce(&str) -> PathBuf,
        uplinks: &[String],
    ) -> Option<OutboxSettings> {
        read(root, resolve, uplinks)
    }
}

fn read(
    root: &Section<'_>,
    resolve: impl FnOnce(&str) -> PathBuf,
    uplinks: &[String],
) -> Option<OutboxSettings> {
    let section = root.section("outbox");
    let present = section.is_present();
    let dir = if present {
        section.required_text("dir", "the folder that keeps results, such as /var/lib/edgeward/outbox")
    } else {
        None
    };
    let max_bytes = section.integer_or("max_bytes", 256 << 20, 1 << 20..=1 << 44);
    let default_segment = (max_bytes / 64).clamp(64 << 10, 8 << 20);
    let segment_bytes = section.integer("segment_bytes", 4096..=1 << 30).unwrap_or(default_segment);
    if segment_bytes.saturating_mul(8) > max_bytes {
        section.fault(
            "segment_bytes",
            format!(
                "is more than an eighth of `outbox.max_bytes` ({max_bytes}): room goes a segment at a time"
            ),
        );
    }
    let min_free_bytes = section.integer_or("min_free_bytes", 64 << 20, 0..=1 << 50);
    let durability = parse_durability(&section.text_or("durability", "sync"));
    if durability.is_none() {
        section.fault("durability", "must be \"sync\", \"none\" or \"interval:50ms\" (1ms to 60s)");
    }
    let journal_after_ms = section.integer_or("journal_after_ms", 2, 0..=60_000);
    let max_unacked_bytes = section.size_or("max_unacked_bytes", 8 << 20, 1 << 10..=1 << 40);
    let compress = section.choice_or("compression", "lz4", &[("lz4", true), ("none", false)]);
    let keep_secs = section.integer_or("keep_delivered_secs", 0, 0..=31_536_000);
    section.finish();
    let classes = read_classes(root, max_bytes, uplinks);
    for (name, _) in root.named_sections("classes").into_iter().take(usize::from(!present)) {
        root.fault(&format!("classes.{name}"), "needs an [outbox]: classes are of stored results");
    }
    if !present && !uplinks.is_empty() {
        root.fault("uplinks", "need an [outbox]: they deliver what it holds");
    }
    Some(OutboxSettings {
        dir: resolve(&dir?),
        max_bytes,
        min_free_bytes,
        segment_bytes,
        durability: durability?,
        journal_after: Duration::from_millis(journal_after_ms),
        max_unacked_bytes,
        compress,
        keep_delivered: Duration::from_secs(keep_secs),
        classes,
    })
}

fn parse_durability(text: &str) -> Option<Durability> {
    match text {
        "sync" => Some(Durability::Sync),
        "none" => Some(Durability::None),
        _ => {
            let interval = humantime::parse_duration(text.strip_prefix("interval:")?).ok()?;
            let allowed = Duration::from_millis(1)..=Duration::from_secs(60);
            allowed.contains(&interval).then_some(Durability::Interval(interval))
        }
    }
}

fn read_classes(root: &Section<'_>, max_bytes: u64, uplinks: &[String]) -> Vec<ClassSettings> {
    let mut classes: BTreeMap<String, ClassSettings> = BTreeMap::new();
    let mut shares = 0;
    for (name, section) in root.named_sections("classes") {
        if name == RESERVED || !is_name(&name) {
            section.fault("", "must be named with lower-case letters, digits, `_` and `-`, and not `input`");
        }
        let when = section.texts("when").unwrap_or_default();
        match (name == RESULT_CLASS, when.is_empty()) {
            (true, false) => section.fault("when", "can't be set: `result` takes what no other class takes"),
            (false, true) => {
                section.fault("when", "is missing: the conditions that put a verdict into this class");
            }
            _ => {}
        }
        let share_percent = section.integer_or("share_percent", 0, 0..=100);
        shares += share_percent;
        let ttl_secs = section.integer_or("ttl_secs", 0, 0..=3_153_600_000);
        let orders = [("oldest_first", Order::OldestFirst), ("newest_first", Order::NewestFirst)];
        let policies = [("shed_oldest", WhenFull::ShedOldest), ("refuse_newest", WhenFull::RefuseNewest)];
        let policy = ClassPolicy {
            priority: section.integer_or("priority", 5, 0..=9) as u8,
            share_bytes: max_bytes / 100 * share_percent,
            ttl_ms: (ttl_secs > 0).then_some(ttl_secs * 1000),
            order: section.choice_or("order", "oldest_first", &orders),
            when_full: section.choice_or("when_full", "shed_oldest", &policies),
        };
        let uplink = section.text("uplink");
        if let Some(uplink) = uplink.as_ref().filter(|uplink| !uplinks.contains(uplink)) {
            let known = uplinks.join(", ");
            section.fault("uplink", format!("names `{uplink}`; the uplinks are: {known}"));
        }
        let metered = section.boolean_or("metered", true);
        section.finish();
        classes.insert(name.clone(), ClassSettings { name, policy, when, uplink, metered });
    }
    if shares > 100 {
        root.fault("classes", format!("have shares of {shares} percent together, must be at most 100"));
    }
    classes.entry(RESULT_CLASS.into()).or_insert_with(|| ClassSettings {
        name: RESULT_CLASS.into(),
        policy: ClassPolicy::default(),
        when: Vec::new(),
        uplink: None,
        metered: true,
    });
    let mut classes: Vec<ClassSettings> = classes.into_values().collect();
    for class in &mut classes {
        if class.uplink.is_none() {
            class.uplink = uplinks.first().cloned();
            if uplinks.len() > 1 {
                root.fault(
                    &format!("classes.{}.uplink", class.name),
                    format!("is missing: there are several ({})", uplinks.join(", ")),
                );
            }
        }
    }
    classes.sort_by_key(|class| (class.policy.priority, class.name == RESULT_CLASS, class.name.clone()));
    classes
}
