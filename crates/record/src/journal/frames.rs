//! The frames of a journal: what is complete and has the right checksum.

use std::io::{self, Read};

use super::MAX_PAYLOAD;

/// Why there is no next frame.
pub(super) enum NoFrame {
    /// The file ends between two frames.
    End,
    /// The file ends within a frame, or the checksum of the frame is wrong.
    Torn,
    /// Reading the file failed.
    Read(io::Error),
}

/// The frames of a journal, in the order of the file.
#[derive(Debug)]
pub(super) struct Frames<R> {
    pub(super) input: R,
    /// The number of bytes read so far, which is the position of the next byte.
    pub(super) at: usize,
}

impl<R: Read> Frames<R> {
    /// The frames of an input, whose next byte counts as byte 0.
    pub(super) const fn of(input: R) -> Self {
        Self { input, at: 0 }
    }

    /// The kind and the payload of the next frame.
    pub(super) fn next(&mut self) -> Result<(u8, Vec<u8>), NoFrame> {
        let mut head = [0; 5];
        self.fill(&mut head)?;
        let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
        if length > MAX_PAYLOAD {
            return Err(NoFrame::Torn);
        }
        let torn = |reason| if matches!(reason, NoFrame::End) { NoFrame::Torn } else { reason };
        let mut payload = Vec::new();
        let read = (&mut self.input).take(u64::from(length)).read_to_end(&mut payload).map_err(NoFrame::Read)?;
        self.at += read;
        let mut checksum = [0; 4];
        self.fill(&mut checksum).map_err(torn)?;
        let mut hash = crc32fast::Hasher::new();
        hash.update(&head[4..]);
        hash.update(&payload);
        if payload.len() != length as usize || hash.finalize() != u32::from_le_bytes(checksum) {
            return Err(NoFrame::Torn);
        }
        Ok((head[4], payload))
    }

    /// Reads until `bytes` is full. If the file ends before that, its last bytes are at the start of `bytes`.
    pub(super) fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoFrame> {
        let mut filled = 0;
        while filled < bytes.len() {
            match self.input.read(&mut bytes[filled..]) {
                Ok(0) if filled == 0 => return Err(NoFrame::End),
                Ok(0) => return Err(NoFrame::Torn),
                Ok(read) => {
                    filled += read;
                    self.at += read;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(NoFrame::Read(error)),
            }
        }
        Ok(())
    }
}
