//! Typed values of a tree, by serde. An error has the place of what it is about.

use std::fmt;

use serde::Deserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, Visitor};

use super::problem::{Problem, near, shown};
use super::tree::{Entry, Node, Position, Value};

/// The value of type `T` that a tree stands for. A map has the entries of maps that it merges with `<<`; where a map is
/// wanted, nothing stands for one without keys; a scalar is a text where one is wanted, whatever it looks like.
pub fn from_node<T: DeserializeOwned>(node: &Node) -> Result<T, Problem> {
    T::deserialize(Typed(node)).map_err(|fault| Problem::at(fault.position.unwrap_or(node.position), fault.text))
}

/// What is wrong, and where; a position of `None` is still to be found.
#[derive(Debug)]
struct Fault {
    position: Option<Position>,
    text: String,
}

impl Fault {
    fn new(position: Position, text: impl Into<String>) -> Self {
        Self { position: Some(position), text: text.into() }
    }

    /// The fault at `position`, unless it is known to be at another place.
    fn at(self, position: Position) -> Self {
        Self { position: self.position.or(Some(position)), ..self }
    }
}

impl std::error::Error for Fault {}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self { position: None, text: text.to_string() }
    }

    fn invalid_type(_: de::Unexpected<'_>, wanted: &dyn de::Expected) -> Self {
        Self::custom(format_args!("{wanted} must stand here"))
    }

    fn invalid_value(_: de::Unexpected<'_>, wanted: &dyn de::Expected) -> Self {
        Self::custom(format_args!("{wanted} must stand here"))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(format_args!("unknown key `{}`; {}", shown(field), near(field, expected)))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(format_args!("`{}` cannot stand here; {}", shown(variant), near(variant, expected)))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::custom(format_args!("the key `{field}` is missing: write it"))
    }
}

/// A node as serde reads it.
#[derive(Clone, Copy)]
struct Typed<'n>(&'n Node);

impl<'n> Typed<'n> {
    fn text(self, wanted: &str) -> Result<&'n str, Fault> {
        match &self.0.value {
            Value::Scalar { text, .. } if !self.0.is_null() => Ok(text),
            _ => Err(self.lacks(wanted)),
        }
    }

    fn lacks(self, wanted: &str) -> Fault {
        Fault::new(self.0.position, format!("{wanted} must stand here"))
    }

    /// The entries of a map, with those of the maps that it merges.
    fn entries(self, merges: usize) -> Result<Vec<&'n Entry>, Fault> {
        let entries = match &self.0.value {
            Value::Map(entries) => entries.as_slice(),
            _ if self.0.is_null() => &[],
            _ => return Err(self.lacks("a map of keys, each with a `:`,")),
        };
        let mut own: Vec<&Entry> = Vec::new();
        for entry in entries.iter().filter(|entry| &*entry.key != MERGE) {
            if let Some(first) = own.iter().find(|other| other.key == entry.key) {
                let (key, line) = (shown(&entry.key), first.position.line);
                return Err(Fault::new(
                    entry.position,
                    format!("`{key}` is there already, in line {line}: leave one out"),
                ));
            }
            own.push(entry);
        }
        for merged in entries.iter().filter(|entry| &*entry.key == MERGE) {
            if merges == 0 {
                return Err(Fault::new(merged.position, "maps are merged too deeply here: write the keys themselves"));
            }
            let maps = match &merged.value.value {
                Value::List(maps) => maps.iter().map(|map| Self(map)).collect(),
                _ => vec![Self(&merged.value)],
            };
            for map in maps {
                let further = map.entries(merges - 1)?;
                own.extend(
                    further
                        .into_iter()
                        .filter(|entry| !entries.iter().any(|known| known.key == entry.key))
                        .collect::<Vec<_>>(),
                );
            }
        }
        Ok(own)
    }

    fn integer<T: std::str::FromStr>(self) -> Result<T, Fault> {
        const WANTED: &str = "a whole number such as 2";
        self.text(WANTED)?.parse().map_err(|_| self.lacks(WANTED))
    }

    fn float(self) -> Result<f64, Fault> {
        const WANTED: &str = "a number such as 0.05";
        let number: Option<f64> = self.text(WANTED)?.parse().ok();
        number.filter(|number| number.is_finite()).ok_or_else(|| self.lacks(WANTED))
    }

    fn bool(self) -> Result<bool, Fault> {
        const WANTED: &str = "`true` or `false`";
        self.text(WANTED)?.parse().map_err(|_| self.lacks(WANTED))
    }
}

/// The key whose value is a map to take further entries from.
const MERGE: &str = "<<";
/// How deep maps may be merged into one another.
const MOST_MERGES: usize = 4;

/// Reads numbers of these types.
macro_rules! integers {
    ($($name:ident: $type:ty, $visit:ident;)+) => {$(
        fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            let number: $type = self.integer()?;
            visitor.$visit(number).map_err(|fault: Fault| fault.at(self.0.position))
        }
    )+};
}

impl<'de> Deserializer<'de> for Typed<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.0.value {
            Value::List(_) => self.deserialize_seq(visitor),
            Value::Map(_) => self.deserialize_map(visitor),
            Value::Scalar { .. } if self.0.is_null() => visitor.visit_unit(),
            Value::Scalar { text, plain: true } => match (text.parse(), text.parse(), self.bool(), self.float()) {
                (Ok(number), ..) => visitor.visit_u64(number),
                (_, Ok(number), ..) => visitor.visit_i64(number),
                (.., Ok(is), _) => visitor.visit_bool(is),
                (.., Ok(number)) => visitor.visit_f64(number),
                _ => visitor.visit_str(text),
            },
            Value::Scalar { text, .. } => visitor.visit_str(text),
        }
        .map_err(|fault: Fault| fault.at(self.0.position))
    }

    integers! {
        deserialize_i8: i8, visit_i8;
        deserialize_i16: i16, visit_i16;
        deserialize_i32: i32, visit_i32;
        deserialize_i64: i64, visit_i64;
        deserialize_u8: u8, visit_u8;
        deserialize_u16: u16, visit_u16;
        deserialize_u32: u32, visit_u32;
        deserialize_u64: u64, visit_u64;
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_f64(self.float()?).map_err(|fault: Fault| fault.at(self.0.position))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_bool(self.bool()?).map_err(|fault: Fault| fault.at(self.0.position))
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_str(self.text("a text")?).map_err(|fault: Fault| fault.at(self.0.position))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self).map_err(|fault: Fault| fault.at(self.0.position))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let Value::List(items) = &self.0.value else { return Err(self.lacks("a list, each item after a `-`,")) };
        let items = de::value::SeqDeserializer::new(items.iter().map(|item| Typed(item)));
        visitor.visit_seq(items).map_err(|fault: Fault| fault.at(self.0.position))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let entries = Entries { entries: self.entries(MOST_MERGES)?.into_iter(), next: None };
        visitor.visit_map(entries).map_err(|fault: Fault| fault.at(self.0.position))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let variant = match &self.0.value {
            Value::Scalar { text, .. } if !self.0.is_null() => {
                Variant { name: text, position: self.0.position, value: None }
            }
            Value::Map(entries) if let [entry] = entries.as_slice() => {
                Variant { name: &entry.key, position: entry.position, value: Some(Typed(&entry.value)) }
            }
            _ => return Err(self.lacks(&format!("one of {}", variants.join(", ")))),
        };
        visitor.visit_enum(variant).map_err(|fault: Fault| fault.at(self.0.position))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        i128 u128 bytes byte_buf unit unit_struct tuple tuple_struct
    }
}

impl<'n> IntoDeserializer<'n, Fault> for Typed<'n> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// The entries of a map.
struct Entries<'n> {
    entries: std::vec::IntoIter<&'n Entry>,
    next: Option<&'n Entry>,
}

impl<'de> de::MapAccess<'de> for Entries<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        self.next = self.entries.next();
        let Some(entry) = self.next else { return Ok(None) };
        let key: de::value::StrDeserializer<'_, Fault> = (*entry.key).into_deserializer();
        seed.deserialize(key).map(Some).map_err(|fault| fault.at(entry.position))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let entry = self.next.take().ok_or_else(|| <Fault as de::Error>::custom("a value without a key"))?;
        seed.deserialize(Typed(&entry.value)).map_err(|fault| fault.at(entry.value.position))
    }
}

/// A variant of an enum: a word alone, or a map of one key.
struct Variant<'n> {
    name: &'n str,
    position: Position,
    value: Option<Typed<'n>>,
}

impl<'de> de::EnumAccess<'de> for Variant<'de> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        let name: de::value::StrDeserializer<'_, Fault> = self.name.into_deserializer();
        let value = seed.deserialize(name).map_err(|fault| fault.at(self.position))?;
        Ok((value, self))
    }
}

impl<'de> Variant<'de> {
    /// The value below the word; its absence is an error.
    fn below(self) -> Result<Typed<'de>, Fault> {
        let text = || format!("`{0}` needs a value: write `{0}: ...` in a map", shown(self.name));
        self.value.ok_or_else(|| Fault::new(self.position, text()))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'de> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        match self.value {
            Some(value) if !value.0.is_null() => {
                let text = format!("`{0}` takes no value: write `{0}` alone", shown(self.name));
                Err(Fault::new(value.0.position, text))
            }
            _ => Ok(()),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        seed.deserialize(self.below()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.below()?.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Fault> {
        self.below()?.deserialize_map(visitor)
    }
}

#[cfg(test)]
mod tests;
