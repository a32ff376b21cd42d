//! Tables as Apache Parquet, for DuckDB, pandas and other tools.
//!
//! Instants are UTC timestamps in nanoseconds, and unknown values are null. Numbers are delta-encoded and texts use a
//! dictionary, which leaves a compression codec little to do. File format:
//! <https://parquet.apache.org/docs/file-format/>.

use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::{Encoding, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::errors::Result;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{ColumnPath, Type};

use super::table::{Field, Kind, Table};
use lapse_measure::time::Anchor;
use lapse_record::record::Record;

/// Rows of a row group, which are buffered and then written column by column.
const GROUP_ROWS: usize = 1 << 17;
/// Definition level of a field with a value. Columns are flat and optional, so there are two levels.
const DEFINED: i16 = 1;
/// Definition level of a null field.
const NULL: i16 = 0;

/// Writes `table` of `record`. The file is readable once it is complete, since its metadata is at the end.
pub fn write(record: &Record, table: Table, out: &mut (impl Write + Send)) -> io::Result<()> {
    let columns = table.columns();
    let mut file = open(columns, out).map_err(io::Error::other)?;
    let mut buffers: Vec<_> = columns.iter().map(|(_, kind)| ColumnBuffer::of(*kind)).collect();
    let mut rows = 0;
    table.rows(record, &mut |row| {
        for (buffer, field) in buffers.iter_mut().zip(row) {
            buffer.push(record.about.anchor, field);
        }
        rows += 1;
        if rows == GROUP_ROWS {
            rows = 0;
            write_group(&mut file, &mut buffers).map_err(io::Error::other)?;
        }
        Ok(())
    })?;
    if rows > 0 {
        write_group(&mut file, &mut buffers).map_err(io::Error::other)?;
    }
    file.close().map(drop).map_err(io::Error::other)
}

fn open<W: Write + Send>(columns: &[(&str, Kind)], out: W) -> Result<SerializedFileWriter<W>> {
    let mut fields = Vec::new();
    let mut properties = WriterProperties::builder();
    for (name, kind) in columns {
        fields.push(Arc::new(column(name, *kind)?));
        if *kind != Kind::Text {
            let path = ColumnPath::from(*name);
            properties = properties.set_column_dictionary_enabled(path.clone(), false);
            properties = properties.set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
        }
    }
    let schema = Type::group_type_builder("lapse").with_fields(fields).build()?;
    SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties.build()))
}

fn column(name: &str, kind: Kind) -> Result<Type> {
    let (physical, logical) = match kind {
        Kind::Instant => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::NANOS))),
        Kind::Number => (Physical::INT64, None),
        Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
    };
    Type::primitive_type_builder(name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical)
        .build()
}

/// The buffered fields of one column: values, and a definition level for each field.
enum ColumnBuffer {
    Numbers { values: Vec<i64>, levels: Vec<i16> },
    Texts { values: Vec<ByteArray>, levels: Vec<i16> },
}

impl ColumnBuffer {
    const fn of(kind: Kind) -> Self {
        match kind {
            Kind::Instant | Kind::Number => Self::Numbers { values: Vec::new(), levels: Vec::new() },
            Kind::Text => Self::Texts { values: Vec::new(), levels: Vec::new() },
        }
    }

    fn push(&mut self, anchor: Anchor, field: &Field<'_>) {
        match self {
            Self::Numbers { values, levels } => {
                let number = match field {
                    Field::Instant(at) => Some(anchor.date_at(*at).as_nanos()),
                    Field::Number(number) => Some(*number),
                    Field::Text(_) | Field::Unknown => None,
                };
                // A number too large for INT64 becomes null rather than a wrong number.
                let number = number.and_then(|number| i64::try_from(number).ok());
                values.extend(number);
                levels.push(if number.is_some() { DEFINED } else { NULL });
            }
            Self::Texts { values, levels } => {
                if let Field::Text(text) = field {
                    // Most texts equal the previous one and share its bytes.
                    let previous = values.last().filter(|previous| previous.data() == text.as_bytes()).cloned();
                    values.push(previous.unwrap_or_else(|| ByteArray::from(text.as_bytes().to_vec())));
                }
                levels.push(if matches!(field, Field::Text(_)) { DEFINED } else { NULL });
            }
        }
    }

    fn write(&mut self, column: &mut SerializedColumnWriter<'_>) -> Result<()> {
        match self {
            Self::Numbers { values, levels } => {
                column.typed::<Int64Type>().write_batch(values, Some(levels), None)?;
                values.clear();
                levels.clear();
            }
            Self::Texts { values, levels } => {
                column.typed::<ByteArrayType>().write_batch(values, Some(levels), None)?;
                values.clear();
                levels.clear();
            }
        }
        Ok(())
    }
}

fn write_group(file: &mut SerializedFileWriter<impl Write + Send>, buffers: &mut [ColumnBuffer]) -> Result<()> {
    let mut group = file.next_row_group()?;
    for buffer in buffers {
        if let Some(mut column) = group.next_column()? {
            buffer.write(&mut column)?;
            column.close()?;
        }
    }
    group.close().map(drop)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use parquet::file::metadata::RowGroupMetaData;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field as Read;

    use super::*;
    use lapse_measure::answer::Class;
    use lapse_record::sample::{Answer, Sample, nasty};

    fn read(record: &Record, table: Table) -> SerializedFileReader<Bytes> {
        let mut out = Vec::new();
        write(record, table, &mut out).unwrap();
        SerializedFileReader::new(Bytes::from(out)).unwrap()
    }

    #[test]
    fn a_file_reads_back_as_the_rows_of_its_table() {
        let record = nasty();
        for table in [Table::Timeline { bin: Duration::from_millis(1) }, Table::Failures, Table::Events] {
            let mut rows = Vec::new();
            let sink = &mut |row: &[Field<'_>]| {
                rows.push(row.iter().map(|field| expected(&record, field)).collect::<Vec<_>>());
                Ok(())
            };
            table.rows(&record, sink).unwrap();
            let file = read(&record, table);
            let names = |row: &parquet::record::Row| row.get_column_iter().map(|(name, _)| name.clone()).collect();
            let back: Vec<_> = file.get_row_iter(None).unwrap().map(Result::unwrap).collect();
            let names: Vec<String> = back.first().map(names).unwrap_or_default();
            assert_eq!(names, table.columns().iter().map(|(name, _)| *name).collect::<Vec<_>>());
            let back: Vec<Vec<_>> =
                back.iter().map(|row| row.get_column_iter().map(|(_, field)| field.clone()).collect()).collect();
            assert!(!rows.is_empty() && back == rows, "{table:?}");
        }
    }

    fn expected(record: &Record, field: &Field<'_>) -> Read {
        match field {
            Field::Unknown => Read::Null,
            Field::Instant(at) => Read::Long(i64::try_from(record.about.anchor.date_at(*at).as_nanos()).unwrap()),
            Field::Number(number) => Read::Long(i64::try_from(*number).unwrap()),
            Field::Text(text) => Read::Str(text.to_string()),
        }
    }

    #[test]
    fn a_long_run_is_written_in_row_groups_of_less_than_a_byte_per_row() {
        let record = Sample::of(&["shop"]).record(300_000, |_, ms| match ms {
            150_000..152_000 => Answer::after(Class::Status(503), 300),
            _ => Answer::after(Class::Ok, 300),
        });
        let mut out = Vec::new();
        write(&record, Table::Timeline { bin: Duration::from_millis(1) }, &mut out).unwrap();
        assert!(out.len() < 300_000, "{} bytes for 300,000 rows", out.len());
        let file = SerializedFileReader::new(Bytes::from(out)).unwrap();
        let groups: Vec<_> = file.metadata().row_groups().iter().map(RowGroupMetaData::num_rows).collect();
        assert_eq!(groups, [131_072, 131_072, 37_856]);
    }
}
