//! What rows may hold.

/// What a row may hold, and what a forest of precision `T` sees of it: whole numbers are rounded to
/// `T`, as onnxruntime does before it compares.
pub trait Feature<T>: Copy {
    fn feature(self) -> T;
}

macro_rules! feature {
    ($($from:ty => $to:ty),*) => {
        $(impl Feature<$to> for $from {
            #[inline(always)]
            fn feature(self) -> $to {
                self as $to
            }
        })*
    };
}

feature!(f32 => f32, i32 => f32, i64 => f32, f32 => f64, f64 => f64, i32 => f64, i64 => f64);
