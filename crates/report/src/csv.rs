//! Tables as CSV, for spreadsheets, plots and DuckDB.
//!
//! Instants are UTC dates, cut to the millisecond, and unknown values are empty fields.

use std::borrow::Cow;
use std::io::{self, BufWriter, Write};

use super::date::Dates;
use super::table::{Field, Table};
use lapse_record::record::Record;

/// Writes `table` of `record`: a line of column names, then a line per row.
pub fn write(record: &Record, table: Table, out: &mut impl Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    let names: Vec<_> = table.columns().iter().map(|(name, _)| *name).collect();
    writeln!(out, "{}", names.join(","))?;
    let mut dates = Dates::new(record.about.anchor);
    table.rows(record, &mut |row| {
        for (nth, field) in row.iter().enumerate() {
            if nth > 0 {
                out.write_all(b",")?;
            }
            match field {
                Field::Unknown => {}
                Field::Instant(at) => {
                    let (second, millis) = dates.at(*at);
                    write!(out, "{second}.{millis:03}Z")?;
                }
                Field::Number(number) => write!(out, "{number}")?,
                Field::Text(text) => out.write_all(quoted(text).as_bytes())?,
            }
        }
        writeln!(out)
    })?;
    out.flush()
}

/// `field` in quotes if it has a comma, a quote or a line end (RFC 4180), else unchanged.
fn quoted(field: &str) -> Cow<'_, str> {
    if field.contains([',', '"', '\r', '\n']) {
        Cow::Owned(format!("\"{}\"", field.replace('"', "\"\"")))
    } else {
        Cow::Borrowed(field)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use lapse_measure::answer::{Class, Unsent};
    use lapse_measure::lane::Policy;
    use lapse_record::sample::{Answer, Sample, upgrade, worked_example};

    fn table(record: &Record, bin: Duration) -> Vec<String> {
        let mut out = Vec::new();
        write(record, Table::Timeline { bin }, &mut out).unwrap();
        String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_row_has_the_counts_and_state_of_one_millisecond() {
        let rows = table(&worked_example(), Duration::from_millis(1));
        assert_eq!(rows.len(), 4001);
        assert_eq!(rows[0], "time,offset_ms,target,due,ok,slow,failed,blind,state,classes");
        assert_eq!(rows[2000], "2023-11-14T22:13:21.999Z,1999,shop,1,1,0,0,0,up,");
        assert_eq!(rows[2001], "2023-11-14T22:13:22.000Z,2000,shop,1,0,0,1,0,down,status 503:1");
        assert_eq!(rows[2300], "2023-11-14T22:13:22.299Z,2299,shop,1,0,0,1,0,down,status 503:1");
    }

    #[test]
    fn bins_of_any_size_add_up_to_the_totals() {
        let record = upgrade();
        for ms in [1, 7, 1000, 100_000] {
            let rows = table(&record, Duration::from_millis(ms));
            let column = |nth: usize| -> u64 {
                rows[1..].iter().map(|row| row.split(',').nth(nth).unwrap().parse::<u64>().unwrap()).sum()
            };
            assert_eq!((column(3), column(4), column(6)), (14_600, 13_510, 1_090), "bins of {ms} ms");
        }
    }

    #[test]
    fn a_bin_lists_its_classes_and_names_are_quoted() {
        let record = Sample::of(&["a \"b\", c", "d"]).record(4, |lane, ms| {
            let class = match (lane.target.0, lane.policy, ms) {
                (0, Policy::New, 1) => Class::Reset,
                (0, Policy::New, _) => Class::Status(503),
                (1, _, 0..2) => Class::NotSent(Unsent::Stall),
                _ => Class::Ok,
            };
            Answer::after(class, 0)
        });
        let rows = table(&record, Duration::from_millis(4));
        assert_eq!(rows[1], "2023-11-14T22:13:20.000Z,0,\"a \"\"b\"\", c\",4,2,0,2,0,degraded,status 503:1 reset:1");
        assert_eq!(rows[2], "2023-11-14T22:13:20.000Z,0,d,4,2,0,0,2,up,not-sent stall:2");
    }
}
