//! From a value's element type at run time to Rust's at compile time.
//!
//! - `map_kinds!([F32, F64] data, v => expr, other)`: `v` is the `&Arc<Vec<T>>` of the variant that is
//!   there; `expr` gives a `Vec<T>` and the whole [`Data`](super::Data) of the same kind; `other` is for kinds not listed.
//! - `with_kinds!`: the same where `expr` gives anything.
//! - `map_kinds2!`, `with_kinds2!`: two operands of one kind, as `(x, y), (a, b) => expr`.

#[macro_export]
#[doc(hidden)]
macro_rules! map_kinds {
    ([$($variant:ident),* $(,)?] $data:expr, $v:ident => $body:expr, $other:expr) => {
        match $data {
            $($crate::native::value::Data::$variant($v) => {
                $crate::native::value::Element::wrap($body)
            })*
            #[allow(unreachable_patterns)]
            _ => $other,
        }
    };
}

#[macro_export]
#[doc(hidden)]
macro_rules! with_kinds {
    ([$($variant:ident),* $(,)?] $data:expr, $v:ident => $body:expr, $other:expr) => {
        match $data {
            $($crate::native::value::Data::$variant($v) => $body,)*
            #[allow(unreachable_patterns)]
            _ => $other,
        }
    };
}

#[macro_export]
#[doc(hidden)]
macro_rules! map_kinds2 {
    ([$($variant:ident),* $(,)?] ($x:expr, $y:expr), ($a:ident, $b:ident) => $body:expr, $other:expr) => {
        match ($x, $y) {
            $((
                $crate::native::value::Data::$variant($a),
                $crate::native::value::Data::$variant($b),
            ) => $crate::native::value::Element::wrap($body),)*
            _ => $other,
        }
    };
}

#[macro_export]
#[doc(hidden)]
macro_rules! with_kinds2 {
    ([$($variant:ident),* $(,)?] ($x:expr, $y:expr), ($a:ident, $b:ident) => $body:expr, $other:expr) => {
        match ($x, $y) {
            $((
                $crate::native::value::Data::$variant($a),
                $crate::native::value::Data::$variant($b),
            ) => $body,)*
            _ => $other,
        }
    };
}
