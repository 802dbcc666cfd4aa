//! A piece of an input: whole rows, small enough that a few of them are little memory.

use std::sync::Arc;

/// Rows to score together.
#[derive(Debug)]
pub struct Chunk {
    /// Its place in the order of results.
    pub index: u64,
    pub rows: Rows,
    /// Bytes of input it stands for.
    pub bytes: u64,
}

#[derive(Debug)]
pub enum Rows {
    Lines(Lines),
    /// One file that is one message, already read.
    Whole {
        file: Arc<str>,
        payload: Vec<u8>,
    },
}

/// Whole lines of one file.
#[derive(Debug)]
pub struct Lines {
    pub file: Arc<str>,
    /// The number of the first line, from 1.
    pub first_line: u64,
    pub text: Vec<u8>,
    /// For CSV: the header, the same one for all chunks of a file.
    pub header: Option<Arc<Header>>,
}

/// The columns of a CSV file.
#[derive(Debug, PartialEq, Eq)]
pub struct Header {
    pub columns: Vec<String>,
    pub delimiter: u8,
}

impl Lines {
    /// The rows with the numbers of their first lines. A quoted CSV cell may span lines.
    pub fn rows(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let mut rest = &self.text[..];
        let mut line = self.first_line;
        let quoted = self.header.is_some();
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let end = row_end(rest, quoted).unwrap_or(rest.len());
            let (row, after) = rest.split_at(end);
            rest = after.get(1..).unwrap_or(&[]);
            let first = line;
            line += 1 + if quoted { row.iter().filter(|&&b| b == b'\n').count() as u64 } else { 0 };
            Some((first, row.strip_suffix(b"\r").unwrap_or(row)))
        })
    }
}

/// Where the first row ends: at a line break, for CSV at one outside of quotes.
pub fn row_end(text: &[u8], quoted: bool) -> Option<usize> {
    let first = text.iter().position(|&b| b == b'\n')?;
    if !quoted || !text[..first].contains(&b'"') {
        return Some(first);
    }
    let mut inside = false;
    text.iter().position(|&b| {
        inside ^= b == b'"';
        b == b'\n' && !inside
    })
}

/// Where the last whole row ends, past its line break; 0 when there is none.
pub fn last_row_end(text: &[u8], quoted: bool) -> usize {
    if !quoted || !text.contains(&b'"') {
        return text.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
    }
    let (mut inside, mut end) = (false, 0);
    for (at, &b) in text.iter().enumerate() {
        inside ^= b == b'"';
        if b == b'\n' && !inside {
            end = at + 1;
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_line_breaks_stay_in_their_row() {
        let lines = Lines {
            file: "x".into(),
            first_line: 2,
            text: b"a,\"b\nc\"\r\nd,e\nf".to_vec(),
            header: Some(Arc::new(Header { columns: vec![], delimiter: b',' })),
        };
        let rows: Vec<_> = lines.rows().collect();
        assert_eq!(rows, [(2, &b"a,\"b\nc\""[..]), (4, b"d,e"), (5, b"f")]);
        assert_eq!(last_row_end(&lines.text, true), 13);
        assert_eq!(last_row_end(b"a,\"b\n", true), 0);
    }
}
