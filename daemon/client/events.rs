//! Server-sent events, as they are read from a stream.

use std::io::{self, BufRead, BufReader, Read};

use serde_json::Value;

/// The longest line, in bytes.
const MAX_LINE: u64 = 4 << 20;

/// Reads events.
pub struct Events<R> {
    reader: BufReader<R>,
}

/// An event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its number.
    pub id: Option<u64>,
    /// What it is.
    pub kind: String,
    /// What it tells.
    pub data: Value,
}

impl<R: Read> Events<R> {
    /// The events of a stream.
    pub fn new(stream: R) -> Self {
        Self {
            reader: BufReader::new(stream),
        }
    }

    /// The next line without its end; nothing at the end of the stream.
    fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = Vec::new();
        let mut reader = (&mut self.reader).take(MAX_LINE);
        match reader.read_until(b'\n', &mut line)? {
            0 => return Ok(None),
            _ if line.ends_with(b"\n") => {}
            _ => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
        let line = String::from_utf8(line).map_err(|_| io::ErrorKind::InvalidData)?;
        Ok(Some(line.trim_end_matches(['\n', '\r']).to_owned()))
    }

    /// The next event; comments are passed over.
    fn event(&mut self) -> io::Result<Option<Event>> {
        let (mut id, mut kind, mut data) = (None, String::new(), String::new());
        while let Some(line) = self.line()? {
            if line.is_empty() {
                if data.is_empty() {
                    continue;
                }
                let data = serde_json::from_str(&data)?;
                return Ok(Some(Event { id, kind, data }));
            }
            let (field, value) = line.split_once(':').unwrap_or((&line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "id" => id = value.parse().ok(),
                "event" => value.clone_into(&mut kind),
                "data" => data.push_str(value),
                _ => {}
            }
        }
        Ok(None)
    }
}

impl<R: Read> Iterator for Events<R> {
    type Item = io::Result<Event>;

    fn next(&mut self) -> Option<Self::Item> {
        self.event().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_and_comments_passed_over() {
        let text = ": \n\nid: 7\nevent: rollout.begin\ndata: {\"a\":\ndata: 1}\n\nretry: 9\n\ndata: 2\r\n\r\nid: 8";
        let mut events = Events::new(text.as_bytes());
        let first = events.next().unwrap().unwrap();
        assert_eq!((first.id, &*first.kind), (Some(7), "rollout.begin"));
        assert_eq!(first.data["a"], 1);
        assert_eq!(events.next().unwrap().unwrap().data, 2);
        assert!(events.next().unwrap().is_err(), "cut off within a line");
        assert!(Events::new(&b"data: {\n\n"[..]).next().unwrap().is_err());
        assert!(Events::new(&b""[..]).next().is_none());
    }
}
