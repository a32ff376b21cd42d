//! What a prober elsewhere is ordered to send: flags of `lapse run`, and the files that these name, which are read at home.
//! They travel over its stdin and nowhere else, since headers and keys may be secret.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsRawFd;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rustix::fs::{MemfdFlags, memfd_create};
use serde::{Deserialize, Serialize};

/// The order to a prober.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    /// The version of lapse at home. A prober of another version takes no order.
    pub version: String,
    /// Flags of `lapse run`, and its URL.
    pub words: Vec<String>,
    /// The files that further flags name.
    pub files: Vec<OrderedFile>,
}

/// A flag that names a file, with what the file holds.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OrderedFile {
    /// The flag up to the name of the file, such as `--cacert=` or `--data=@`.
    pub flag: String,
    /// The contents in Base64.
    contents: String,
}

/// An order may hold secrets, so only its extent is shown.
impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Order({} words, {} files)", self.words.len(), self.files.len())
    }
}

impl OrderedFile {
    /// The flag with what its file holds.
    pub(crate) fn new(flag: String, contents: &[u8]) -> Self {
        Self { flag, contents: BASE64_STANDARD.encode(contents) }
    }
}

/// The words of an order on the prober's machine, and the files that they name, which exist in memory alone and as long
/// as this does.
#[derive(Debug)]
pub(crate) struct Unpacked {
    /// Flags of `lapse run`, and its URL.
    pub words: Vec<String>,
    _files: Vec<File>,
}

impl Order {
    /// The words with names of files that this process can read.
    pub(crate) fn unpack(self) -> io::Result<Unpacked> {
        let (mut words, mut files) = (self.words, Vec::new());
        for OrderedFile { flag, contents } in self.files {
            let contents = BASE64_STANDARD.decode(contents).map_err(io::Error::other)?;
            let mut file = File::from(memfd_create("lapse", MemfdFlags::CLOEXEC)?);
            file.write_all(&contents)?;
            words.insert(0, format!("{flag}/proc/self/fd/{}", file.as_raw_fd()));
            files.push(file);
        }
        Ok(Unpacked { words, _files: files })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_an_order_can_be_read_from_memory_again_and_again() {
        let file = OrderedFile::new("--cacert=".to_owned(), b"-----BEGIN");
        let order = Order { version: "1".into(), words: vec!["http://shop/".into()], files: vec![file] };
        assert_eq!(format!("{order:?}"), "Order(1 words, 1 files)");
        let unpacked = order.unpack().unwrap();
        let path = unpacked.words[0].strip_prefix("--cacert=").unwrap();
        for _ in 0..2 {
            assert_eq!(std::fs::read(path).unwrap(), b"-----BEGIN");
        }
        assert_eq!(unpacked.words[1], "http://shop/");
    }
}
