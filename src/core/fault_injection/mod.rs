//! Deaths on order, for tests of what survives them: `EDGEWARD_TEST_PANIC=ROLE:N` makes the thread of that role
//! panic at its Nth passage of its point, `ROLE:N+` at every one from then on; several stand with commas between.
//!
//! A release build has nothing of it: neither is the variable read, nor is there anything at the points.

/// Nothing.
#[cfg(not(debug_assertions))]
#[inline]
pub fn point(_role: &str) {}

#[cfg(debug_assertions)]
pub use debug::{order, point};

#[cfg(debug_assertions)]
mod debug {
    use std::sync::{Mutex, OnceLock, PoisonError};

    struct Order {
        role: String,
        at: u64,
        again: bool,
        passed: u64,
    }

    impl Order {
        fn read(text: &str) -> Option<Order> {
            let (role, at) = text.rsplit_once(':')?;
            let (at, again) = at.strip_suffix('+').map_or((at, false), |at| (at, true));
            Some(Order { role: role.to_owned(), at: at.parse().ok()?, again, passed: 0 })
        }

        /// Whether this passage is one to die at.
        fn pass(&mut self) -> bool {
            self.passed += 1;
            self.passed == self.at || (self.again && self.passed > self.at)
        }
    }

    fn orders() -> &'static Mutex<Vec<Order>> {
        static ORDERS: OnceLock<Mutex<Vec<Order>>> = OnceLock::new();
        ORDERS.get_or_init(|| {
            let text = std::env::var("EDGEWARD_TEST_PANIC").unwrap_or_default();
            Mutex::new(text.split(',').filter_map(Order::read).collect())
        })
    }

    /// Orders a death of this process, such as `score-press:3`.
    pub fn order(text: &str) {
        let mut orders = orders().lock().unwrap_or_else(PoisonError::into_inner);
        orders.extend(Order::read(text));
    }

    /// The point of a role: the name of the thread, such as `score-press` or `outbox`. Never under a lock.
    pub fn point(role: &str) {
        let dies = {
            let mut orders = orders().lock().unwrap_or_else(PoisonError::into_inner);
            let mut dies = false;
            orders.iter_mut().filter(|order| order.role == role).for_each(|order| dies |= order.pass());
            dies
        };
        assert!(!dies, "a death on order");
    }
}
