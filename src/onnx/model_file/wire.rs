//! The wire format of Protocol Buffers, field by field, without a schema: what is not asked for is skipped unread.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};

/// Longest text that is read: names of tensors and files are far shorter, and a damaged length must not take memory.
const LONGEST_TEXT: u64 = 1 << 16;

/// Why a file cannot be followed.
#[derive(Debug)]
pub(super) enum WireError {
    Read(std::io::Error),
    /// The file ends before a part of it does, which would need so many bytes in all.
    Short {
        needed: u64,
    },
    /// What stands there is no Protocol Buffers message of this kind.
    Malformed,
}

/// What follows the number of a field.
#[derive(Debug, Clone, Copy)]
pub(super) enum Content {
    Number(u64),
    /// A text, a message, or packed numbers, up to this position in the file; not read yet.
    Bytes {
        end: u64,
    },
}

/// A file as a stream of fields.
pub(super) struct Fields {
    reader: BufReader<File>,
    position: u64,
    size: u64,
}

impl Fields {
    /// `size` is the file's.
    pub fn new(reader: BufReader<File>, size: u64) -> Self {
        Self { reader, position: 0, size }
    }

    pub fn position(&self) -> u64 {
        self.position
    }

    /// Number and content of the next field of the message that ends at `end`; `None` at its end.
    pub fn next(&mut self, end: u64) -> Result<Option<(u64, Content)>, WireError> {
        if self.position >= end {
            return if self.position == end { Ok(None) } else { Err(WireError::Malformed) };
        }
        let tag = self.varint(end)?;
        let content = match tag & 7 {
            0 => Content::Number(self.varint(end)?),
            1 => self.bytes(8, end)?,
            2 => {
                let length = self.varint(end)?;
                self.bytes(length, end)?
            }
            5 => self.bytes(4, end)?,
            _ => return Err(WireError::Malformed),
        };
        // There is no field 0.
        if tag >> 3 == 0 { Err(WireError::Malformed) } else { Ok(Some((tag >> 3, content))) }
    }

    /// Goes past what [`Self::next`] gave.
    pub fn skip(&mut self, content: Content) -> Result<(), WireError> {
        if let Content::Bytes { end } = content {
            let distance = i64::try_from(end - self.position).map_err(|_| WireError::Malformed)?;
            self.reader.seek_relative(distance).map_err(WireError::Read)?;
            self.position = end;
        }
        Ok(())
    }

    /// The text up to `end`.
    pub fn text(&mut self, end: u64) -> Result<String, WireError> {
        let length = end - self.position;
        if length > LONGEST_TEXT {
            return Err(WireError::Malformed);
        }
        let mut bytes = vec![0; length as usize];
        self.read(&mut bytes)?;
        String::from_utf8(bytes).map_err(|_| WireError::Malformed)
    }

    /// A number in groups of seven bits, least significant first.
    pub fn varint(&mut self, end: u64) -> Result<u64, WireError> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            if self.position >= end {
                return Err(if end >= self.size { WireError::Short { needed: end + 1 } } else { WireError::Malformed });
            }
            let mut byte = [0];
            self.read(&mut byte)?;
            number |= u64::from(byte[0] & 0x7f) << shift;
            if byte[0] < 0x80 {
                return Ok(number);
            }
        }
        Err(WireError::Malformed)
    }

    fn bytes(&self, length: u64, message_end: u64) -> Result<Content, WireError> {
        let end = self.position.checked_add(length).ok_or(WireError::Malformed)?;
        if end <= message_end {
            Ok(Content::Bytes { end })
        } else if message_end == self.size {
            // The file itself is the message: it has lost its end.
            Err(WireError::Short { needed: end })
        } else {
            Err(WireError::Malformed)
        }
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<(), WireError> {
        self.reader.read_exact(bytes).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => WireError::Short { needed: self.position + bytes.len() as u64 },
            _ => WireError::Read(error),
        })?;
        self.position += bytes.len() as u64;
        Ok(())
    }
}
