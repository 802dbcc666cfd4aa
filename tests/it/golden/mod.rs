//! The pure rooms against what the libraries people use give: the values are written by the scripts
//! in `tests/golden/`, run by `tests/setup`.

mod decisions;
mod images;

use std::path::Path;

use serde_json::Value;

/// The cases and arrays one script wrote.
pub struct Golden {
    cases: Vec<Value>,
    data: Vec<u8>,
}

/// An array with its shape.
pub struct Told<T> {
    pub values: Vec<T>,
    pub shape: Vec<usize>,
}

impl Golden {
    pub fn open(name: &str) -> Golden {
        let root = env!("CARGO_MANIFEST_DIR");
        let folder = Path::new(root).join("target/test-golden").join(name);
        let read = |file: &str| {
            let path = folder.join(file);
            std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}; run tests/setup", path.display()))
        };
        Golden { cases: serde_json::from_slice(&read("cases.json")).unwrap(), data: read("data.bin") }
    }

    /// The cases of a kind; there must be some.
    pub fn of<'g>(&'g self, kind: &'g str) -> impl Iterator<Item = &'g Value> {
        assert!(self.cases.iter().any(|case| case["kind"] == kind), "no case of kind {kind}");
        self.cases.iter().filter(move |case| case["kind"] == kind)
    }

    fn array<T, const N: usize>(&self, told: &Value, dtype: &str, read: fn([u8; N]) -> T) -> Told<T> {
        assert_eq!(told["dtype"], dtype, "{told}");
        let shape: Vec<usize> = told["shape"].as_array().unwrap().iter().map(whole).collect();
        let start = whole(&told["at"]);
        let bytes = &self.data[start..start + shape.iter().product::<usize>() * N];
        Told { values: bytes.as_chunks::<N>().0.iter().map(|bytes| read(*bytes)).collect(), shape }
    }

    pub fn u8s(&self, told: &Value) -> Told<u8> {
        self.array(told, "u8", |[byte]| byte)
    }

    pub fn f32s(&self, told: &Value) -> Told<f32> {
        self.array(told, "f32", f32::from_le_bytes)
    }

    /// The elements of an array of any type.
    pub fn numbers(&self, told: &Value) -> Vec<f64> {
        match told["dtype"].as_str() {
            Some("u8") => self.u8s(told).values.into_iter().map(f64::from).collect(),
            Some("f32") => self.f32s(told).values.into_iter().map(f64::from).collect(),
            Some("i64") => self.array(told, "i64", |bytes| i64::from_le_bytes(bytes) as f64).values,
            _ => self.array(told, "f64", f64::from_le_bytes).values,
        }
    }
}

pub fn whole(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap_or_else(|| panic!("{value} is no whole number"))).unwrap()
}
