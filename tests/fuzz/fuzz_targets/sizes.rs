#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| edgeward_core::scoring::fuzz::sizes(bytes));
