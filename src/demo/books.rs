//! The end of the demo: three accounts of the same messages, side by side.

use std::fmt;

use super::observer::Counts;
use crate::telemetry::stats::Ledger;
use edgeward_core::domain::{Books, Bucket};

/// What the machines, the daemon and the subscriber each say.
#[derive(Debug, Clone, Default)]
pub struct Accounts {
    /// Messages the machines made.
    pub made: u64,
    /// Of these, acknowledged by the broker.
    pub sent: u64,
    /// The daemon's own ledger after its drain.
    pub daemon: Books,
    /// Rejections and sheds by name, where there are any.
    pub details: Vec<(String, u64)>,
    /// What the daemon's drain left over, as it tells it.
    pub left: Vec<String>,
    pub subscriber: Counts,
    /// Some connection was made more than once: at QoS 1 a message may then come twice.
    pub reconnected: bool,
}

impl Accounts {
    /// The names of what was rejected or shed, from a ledger.
    pub fn details(ledger: &Ledger) -> Vec<(String, u64)> {
        let rejected = edgeward_core::domain::Reason::ALL
            .iter()
            .map(|reason| (format!("rejected: {reason}"), ledger.rejected(*reason)));
        let shed = edgeward_core::domain::ShedPolicy::ALL
            .iter()
            .map(|policy| (format!("shed: {}", policy.name()), ledger.shed(*policy)));
        rejected.chain(shed).filter(|(_, units)| *units > 0).collect()
    }

    /// Everything that does not add up; empty when all messages are accounted for.
    pub fn differences(&self) -> Vec<String> {
        let (daemon, subscriber) = (&self.daemon, &self.subscriber);
        let mut found = Vec::new();
        let mut expect = |holds: bool, what: String| {
            if !holds {
                found.push(what);
            }
        };
        expect(
            self.made == self.sent,
            format!(
                "the broker never acknowledged {}",
                count(self.made.saturating_sub(self.sent), "message")
            ),
        );
        expect(daemon.balance(), format!("the daemon's ledger does not balance: {}", sum(daemon)));
        expect(daemon.pending == 0, format!("the daemon has {} pending", count(daemon.pending, "unit")));
        for left in &self.left {
            expect(false, format!("the daemon left over: {left}"));
        }
        // Without a reconnect every message comes exactly once; with one, at least once.
        let agrees = |here: u64, there: u64| here == there || (self.reconnected && here > there);
        expect(
            agrees(daemon.received, self.sent),
            format!("sent {} and received {}", group(self.sent), group(daemon.received)),
        );
        let unanswered = [Bucket::Rejected, Bucket::Shed, Bucket::Merged];
        let unanswered: u64 = unanswered.into_iter().map(|bucket| daemon.ended(bucket)).sum();
        expect(
            agrees(subscriber.distinct + subscriber.repeats, daemon.ended(Bucket::Scored))
                && (self.reconnected || subscriber.repeats == 0)
                && subscriber.distinct + unanswered >= self.sent,
            format!(
                "the daemon scored {} and the subscriber has verdicts on {}, {} of them repeated",
                group(daemon.ended(Bucket::Scored)),
                group(subscriber.distinct),
                group(subscriber.repeats)
            ),
        );
        expect(
            subscriber.foreign == 0 && subscriber.unreadable == 0,
            format!(
                "the subscriber got {} on messages nobody sent and {} it can't read",
                count(subscriber.foreign, "verdict"),
                count(subscriber.unreadable, "message")
            ),
        );
        found
    }
}

fn count(number: u64, what: &str) -> String {
    format!("{} {what}{}", group(number), if number == 1 { "" } else { "s" })
}

fn sum(books: &Books) -> String {
    // What is kept on disk can end in more ways; the demo keeps nothing there unless it ended so.
    let always = [Bucket::Scored, Bucket::Merged, Bucket::Rejected, Bucket::Shed].map(Bucket::name);
    let shown = books.counters().skip(1);
    let shown = shown.filter(|(name, units)| *units > 0 || always.contains(name) || *name == "pending");
    let sum: Vec<_> = shown.map(|(name, units)| format!("{} {name}", group(units))).collect();
    format!("{} = {}", group(books.received), sum.join(" + "))
}

impl fmt::Display for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let received = group(self.subscriber.distinct);
        let width = [group(self.sent), group(self.daemon.received), received.clone()]
            .iter()
            .map(String::len)
            .max()
            .unwrap_or(0);
        writeln!(f, "the books")?;
        writeln!(f, "  machines sent        {:>width$}  acknowledged by the broker", group(self.sent))?;
        let (received_by_daemon, parts) = (group(self.daemon.received), sum(&self.daemon));
        let parts = parts.split_once(" = ").map_or("", |(_, parts)| parts);
        writeln!(f, "  daemon received      {received_by_daemon:>width$}  = {parts}")?;
        for (name, units) in &self.details {
            writeln!(f, "                       {:>width$}  {name}", group(*units))?;
        }
        write!(f, "  subscriber received  {received:>width$}  verdicts")?;
        if self.subscriber.repeats > 0 {
            write!(f, ", {} of them again after a reconnect", group(self.subscriber.repeats))?;
        }
        writeln!(f, "; {} anomalies", group(self.subscriber.anomalies))?;
        let differences = self.differences();
        if differences.is_empty() {
            return write!(f, "  every message is accounted for");
        }
        write!(f, "  THE BOOKS DIFFER")?;
        differences.iter().try_for_each(|difference| write!(f, "\n  - {difference}"))
    }
}

/// A number with commas between groups of three digits.
pub fn group(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn daemon(received: u64, scored: u64, pending: u64) -> Books {
        Books::new(received, [(Bucket::Scored, scored), (Bucket::Rejected, 2)], pending)
    }

    fn even() -> Accounts {
        Accounts {
            made: 4_000,
            sent: 4_000,
            daemon: daemon(4_000, 3_998, 0),
            details: vec![("rejected: not_finite".into(), 2)],
            subscriber: Counts { distinct: 3_998, anomalies: 31, ..Counts::default() },
            ..Accounts::default()
        }
    }

    #[test]
    fn even_books_are_told_as_a_table() {
        let accounts = even();
        assert_eq!(accounts.differences(), Vec::<String>::new());
        let table = "\
the books
  machines sent        4,000  acknowledged by the broker
  daemon received      4,000  = 3,998 scored + 0 merged + 2 rejected + 0 shed + 0 pending
                           2  rejected: not_finite
  subscriber received  3,998  verdicts; 31 anomalies
  every message is accounted for";
        assert_eq!(accounts.to_string(), table);
    }

    #[test]
    fn every_difference_is_named() {
        let check = |change: fn(&mut Accounts), expected: &str| {
            let mut accounts = even();
            change(&mut accounts);
            let found = accounts.differences().join("; ");
            assert!(found.contains(expected), "{found:?} should tell: {expected}");
            assert!(accounts.to_string().contains("THE BOOKS DIFFER"));
        };
        check(|a| a.made += 1, "the broker never acknowledged 1 message");
        check(|a| a.daemon = daemon(4_000, 3_997, 0), "does not balance");
        check(|a| a.daemon = daemon(4_000, 3_997, 1), "has 1 unit pending");
        check(|a| a.left.push("pipeline machines: 1 message".into()), "left over: pipeline machines");
        check(|a| a.daemon = daemon(3_999, 3_997, 0), "sent 4,000 and received 3,999");
        check(|a| a.daemon = daemon(4_001, 3_999, 0), "sent 4,000 and received 4,001");
        check(|a| a.subscriber.distinct -= 1, "verdicts on 3,997");
        check(|a| a.subscriber.repeats += 1, "1 of them repeated");
        check(|a| a.subscriber.foreign += 1, "1 verdict on messages nobody sent");
        check(|a| a.subscriber.unreadable += 1, "1 message it can't read");
    }

    #[test]
    fn after_a_reconnect_repeats_are_fine_and_losses_are_not() {
        let mut accounts = even();
        accounts.reconnected = true;
        accounts.daemon = daemon(4_003, 4_001, 0);
        accounts.subscriber.repeats = 3;
        assert_eq!(accounts.differences(), Vec::<String>::new());
        accounts.subscriber.distinct -= 4;
        assert!(!accounts.differences().is_empty());
    }

    #[test]
    fn numbers_are_grouped() {
        let cases = [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")];
        assert!(cases.iter().all(|(number, text)| group(*number) == *text));
    }
}
