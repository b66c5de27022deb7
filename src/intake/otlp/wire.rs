//! The protobuf wire format, as far as OTLP uses it: fields in order, borrowed from the body.

use crate::intake::problem::{BadInput, Place};

/// The fields of one message.
#[derive(Clone, Copy)]
pub(super) struct Message<'a> {
    bytes: &'a [u8],
    /// Where the message begins in the body.
    start: usize,
}

/// One field's value.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32,
    /// Text, bytes or a message.
    Bytes(Message<'a>),
}

/// One field.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    pub number: u32,
    pub value: Value<'a>,
    at: usize,
}

impl<'a> Message<'a> {
    pub fn whole(bytes: &'a [u8]) -> Self {
        Self { bytes, start: 0 }
    }

    pub fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Text; what is not UTF-8 in it is replaced by U+FFFD.
    pub fn text(self) -> std::borrow::Cow<'a, str> {
        String::from_utf8_lossy(self.bytes)
    }

    /// The fields, in the order they stand.
    pub fn fields(self) -> Fields<'a> {
        Fields { message: self, at: 0 }
    }
}

/// Walks a message.
pub(super) struct Fields<'a> {
    message: Message<'a>,
    at: usize,
}

impl<'a> Fields<'a> {
    fn bad<T>(&self, what: &str) -> Result<T, BadInput> {
        Err(bad(self.message.start + self.at, what))
    }

    fn varint(&mut self) -> Result<u64, BadInput> {
        let mut value = 0u64;
        for shift in (0..70).step_by(7) {
            let Some(&byte) = self.message.bytes.get(self.at) else {
                return self.bad("the message ends inside a number");
            };
            self.at += 1;
            value |= u64::from(byte & 0x7F).checked_shl(shift).unwrap_or(0);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        self.bad("a number is longer than ten bytes")
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], BadInput> {
        let rest = &self.message.bytes[self.at..];
        match usize::try_from(length).ok().and_then(|length| rest.get(..length)) {
            Some(taken) => {
                self.at += taken.len();
                Ok(taken)
            }
            None => self.bad(&format!("a field says it is {length} bytes long, {} are left", rest.len())),
        }
    }

    fn next_field(&mut self) -> Result<Field<'a>, BadInput> {
        let at = self.message.start + self.at;
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).unwrap_or(0);
        if number == 0 || number >= 1 << 29 {
            return Err(bad(at, "is no field of a protobuf message"));
        }
        let value = match tag & 7 {
            0 => Value::Varint(self.varint()?),
            1 => {
                let bytes = self.take(8)?;
                Value::Fixed64(bytes.try_into().map_or(0, u64::from_le_bytes))
            }
            2 => {
                let length = self.varint()?;
                let start = self.message.start + self.at;
                Value::Bytes(Message { bytes: self.take(length)?, start })
            }
            5 => {
                self.take(4)?;
                Value::Fixed32
            }
            other => return Err(bad(at, &format!("has wire type {other}, which OTLP does not use"))),
        };
        Ok(Field { number, value, at })
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, BadInput>;

    fn next(&mut self) -> Option<Self::Item> {
        (self.at < self.message.bytes.len()).then(|| {
            let field = self.next_field();
            if field.is_err() {
                self.at = self.message.bytes.len();
            }
            field
        })
    }
}

impl<'a> Field<'a> {
    /// The field as text, bytes or a message.
    pub fn message(self) -> Result<Message<'a>, BadInput> {
        match self.value {
            Value::Bytes(message) => Ok(message),
            _ => self.wrong("bytes"),
        }
    }

    /// The field as a whole number.
    pub fn number(self) -> Result<u64, BadInput> {
        match self.value {
            Value::Varint(number) => Ok(number),
            _ => self.wrong("a varint"),
        }
    }

    /// The field as eight bytes.
    pub fn fixed64(self) -> Result<u64, BadInput> {
        match self.value {
            Value::Fixed64(number) => Ok(number),
            _ => self.wrong("a fixed64"),
        }
    }

    fn wrong<T>(self, expected: &str) -> Result<T, BadInput> {
        Err(bad(self.at, &format!("field {} is not {expected}", self.number)))
    }
}

fn bad(byte: usize, what: &str) -> BadInput {
    BadInput::new(Place::Byte(byte as u64), what)
}
