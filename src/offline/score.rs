//! Scoring one chunk after another on one thread.

use std::sync::Arc;

use super::{
    ResultFormat,
    chunk::{Chunk, Header, Rows},
    job::{Job, OfflineError},
    result::{ChunkResult, Reject},
    table,
};
use edgeward_core::{
    domain::Epoch,
    scoring::{
        Message, Outcome, Plan, Scorer, ScorerOptions, Settled, SourceRule,
        declared::{FieldPath, Format, InputSource, Missing, Spec},
    },
    settings::nearest,
};

/// Units in one run of the model: more rows don't make a row cheaper.
const MAX_BATCH: usize = 256;

/// Scores chunks; keeps a scorer for the columns it saw last.
pub(super) struct ChunkScorer<'j> {
    job: &'j Job<'j>,
    scorer: Option<(Option<Arc<Header>>, Scorer)>,
    line: Vec<u64>,
    sequence: u64,
}

impl<'j> ChunkScorer<'j> {
    pub fn new(job: &'j Job<'j>) -> Self {
        ChunkScorer { job, scorer: None, line: Vec::new(), sequence: 0 }
    }

    /// Scores a chunk.
    ///
    /// # Errors
    /// [`OfflineError::Columns`] when a CSV file lacks columns the model needs.
    pub fn score(&mut self, chunk: Chunk) -> Result<ChunkResult, OfflineError> {
        let Chunk { index, rows, bytes } = chunk;
        let mut result = ChunkResult { index, bytes, ..ChunkResult::default() };
        match rows {
            Rows::Whole { file, payload } => {
                self.rows(&file, None, std::iter::once((0, &payload[..])), &mut result)?;
            }
            Rows::Lines(lines) => {
                self.rows(&lines.file, lines.header.clone(), lines.rows(), &mut result)?;
            }
        }
        Ok(result)
    }

    fn rows<'r>(
        &mut self,
        file: &Arc<str>,
        header: Option<Arc<Header>>,
        rows: impl Iterator<Item = (u64, &'r [u8])>,
        result: &mut ChunkResult,
    ) -> Result<(), OfflineError> {
        if self.scorer.as_ref().is_none_or(|(known, _)| *known != header) {
            self.scorer = Some((header.clone(), self.scorer_for(file, header.as_deref())?));
        }
        let ChunkScorer { scorer: Some((_, scorer)), line: lines, sequence, job } = self else {
            return Ok(());
        };
        lines.clear();
        let varying = job.model.plan.varying_outputs();
        let mut write = Writer { format: job.format, file, varying: &varying, result };
        for (line, payload) in rows {
            if payload.is_empty() && line > 0 {
                continue;
            }
            *sequence += 1;
            lines.push(line);
            let message = Message { topic: "", payload, sequence: *sequence, ..Message::default() };
            write.result.rows += 1;
            scorer.push(lines.len() - 1, &message, &mut |settled| write.settle(&settled, lines));
            if scorer.waiting() >= MAX_BATCH {
                scorer.flush(&mut |settled| write.settle(&settled, lines));
            }
        }
        scorer.flush(&mut |settled| write.settle(&settled, lines));
        Ok(())
    }

    /// A scorer for rows with these columns, or for messages as the model declares them.
    fn scorer_for(&self, file: &str, header: Option<&Header>) -> Result<Scorer, OfflineError> {
        let model = self.job.model;
        let plan = match header {
            None => model.plan.clone(),
            Some(header) => {
                let spec = tabular(model.plan.spec(), header, file)?;
                let plan = Plan::new(spec, model.engine.signature(), model.limits());
                Arc::new(plan.map_err(|faults| OfflineError::Columns {
                    file: file.to_owned(),
                    detail: faults.iter().map(|fault| fault.reason.as_str()).collect::<Vec<_>>().join("; "),
                })?)
            }
        };
        let source = match &self.job.source_field {
            Some(path) => SourceRule::Field(path.clone()),
            None => SourceRule::None,
        };
        let options = ScorerOptions {
            pipeline: "score".into(),
            device: "offline".into(),
            epoch: Epoch([0; 8]),
            sequence_field: None,
            source,
            max_sources: 1_000_000,
            copy_fields: Vec::new(),
            max_payload_bytes: usize::try_from(self.job.max_payload_bytes).unwrap_or(usize::MAX),
            max_batch: MAX_BATCH,
        };
        Ok(Scorer::new(plan, model.engine.clone(), options))
    }
}

/// The declaration for CSV rows: the same fields, found by column.
fn tabular(spec: &Spec, header: &Header, file: &str) -> Result<Spec, OfflineError> {
    let mut spec = spec.clone();
    spec.payload.format = Format::Csv;
    spec.payload.readings = None;
    spec.payload.columns.clone_from(&header.columns);
    spec.payload.delimiter = Some(header.delimiter);
    let mut missing = Vec::new();
    for input in &mut spec.inputs {
        let InputSource::Fields(fields) = &mut input.source else { continue };
        for field in fields {
            match column(&field.path, header) {
                Some(column) => field.path = column_path(column),
                None if field.missing != Missing::Reject => {}
                None => missing.push(field.path.to_string()),
            }
        }
    }
    if let Some(time) = spec.payload.time.as_ref().filter(|time| column(time, header).is_none())
        && spec.window.is_some_and(|window| window.needs_time())
    {
        missing.push(time.to_string());
    }
    if let Some(first) = missing.first() {
        let near = nearest(first, header.columns.iter().map(String::as_str));
        let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        let detail = format!(
            "it has no column {}; its columns are {}{near}",
            missing.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
            header.columns.join(", ")
        );
        return Err(OfflineError::Columns { file: file.to_owned(), detail });
    }
    for path in [&mut spec.payload.time, &mut spec.payload.message_id].into_iter().flatten() {
        if let Some(column) = column(path, header) {
            *path = column_path(column);
        }
    }
    Ok(spec)
}

/// A field's column: by its whole path, or with `_` for the dots, as tables name nested fields.
fn column<'h>(path: &FieldPath, header: &'h Header) -> Option<&'h String> {
    let (dotted, flat) = (path.segments.join("."), path.segments.join("_"));
    let find = |name: &str| header.columns.iter().find(|column| *column == name);
    find(&dotted).or_else(|| find(&flat))
}

fn column_path(column: &str) -> FieldPath {
    FieldPath { scope: edgeward_core::scoring::declared::Scope::Reading, segments: vec![column.to_owned()] }
}

struct Writer<'w> {
    format: ResultFormat,
    file: &'w Arc<str>,
    varying: &'w [bool],
    result: &'w mut ChunkResult,
}

impl Writer<'_> {
    fn settle(&mut self, settled: &Settled<'_>, lines: &[u64]) {
        let line = lines[settled.message];
        let result = &mut *self.result;
        match settled.outcome {
            Outcome::Merged => result.merged += 1,
            Outcome::Rejected(rejection) => {
                result.rejects.push(Reject { file: self.file.clone(), line, rejection: rejection.clone() });
            }
            Outcome::Verdict(verdict) => {
                result.scored += 1;
                match self.format {
                    ResultFormat::Csv => {
                        if result.header.is_none() {
                            result.header = Some(table::header(verdict, self.varying));
                        }
                        table::line(self.file, line, verdict, self.varying, &mut result.text);
                    }
                    ResultFormat::Jsonl => verdict.write_offline(self.file, line, &mut result.text),
                }
            }
        }
    }
}
