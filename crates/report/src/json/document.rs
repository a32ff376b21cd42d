//! How every JSON document of the reports is written, and how its schema is.

use std::io::{self, BufWriter, Write};

use schemars::JsonSchema;
use serde::Serialize;

/// Writes a value as indented JSON with a final line end.
pub(crate) fn write(value: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    serde_json::to_writer_pretty(&mut out, value)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// The JSON Schema of a document, as committed in the folder schema.
pub(crate) fn schema<T: JsonSchema>() -> String {
    format!("{:#}\n", schemars::schema_for!(T).as_value())
}
