//! Server-sent events (HTML living standard, 9.2), read as bytes: a chunk may end anywhere, also inside a character.

/// Collects the data of events from chunks.
#[derive(Debug, Default)]
pub(super) struct Events {
    line: Vec<u8>,
    data: Vec<u8>,
    /// Whether the event has a data line at all.
    any: bool,
    /// The last byte was a carriage return, whose line feed belongs to it.
    returned: bool,
}

impl Events {
    /// Takes in a chunk and returns the data of every event that it completes.
    pub fn push(&mut self, chunk: &[u8]) -> Vec<Vec<u8>> {
        let mut complete = Vec::new();
        for byte in chunk {
            match byte {
                b'\n' if self.returned => self.returned = false,
                b'\n' | b'\r' => {
                    self.returned = *byte == b'\r';
                    complete.extend(self.end_line());
                }
                other => {
                    self.returned = false;
                    self.line.push(*other);
                }
            }
        }
        complete
    }

    fn end_line(&mut self) -> Option<Vec<u8>> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            let data = std::mem::take(&mut self.data);
            return std::mem::take(&mut self.any).then_some(data);
        }
        let (field, value) = match line.iter().position(|byte| *byte == b':') {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (&line[..], &[][..]),
        };
        if field.strip_prefix(b"\xef\xbb\xbf").unwrap_or(field) == b"data" {
            if self.any {
                self.data.push(b'\n');
            }
            self.any = true;
            self.data.extend_from_slice(value.strip_prefix(b" ").unwrap_or(value));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(chunks: &[&[u8]]) -> Vec<String> {
        let mut events = Events::default();
        let found = chunks.iter().flat_map(|chunk| events.push(chunk)).collect::<Vec<_>>();
        found.into_iter().map(|data| String::from_utf8(data).unwrap()).collect()
    }

    const STREAM: &str = "\u{feff}data: grüße 検索\r\n\r\n: a comment\nevent: x\ndata:one\ndata: two\n\ndata\n\nid: 7\n\ndata: [DONE]\r\r";

    #[test]
    fn it_reads_the_same_wherever_the_chunks_end() {
        let whole = all(&[STREAM.as_bytes()]);
        assert_eq!(whole, ["grüße 検索", "one\ntwo", "", "[DONE]"]);
        for at in 0..=STREAM.len() {
            let (before, after) = STREAM.as_bytes().split_at(at);
            assert_eq!(all(&[before, after]), whole, "split at byte {at}");
        }
        let bytes: Vec<&[u8]> = STREAM.as_bytes().chunks(1).collect();
        assert_eq!(all(&bytes), whole);
    }

    #[test]
    fn an_event_that_does_not_end_is_none() {
        assert!(all(&[b"data: half"]).is_empty());
    }

    proptest! {
        #[test]
        fn any_text_comes_through_in_any_pieces(text in "[^\r\n]{0,80}", piece in 1_usize..9) {
            let stream = format!("data: {text}\n\n");
            let chunks: Vec<&[u8]> = stream.as_bytes().chunks(piece).collect();
            prop_assert_eq!(all(&chunks), vec![text]);
        }
    }
}
