//! The deserializer.

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, Error as _, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value};

use super::DecodeError;

/// Reads one value.
#[derive(Clone, Copy)]
pub(super) struct Decoder<'v>(pub(super) &'v Value);

/// Where `null` stands for nothing said, the type's empty value.
macro_rules! integers {
    ($($method:ident $type:ident $visit:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            let number = match self.0 {
                Value::Null => return visitor.$visit(0),
                Value::Number(number) => number,
                _ => return Err(DecodeError::expected(&"integer")),
            };
            let integer = number.as_i64().map(i128::from).or(number.as_u64().map(i128::from));
            let integer = integer.ok_or_else(|| DecodeError::expected(&"integer"))?;
            let range = format_args!("integer from {} to {}", $type::MIN, $type::MAX);
            visitor.$visit($type::try_from(integer).map_err(|_| DecodeError::expected(&range))?)
        }
    )*};
}

impl<'de> serde::Deserializer<'de> for Decoder<'_> {
    type Error = DecodeError;

    integers! {
        deserialize_i8 i8 visit_i8
        deserialize_i16 i16 visit_i16
        deserialize_i32 i32 visit_i32
        deserialize_i64 i64 visit_i64
        deserialize_u8 u8 visit_u8
        deserialize_u16 u16 visit_u16
        deserialize_u32 u32 visit_u32
        deserialize_u64 u64 visit_u64
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.0 {
            Value::Null => visitor.visit_bool(false),
            Value::Bool(value) => visitor.visit_bool(*value),
            _ => Err(DecodeError::expected(&"true or false")),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.0 {
            Value::Null => visitor.visit_f64(0.0),
            value => visitor.visit_f64(value.as_f64().ok_or_else(|| DecodeError::expected(&"number"))?),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.0 {
            Value::Null => visitor.visit_str(""),
            Value::String(text) => visitor.visit_str(text),
            _ => Err(DecodeError::expected(&"string")),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.0 {
            Value::Null => visitor.visit_seq(Elements { values: &[], next: 0 }),
            Value::Array(values) => visitor.visit_seq(Elements { values, next: 0 }),
            _ => Err(DecodeError::expected(&"list")),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_map(Members::of(self.object()?.into_iter().flatten().map(|(k, v)| (k.as_str(), v))))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let mut found = vec![None; fields.len()];
        for (key, value) in self.object()?.into_iter().flatten().filter(|(_, value)| !value.is_null()) {
            if let Some(index) = field(fields, key) {
                found[index] = Some(value);
            }
        }
        let found = fields.iter().zip(found).filter_map(|(name, value)| Some((*name, value?)));
        visitor.visit_map(Members::of(found))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.0 {
            Value::String(text) => visitor.visit_enum(text.as_str().into_deserializer()),
            Value::Object(object) if object.len() == 1 => visitor.visit_enum(MapAccessDeserializer::new(
                Members::of(object.iter().map(|(key, value)| (key.as_str(), value))),
            )),
            _ => Err(DecodeError::expected(&"string")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }

    /// For types that take whatever comes, such as `serde_json::Value`.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(_) => self.deserialize_bool(visitor),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(value), _, _) => visitor.visit_u64(value),
                (_, Some(value), _) => visitor.visit_i64(value),
                (_, _, Some(value)) => visitor.visit_f64(value),
                _ => Err(DecodeError::expected(&"number")),
            },
            Value::String(_) => self.deserialize_str(visitor),
            Value::Array(_) => self.deserialize_seq(visitor),
            Value::Object(_) => self.deserialize_map(visitor),
        }
    }

    forward_to_deserialize_any! {
        char bytes byte_buf unit unit_struct tuple tuple_struct identifier
    }
}

impl<'v> Decoder<'v> {
    fn object(self) -> Result<Option<&'v Map<String, Value>>, DecodeError> {
        match self.0 {
            Value::Null => Ok(None),
            Value::Object(object) => Ok(Some(object)),
            _ => Err(DecodeError::expected(&"object")),
        }
    }
}

/// The field that a key means.
fn field(fields: &[&str], key: &str) -> Option<usize> {
    fields
        .iter()
        .position(|field| *field == key)
        .or_else(|| fields.iter().position(|field| field.eq_ignore_ascii_case(key)))
}

/// The values of a list.
struct Elements<'v> {
    values: &'v [Value],
    next: usize,
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        let Some(value) = self.values.get(self.next) else { return Ok(None) };
        let index = self.next;
        self.next += 1;
        seed.deserialize(Decoder(value))
            .map(Some)
            .map_err(|error| error.of(value).under(&format!("[{index}]")))
    }
}

/// The keys and values of an object.
struct Members<'v, I: Iterator<Item = (&'v str, &'v Value)>> {
    members: I,
    current: Option<(&'v str, &'v Value)>,
}

impl<'v, I: Iterator<Item = (&'v str, &'v Value)>> Members<'v, I> {
    fn of(members: I) -> Self {
        Self { members, current: None }
    }
}

impl<'de, 'v, I: Iterator<Item = (&'v str, &'v Value)>> MapAccess<'de> for Members<'v, I> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DecodeError> {
        self.current = self.members.next();
        let Some((key, _)) = self.current else { return Ok(None) };
        seed.deserialize(StrDeserializer::new(key)).map(Some).map_err(|error: DecodeError| error.under(key))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, DecodeError> {
        let Some((key, value)) = self.current else {
            return Err(DecodeError::custom("a value without a key"));
        };
        seed.deserialize(Decoder(value)).map_err(|error| error.of(value).under(key))
    }
}
